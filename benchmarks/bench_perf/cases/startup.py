"""How long the command takes to start."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from bench_perf.records import Candidate, Case, Runner
from bench_perf.settings import Settings

COMMANDS = {"ours": ("-m", "bench_core", "--help"), "python with click": ("-c", "import click")}


def cases(settings: Settings) -> Iterator[Case]:
    """`bench --help`, beside the least that any such command costs."""
    candidates = tuple(Candidate(name, partial(_started, words)) for name, words in COMMANDS.items())
    yield Case("startup", "bench --help", candidates, "starts")


def _started(words: tuple[str, ...], cleanup: ExitStack) -> Runner:
    def run() -> None:
        subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=True)

    return Runner(run)
