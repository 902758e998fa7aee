"""Start-up time of the command."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from bench_perf.records import Candidate, Case, Runner
from bench_perf.settings import Settings

COMMANDS = {"ours": ("-m", "bench_core", "--help"), "python with click": ("-c", "import click")}


def cases(settings: Settings) -> Iterator[Case]:
    """Yield `bench --help`, next to a Python that only imports click."""
    candidates = tuple(Candidate(name, partial(_open, arguments)) for name, arguments in COMMANDS.items())
    yield Case("startup", "bench --help", candidates, "starts")


def _open(arguments: tuple[str, ...], cleanup: ExitStack) -> Runner:
    def run() -> None:
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)

    return Runner(run)
