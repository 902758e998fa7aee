"""The hooks of a plugin.

Implement the hooks you need in the module of your entry point, and decorate each with `bench_core.hookimpl`.
Every hook but `bench_publish` returns a list of frozen records from `bench_core.specs`. Keep that module light: hooks
are called when plugins are listed, so they must not import torch.

Example:
    >>> @hookimpl
    ... def bench_models() -> list[Model]:
    ...     return [Model("mine", "My method", "A. Author. Paper. Venue, year", "bench_mine.model:build", RECIPE)]
"""

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
    """Return inpainting methods, and forms of them."""
    return []


@hookspec
def bench_losses() -> list[Loss]:
    """Return loss terms that any method can train with."""
    return []


@hookspec
def bench_masks() -> list[MaskFamily]:
    """Return mask families: functions that draw holes."""
    return []


@hookspec
def bench_image_sets() -> list[ImageSet]:
    """Return image sets."""
    return []


@hookspec
def bench_metrics() -> list[Metric]:
    """Return metric definitions."""
    return []


@hookspec
def bench_reports() -> list[Report]:
    """Return table formats."""
    return []


@hookspec
def bench_executors() -> list[Executor]:
    """Return ways to run the cells of an experiment."""
    return []


@hookspec
def bench_trackers() -> list[Tracker]:
    """Return experiment trackers that training logs to."""
    return []


@hookspec
def bench_protocols() -> list[NamedFile]:
    """Return named protocols: TOML files with the fields of `bench_core.protocol.Protocol`."""
    return []


@hookspec
def bench_paper_tables() -> list[NamedFile]:
    """Return tables of papers to reproduce: TOML files with the fields of `bench_core.paper_table.PaperTable`."""
    return []


@hookspec
def bench_commands() -> list[Command]:
    """Return subcommands of `bench`."""
    return []


@hookspec
def bench_publish(
    plugins: "Plugins", store: "Store", run: "Run", folder: Path, beside: "Sequence[Run]"
) -> dict[str, Any]:
    """Write reports of a finished run and print them. Called on rank zero, after every `bench run` and `bench score`.

    Args:
        plugins: The installed plugins.
        store: The store that holds the run's rows.
        run: The finished run.
        folder: The run's folder in the store; write reports here.
        beside: Other runs under the same protocol to show in the same table.

    Returns:
        Entries to add to the JSON document of ``bench run --json``.
    """
    return {}
