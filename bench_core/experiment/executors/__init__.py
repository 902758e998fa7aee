"""Executors: where the cells of an experiment run."""

from bench_core.hookspecs import hookimpl
from bench_core.specs import Executor


@hookimpl
def bench_executors() -> list[Executor]:
    here = "bench_core.experiment.executors"
    return [
        Executor("here", "one cell after the other, in this process", f"{here}.in_process:run", in_process=True),
        Executor(
            "local",
            "each cell in a process of its own on this machine",
            f"{here}.subprocesses:run",
            ("jobs", "time_limit"),
        ),
        Executor(
            "ray",
            "on a Ray cluster, or on one that is started on this machine",
            f"{here}.ray_cluster:run",
            ("address", "cell_gpus", "cell_cpus"),
            needs="ray",
        ),
    ]
