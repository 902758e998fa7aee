"""Where the cells of a comparison run."""

from bench_core.hookspecs import hookimpl
from bench_core.specs import Executor


@hookimpl
def bench_executors() -> list[Executor]:
    return [
        Executor(
            "here",
            "one after the other, in this process",
            "bench_core.experiment.executors.in_process:run",
            in_process=True,
        ),
        Executor(
            "local",
            "each in a process of its own on this machine",
            "bench_core.experiment.executors.subprocesses:run",
            ("jobs", "time_limit"),
        ),
        Executor(
            "ray",
            "on a Ray cluster, or on one that is started for them here",
            "bench_core.experiment.executors.ray_cluster:run",
            ("address", "cell_gpus", "cell_cpus"),
            needs="ray",
        ),
    ]
