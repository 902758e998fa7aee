"""A process that has loaded everything, and forks for every command line it reads: `bench` without its start-up.

Says "ready", then reads lines of JSON, [log file, seconds that a training step takes at least, arguments ...]. For
each it prints the process id of the fork and, when that has ended, its exit code, or minus the signal that killed it.
"""

import json
import os
import sys
import time

from bench_core.cli import main
from bench_core.experiment import plan
from bench_core.plugins import Plugins
from bench_core.specs import resolve
from bench_core.system import progress
from bench_core.training import trainer
from bench_reports import publish

trainer.CHECKPOINT_SECONDS, trainer.CHECKPOINT_SHARE = -1, float("inf")  # after every step
progress.LINE_SECONDS = -1
LOADED = (
    plan,
    publish,
    resolve("bench_reports.tables.table:build"),
    resolve("bench_reports.figures.thumbnail_grid:grid"),
)
Plugins.find().load_all()


def bench(log: str, least: float, *arguments: str) -> None:
    for number in (1, 2):
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    step = trainer.Trainer._step
    setattr(trainer.Trainer, "_step", lambda *of: (time.sleep(least), step(*of))[1])  # noqa: B010 - of another type
    main(arguments)


children: list[int] = []
print("ready", flush=True)
for line in sys.stdin:
    if children:
        os.waitpid(children.pop(), 0)
    child = os.fork()
    if not child:
        bench(*json.loads(line))
    os.setpgid(child, child)  # so that those who load its images get its signals, as under a terminal
    children.append(child)
    print(child, flush=True)
    # not reaped before the next line, so that a late signal reaches nobody else
    ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert ended
    print(ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status, flush=True)
