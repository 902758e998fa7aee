"""A leaderboard as plain data: what its page shows at first, and what its script shows when it is asked."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from bench_core.seeds import digest
from bench_core.specs import Metric
from bench_core.store.store import Run
from bench_reports.site.costs import VariantCosts
from bench_reports.site.filters import TableFilter
from bench_reports.site.links import method_path
from bench_reports.site.pages import number
from bench_reports.tables import notes
from bench_reports.tables.cells import Cells
from bench_reports.tables.columns import Column
from bench_reports.tables.table import header, title, wanted

_TEXT = re.compile(r"(\S+)(?: (± \S+?))?([†≈]*)")
"""A cell of the usual table: value, half of the interval, marks."""


def board(
    run: Run, views: Sequence[TableFilter], known: Mapping[str, Metric], spent: Mapping[str, VariantCosts]
) -> dict[str, Any]:
    """Of a merged run. `spent` tells what variants cost."""
    metrics, protocol = wanted(run, known), run.protocol
    shown = [_view(view, known) for view in views]
    return {
        "id": board_id(run),
        "name": protocol.name,
        "about": protocol.title,
        "title": title(protocol),
        "pairs": run.num_pairs,
        "masks": list(protocol.test_masks),
        "parts": list(dict.fromkeys(view["part"] for view in shown if view["part"])),
        "seeds": list(protocol.seeds) if len(protocol.seeds) > 1 else [],
        "metrics": [_metric(metric) for metric in metrics.values()],
        "costs": _costs(spent),
        "methods": [
            {"name": name, "path": method_path(name), "costs": spent[name].texts if name in spent else {}}
            for name in Cells(run, ()).variants
        ],
        "views": shown,
        "plots": {
            mask_set: {key: f"data/plots-{board_id(run)}-{row}-{column}.js" for column, key in enumerate(metrics)}
            for row, mask_set in enumerate(protocol.test_masks)
        },
    }


def board_id(run: Run) -> str:
    """What a link to the run's leaderboard ends with."""
    return f"{run.protocol.name}-{digest([run.protocol.hash, run.images])[:8]}"


def _metric(metric: Metric) -> dict[str, str]:
    return {"key": metric.definition, "title": header(metric), "better": metric.better, "text": metric.text}


def _view(view: TableFilter, known: Mapping[str, Metric]) -> dict[str, Any]:
    texts = Cells(view.run, view.columns).texts
    names = list(texts.index)
    return {
        "seed": view.seed,
        "mask": view.mask_set,
        "part": view.part,
        "columns": [_cells(column, texts[column.key], names) for column in view.columns],
        "why": [_why(view, name) for name in names],
        "notes": notes.all_notes(view.run, view.columns, known),
    }


def _cells(column: Column, texts: pd.Series, names: Sequence[str]) -> list[list[Any]]:
    """For each method: value, half of the interval, marks, whether it is the best, what sorts it, ends of the interval,
    possible ranks, letters of its groups."""
    details = column.standing.details.to_dict("index") if column.standing else {}
    best = {str(name) for name in column.best[column.best].index}
    return [
        [*_parts(texts[name]), name in best, number(column.means.get(name)), *_standing(details.get(name))]
        for name in names
    ]


def _parts(text: str) -> tuple[str, ...]:
    found = _TEXT.fullmatch(text)
    assert found, text
    return tuple(part or "" for part in found.groups())


def _standing(details: Mapping[Any, Any] | None) -> tuple[Any, ...]:
    if details is None:
        return None, None, "", ""
    best, worst = details["best rank"], details["worst rank"]
    ranks = f"{best}" if best == worst else f"{best}\N{EN DASH}{worst}"
    return number(details["low"]), number(details["high"]), ranks, details["group"]


def _why(view: TableFilter, name: str) -> str:
    """Why a method has no number, or not of all seeds."""
    mine = [
        replace(entry, notes=[], refused={key: why for key, why in entry.refused.items() if key == view.mask_set})
        for entry in view.run.entries
        if entry.variant == name
    ]
    return " ".join(notes.reasons(replace(view.run, entries=mine)))


def _costs(spent: Mapping[str, VariantCosts]) -> list[dict[str, str]]:
    """Columns of what is known of at least one method."""
    told = {key for each in spent.values() for key in each.texts}
    return [{"key": key, "title": title} for key, title in VariantCosts.TITLES.items() if key in told]
