"""`bench perf`: benchmark methods and the harness side by side."""

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
@click.option("--sizes", type=Listed(int), default="256,512", help="Heights and widths of images, in pixels.")
@click.option("--batches", type=Listed(int), default="1,4", help="Batch sizes.")
@click.option("--scale", type=OneOf(["paper", "nano"]), default="paper", help="The published networks, or narrow ones.")
@click.option("--against", type=FILE, help="Python file with a baseline's build(); see docs/performance.md.")
@click.option("--method", help="Method to compare the baseline with, if METHODS are several.")
@click.option("--device", type=DEVICE, default="auto", help="Device to run on.")
@click.option("--precision", "precisions", type=Listed(), default=(), help="tf32,bf16-mixed,16-mixed besides 32 bits.")
@click.option("--compile", "compiled", is_flag=True, help="Also measure generators compiled by torch.compile.")
@click.option("--threads", type=click.IntRange(1), help="Threads of torch; torch's default if not given.")
@click.option("--seconds", type=click.FloatRange(0), default=5.0, help="Time for each comparison.")
@click.option("--json", "file", type=FILE, help="Also write all measurements to this file, after every case.")
def perf(methods: tuple[str, ...] | None, file: Path | None, **options: Any) -> None:
    """Benchmark inference, training and metrics.

    METHODS is a list such as ONE,OTHER; all trainable methods if not given. Candidates run in alternation, so that
    speed-ups hold on a busy machine, too. The outputs of a baseline are compared with ours.

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
    save = (lambda report: files.write_json(file, report.as_dict())) if file else lambda report: None
    show(measure(_settings(methods, **options), save))


def _settings(
    methods: tuple[str, ...] | None,
    parts: tuple[str, ...] | None,
    against: Path | None,
    method: str | None,
    threads: int | None,
    **options: Any,
) -> "Settings":
    """Validate the options.

    Raises:
        BadInput: an option does not exist, or does not fit the others.
    """
    import torch

    from bench_core.plugins import Plugins
    from bench_core.system.devices import require_compiler
    from bench_perf.baseline import Baseline
    from bench_perf.precision import PRECISIONS
    from bench_perf.settings import Settings
    from bench_perf.suite import PARTS

    for part in parts or ():
        if part not in PARTS:
            raise unknown("part", part, PARTS)
    for precision in options["precisions"]:
        if precision not in PRECISIONS:
            raise unknown("precision", precision, PRECISIONS)
    if options["compiled"]:
        require_compiler(options["device"])
    for name in ("sizes", "batches"):
        if not options[name] or min(options[name]) < 1:
            raise BadInput(f"--{name} takes whole numbers of at least 1 between commas, such as 1,4.")
    plugins = Plugins.all()
    models = plugins.records("models").values()
    methods = methods or tuple(model.name for model in models if model.recipe and ":" not in model.name)
    for name in methods:
        plugins.model(name)
    if method and not against:
        raise BadInput("--method names the method to compare a baseline with; give the baseline's file with --against.")
    baselines = {_compared_method(method, methods): Baseline.load(against)} if against else {}
    threads = threads or torch.get_num_threads()
    settings = Settings(plugins, methods, parts or tuple(PARTS), baselines=baselines, threads=threads, **options)
    for mode in settings.modes:
        mode.open_fabric(settings.device)  # refuses what the device cannot compute
    return settings


def _compared_method(method: str | None, methods: Sequence[str]) -> str:
    """Return the method to compare a baseline with."""
    if method is None and len(methods) == 1:
        return methods[0]
    if method is None:
        raise BadInput(f"Compare the baseline with one of {', '.join(methods)}: give --method NAME.")
    if method not in methods:
        raise unknown("measured method", method, methods)
    return method
