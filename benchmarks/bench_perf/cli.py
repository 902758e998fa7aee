"""`bench perf`: benchmarks of speed, side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench_core.cli import completions
from bench_core.cli.param_types import DEVICE, Listed, OneOf
from bench_core.errors import BadInput, unknown

if TYPE_CHECKING:
    from bench_perf.settings import Settings

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("methods", type=completions.METHODS, required=False)
@click.option(
    "--parts", type=Listed(), help="forward,training,overhead,metrics,masks,loading,startup; all if left out."
)
@click.option("--sizes", type=Listed(int), default="256,512", help="Image sides in pixels.")
@click.option("--batches", type=Listed(int), default="1,4", help="Batch sizes.")
@click.option("--scale", type=OneOf(["paper", "nano"]), default="paper", help="Networks as published, or narrow ones.")
@click.option("--against", type=FILE, help="Python file with a baseline's build(); see docs/performance.md.")
@click.option("--method", help="Which of METHODS to compare the baseline with.")
@click.option("--device", type=DEVICE, default="auto", help="Device to run on.")
@click.option(
    "--precision", "precisions", type=Listed(), default=(), help="Precisions beside float32: tf32,bf16-mixed,16-mixed."
)
@click.option("--compile", "compiled", is_flag=True, help="Measure generators with torch.compile, too.")
@click.option("--threads", type=click.IntRange(1), help="Threads of torch; torch's default if left out.")
@click.option("--seconds", type=click.FloatRange(0), default=5.0, help="Seconds of each measurement.")
@click.option("--json", "file", type=FILE, help="JSON file for all measurements.")
def perf(methods: tuple[str, ...] | None, file: Path | None, **options: Any) -> None:
    """Benchmark inference, training and metrics.

    METHODS are names such as ONE,OTHER; all trained methods if left out. Compared functions run in turn in one process,
    so ratios hold on a busy machine, too. Outputs of a baseline are compared with ours.

    \b
    Examples:
      bench perf ONE,OTHER --parts forward --sizes 256
      bench perf ONE --parts forward,training --against baseline.py --json one.json
      bench perf --parts metrics,masks,loading,startup
    """
    from bench_core.system import files
    from bench_core.system.allocator import tune_malloc
    from bench_perf.suite import measure
    from bench_perf.tables import show

    if file and not file.absolute().parent.is_dir():
        raise BadInput(f"There is no folder {file.parent} to write {file.name} into; make it first.")
    tune_malloc()
    report = measure(_settings(methods, **options))
    show(report)
    if file:
        files.write_json(file, report.as_dict())


def _settings(
    methods: tuple[str, ...] | None,
    parts: tuple[str, ...] | None,
    against: Path | None,
    method: str | None,
    threads: int | None,
    **options: Any,
) -> "Settings":
    import torch

    from bench_core.plugins import Plugins
    from bench_core.system.compiling import require_compiler
    from bench_perf.baseline import Baseline
    from bench_perf.settings import Settings
    from bench_perf.suite import PARTS
    from bench_perf.variants import ARITHMETICS

    for part in parts or ():
        if part not in PARTS:
            raise unknown("part", part, PARTS)
    for precision in options["precisions"]:
        if precision not in ARITHMETICS:
            raise unknown("precision", precision, ARITHMETICS)
    if options["compiled"]:
        require_compiler(options["device"])
    for name in ("sizes", "batches"):
        if not options[name] or min(options[name]) < 1:
            raise BadInput(f"--{name} takes whole numbers of at least 1 between commas, such as 1,4.")
    plugins = Plugins.all()
    chosen = methods or tuple(model.name for model in plugins.records("models").values() if _learns(model))
    for name in chosen:
        plugins.model(name)
    baselines = {_beside(method, chosen): Baseline.read(against)} if against else {}
    if method and not against:
        raise BadInput("--method says what a rival is measured beside; give the rival's file with --against.")
    threads = threads or torch.get_num_threads()
    settings = Settings(plugins, chosen, parts or tuple(PARTS), baselines=baselines, threads=threads, **options)
    if "tf32" in settings.precisions and settings.place.type != "cuda":
        raise BadInput(f"tf32 is an arithmetic of NVIDIA GPUs, and {settings.place} is none; give --device cuda.")
    return settings


def _learns(model: Any) -> bool:
    return model.recipe is not None and ":" not in model.name


def _beside(method: str | None, methods: Sequence[str]) -> str:
    """The method that a rival is measured beside."""
    if method is None and len(methods) == 1:
        return methods[0]
    if method is None:
        raise BadInput(f"Which of {', '.join(methods)} is the rival measured beside? Give it with --method NAME.")
    if method not in methods:
        raise unknown("method among those that are measured", method, methods)
    return method
