"""The hooks. A plugin implements those it needs; each returns a list of records from `bench_core.specs`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from bench_core.specs import Command, Executor, ImageSet, Loss, MaskFamily, Metric, Model, NamedFile, Report, Tracker

if TYPE_CHECKING:
    from bench_core.plugins import Plugins
    from bench_core.store.store import Run, Store

hookspec = pluggy.HookspecMarker("bench")
hookimpl = pluggy.HookimplMarker("bench")


@hookspec
def bench_models() -> list[Model]:
    """Inpainting methods."""
    return []


@hookspec
def bench_losses() -> list[Loss]:
    """Loss terms that any method may be trained with."""
    return []


@hookspec
def bench_masks() -> list[MaskFamily]:
    """Laws by which holes are drawn."""
    return []


@hookspec
def bench_image_sets() -> list[ImageSet]:
    """Collections of images."""
    return []


@hookspec
def bench_metrics() -> list[Metric]:
    """Definitions of measures."""
    return []


@hookspec
def bench_reports() -> list[Report]:
    """Formats in which tables are written."""
    return []


@hookspec
def bench_executors() -> list[Executor]:
    """Ways of running the cells of a comparison."""
    return []


@hookspec
def bench_trackers() -> list[Tracker]:
    """Return programs that show trainings while they run."""
    return []


@hookspec
def bench_protocols() -> list[NamedFile]:
    """Named protocols; their form is `bench_core.protocol.Protocol`."""
    return []


@hookspec
def bench_paper_tables() -> list[NamedFile]:
    """Tables of papers, to be measured anew; their form is `bench_core.paper_table.PaperTable`."""
    return []


@hookspec
def bench_commands() -> list[Command]:
    """Commands of `bench`."""
    return []


@hookspec
def bench_publish(
    plugins: "Plugins", store: "Store", run: "Run", folder: Path, beside: "Sequence[Run]"
) -> dict[str, Any]:
    """Write what a user wants of a finished run into its folder, and print it.

    Args:
        plugins: all that are loaded.
        folder: the run's folder in the store.
        beside: other runs under the same protocol, to be shown in the same table.

    Returns:
        What ``--json`` adds to the run's record.
    """
    return {}
