"""Stored cells with given values, and the tables built from them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench_core.metrics import bench_metrics
from bench_core.protocol import Protocol
from bench_core.store.rows import as_rows
from bench_core.store.store import CellStatus, Run, Store
from bench_reports.tables.table import Table, build

KNOWN = {metric.definition: metric for metric in bench_metrics()}
MASKS = {"center": {"family": "center_box"}, "strokes": {"family": "free_form"}}
L1, PSNR, FID = "l1@full", "psnr@full", "fid@pytorch-fid"
INF = math.inf


def protocol(**fields: Any) -> Protocol:
    given = {"size": 32, "steps": 9, "batch": 2, "metrics": ["l1", "psnr"], "masks": MASKS, "test_masks": ["center"]}
    return Protocol.model_validate({"name": "mine", "image_set": "photos", **given, **fields})


def done(
    store: Store,
    variant: str,
    seed: int = 0,
    mask_set: str = "center",
    *,
    ratios: float | Sequence[float] | np.ndarray = 0.25,
    about: Mapping[str, Any] | None = None,
    **values: Sequence[float] | np.ndarray,
) -> CellStatus:
    """Write a finished cell: for each metric one value per image, for FID one for the set.

    `ratios` are hole ratios of the images, `about` replaces further columns of the rows.
    """
    cell = store.cell({"variant": variant, "seed": seed, "key": f"{values}{mask_set}{about}"})
    fixed = {"method": variant, "variant": variant, "seed": seed, "mask_set": "stored under another name"}
    fixed |= {"mask_set_hash": "abc", "region": "full", "source": "composite"}
    definitions = {metric.name: metric for metric in reversed(list(KNOWN.values()))}
    for name, found in values.items():
        metric = definitions[name]
        images = ["*"] if metric.per == "set" else [f"image-{index}" for index in range(len(found))]
        shared = {**fixed, "version": metric.version, "metric": metric.definition, **(about or {})}
        records = [
            {**shared, "image": image, "value": value, "hole_ratio": ratio}
            for image, value, ratio in zip(images, found, np.broadcast_to(ratios, len(found)), strict=True)
        ]
        cell.add_rows("evaluation", as_rows(records))
    return CellStatus(variant, variant, seed, "done", cell.path.name, evaluation_ids={mask_set: "evaluation"})


def run_of(*entries: CellStatus, created: str = "2025-01-01", **fields: Any) -> Run:
    missing, num_pairs = fields.pop("missing", {}), fields.pop("num_pairs", 20)
    return Run(protocol(**fields), "digest of the images", num_pairs, list(entries), missing, created=created)


def table_of(store: Store, *runs: Run) -> Table:
    (table,) = build(store, runs, KNOWN)
    return table


def text(table: Table, variant: str, metric: str = L1, mask_set: str = "center") -> str:
    return str(table.texts.loc[variant, (mask_set, metric)])


def noted(table: Table, *parts: str) -> int:
    return sum(all(part in note for part in parts) for note in table.notes)
