"""Speed of methods and of the harness, measured beside other implementations in one run."""

from bench_core import Command, hookimpl


@hookimpl
def bench_commands() -> list[Command]:
    return [Command("perf", "System", "bench_perf.cli:perf")]
