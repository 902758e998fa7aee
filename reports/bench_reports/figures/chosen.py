"""What a figure is asked to show of a run."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench_core.errors import BadInput, unknown
from bench_core.specs import Metric
from bench_core.store import Run, Store
from bench_reports.columns import Column, column
from bench_reports.definitions import check
from bench_reports.figures import style
from bench_reports.table import ARROWS, wanted


def metric(run: Run, known: Mapping[str, Metric], name: str) -> Metric:
    """A metric of the run's protocol by its definition or bare name; the first one if none is asked for.

    Raises:
        BadInput: it was not measured.
    """
    metrics = list(wanted(run, known).values())
    named = {each.name: each for each in reversed(metrics)} | {each.definition: each for each in metrics}
    if name and name not in named:
        raise unknown("metric in this run", name, named)
    return named[name] if name else metrics[0]


def mask_set(run: Run, name: str) -> str:
    """One of the run's mask sets; the first one if none is asked for.

    Raises:
        BadInput: there is no such.
    """
    if name and name not in run.protocol.test_masks:
        raise unknown("mask set in this run", name, run.protocol.test_masks)
    return name or run.protocol.test_masks[0]


def methods(run: Run, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The looks of these variants, or of all if none is asked for; nobody's look depends on who else is drawn.

    Raises:
        BadInput: one is not in the run.
    """
    looks = style.looks(entry.variant for entry in run.entries)
    for name in names:
        if name not in looks:
            raise unknown("method in this run", name, looks)
    return {name: look for name, look in looks.items() if not names or name in names}


def column_of(store: Store, run: Run, known: Mapping[str, Metric], mask_set_: str, definition: str) -> Column:
    """The table's column.

    Raises:
        BadInput: there is none, or it is empty.
    """
    of, where, rows = metric(run, known, definition), mask_set(run, mask_set_), store.rows(run)
    check(run, rows, wanted(run, known))
    found = column(run, where, of, rows[(rows["mask_set"] == where) & (rows["metric"] == of.definition)])
    if found.means.empty:
        raise nothing(run, of, where)
    return found


def nothing(run: Run, of: Metric, where: str) -> BadInput:
    """The error where no method has a value, with the reason as far as it is known."""
    why = run.missing.get(of.definition, "repeat the bench run, or choose another with --metric or --mask-set")
    return BadInput(f"There is nothing to draw: no method has {of.title} on {where} ({why}).")


def header(of: Metric) -> str:
    """As above a table's column."""
    return f"{of.title} {ARROWS[of.better]}"
