"""Leaderboard of a run as plain data, for its template and its script."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from bench_core.seeds import digest
from bench_core.specs import Metric
from bench_reports.costs import format_count, format_duration
from bench_reports.site.filters import TableFilter
from bench_reports.site.pages import json_number, method_path
from bench_reports.tables import notes
from bench_reports.tables.cells import Cells
from bench_reports.tables.columns import Column
from bench_reports.tables.gaps import state_notes
from bench_reports.tables.merging import MergedRun
from bench_reports.tables.table import metric_header, protocol_metrics, protocol_title

_TEXT = re.compile(r"(\S+)(?: (± \S+?))?([†§≈]*)")
"""Cell of the usual table: value, half of the interval, marks."""
COST_COLUMNS = {
    "parameters": ("Parameters", format_count),
    "training": ("Training", format_duration),
    "image": ("Per image", format_duration),
}
"""Title and format of each kind of cost."""


def board_data(
    run: MergedRun,
    filters: Sequence[TableFilter],
    known: Mapping[str, Metric],
    costs: Mapping[str, Mapping[str, float]],
) -> dict[str, Any]:
    """Return the data of a merged run's leaderboard. `costs` are by variant."""
    metrics, protocol, board_id = protocol_metrics(run, known), run.protocol, _board_id(run)
    views = [_view(each, known) for each in filters]
    known_costs = {key for each in costs.values() for key in each}
    return {
        "id": board_id,
        "name": protocol.name,
        "about": protocol.title,
        "title": protocol_title(run),
        "pairs": run.num_pairs,
        "masks": list(protocol.test_masks),
        "parts": list(dict.fromkeys(view["part"] for view in views if view["part"])),
        "seeds": list(protocol.seeds) if len(protocol.seeds) > 1 else [],
        "metrics": [
            {"key": metric.definition, "title": metric_header(metric), "better": metric.better, "text": metric.text}
            for metric in metrics.values()
        ],
        "costs": [{"key": key, "title": title} for key, (title, _) in COST_COLUMNS.items() if key in known_costs],
        "methods": [
            {"name": name, "path": method_path(name), "costs": _cost_cells(costs.get(name, {}))}
            for name in Cells(run, ()).variants
        ],
        "views": views,
        "plots": {
            mask_set: {key: f"data/plots-{board_id}-{row}-{column}.js" for column, key in enumerate(metrics)}
            for row, mask_set in enumerate(protocol.test_masks)
        },
    }


def _cost_cells(costs: Mapping[str, float]) -> dict[str, tuple[str, float]]:
    """Return each known cost as text and as a number to sort by."""
    return {key: (format_(costs[key]), costs[key]) for key, (_, format_) in COST_COLUMNS.items() if key in costs}


def _board_id(run: MergedRun) -> str:
    """Return the fragment of links to the run's leaderboard."""
    return f"{run.protocol.name}-{digest([run.protocol.hash, run.images, run.training_images])[:8]}"


def _view(filter_: TableFilter, known: Mapping[str, Metric]) -> dict[str, Any]:
    texts = Cells(filter_.run, filter_.columns).texts
    names = list(texts.index)
    return {
        "seed": filter_.seed,
        "mask": filter_.mask_set,
        "part": filter_.bucket,
        "columns": [_cells(column, texts[column.key], names) for column in filter_.columns],
        "reasons": [_reason(filter_, name) for name in names],
        "notes": notes.all_notes(filter_.run, filter_.columns, known),
    }


def _cells(column: Column, texts: pd.Series, names: Sequence[str]) -> list[list[Any]]:
    """Return for each method: value, half of the interval, marks, whether it is best, mean, ends of the interval,
    possible ranks, and letters of its groups."""
    details = column.result.details.to_dict("index") if column.result else {}
    best = {str(name) for name in column.best[column.best].index}
    return [
        [*_parts(texts[name]), name in best, json_number(column.means.get(name)), *_details(details.get(name))]
        for name in names
    ]


def _parts(text: str) -> tuple[str, ...]:
    found = _TEXT.fullmatch(text)
    assert found, text
    return tuple(part or "" for part in found.groups())


def _details(details: Mapping[Any, Any] | None) -> tuple[Any, ...]:
    if details is None:
        return None, None, "", ""
    best, worst = details["best rank"], details["worst rank"]
    ranks = f"{best}" if best == worst else f"{best}\N{EN DASH}{worst}"
    return json_number(details["low"]), json_number(details["high"]), ranks, details["group"]


def _reason(filter_: TableFilter, name: str) -> str:
    """Explain why a method has no number, or not for all seeds."""
    entries = [
        replace(entry, notes=[], refused={key: why for key, why in entry.refused.items() if key == filter_.mask_set})
        for entry in filter_.run.entries
        if entry.variant == name
    ]
    return " ".join(state_notes(replace(filter_.run, entries=entries)))
