"""Speed lab: time methods and the harness side by side with other implementations."""

from bench_core import Command, hookimpl


@hookimpl
def bench_commands() -> list[Command]:
    return [Command("perf", "System", "bench_perf.cli:perf")]
