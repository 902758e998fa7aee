"""Filters of a leaderboard (mask set, hole ratio, seed), each with its columns of the usual table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from bench_core.specs import Metric
from bench_core.store.store import Run, Store
from bench_reports.tables.by_hole_ratio import Buckets
from bench_reports.tables.columns import Column, build_columns


@dataclass(frozen=True)
class TableFilter:
    """One selection of rows."""

    run: Run
    """Run with the selected cells only."""
    seed: int | None
    """None for all seeds."""
    mask_set: str
    bucket: str
    """Hole-ratio bucket; empty for all pairs."""
    columns: list[Column]
    """One column for each metric."""


def table_filters(store: Store, run: Run, metrics: Mapping[str, Metric]) -> Iterator[TableFilter]:
    """Yield all filters of a run; the first one has all pairs and seeds of the first mask set.

    Raises:
        BadInput: rows of one column differ in definition, version or holes.
    """
    seeds = run.protocol.seeds
    for seed in (None, *(seeds if len(seeds) > 1 else ())):
        selected = select_seed(run, seed)
        buckets = Buckets(store, selected, metrics)
        whole = _by_mask_set(build_columns(selected, buckets.rows, metrics))
        yield from (TableFilter(selected, seed, name, "", columns) for name, (columns,) in whole.items())
        parts = _by_mask_set([column for block in buckets.columns() for column in block])
        for name, blocks in parts.items():
            if len(blocks) > 1:  # a single bucket equals the whole mask set
                yield from (TableFilter(selected, seed, name, block[0].bucket, block) for block in blocks)


def select_seed(run: Run, seed: int | None) -> Run:
    """Return a run with the cells of one seed. Training-free methods stay, as they have one cell for all seeds."""
    if seed is None:
        return run
    seeds: dict[str, set[int]] = {}
    for entry in run.entries:
        seeds.setdefault(entry.variant, set()).add(entry.seed)
    trained = {variant for variant, found in seeds.items() if len(found) > 1}
    return replace(run, entries=[entry for entry in run.entries if entry.variant not in trained or entry.seed == seed])


def _by_mask_set(columns: list[Column]) -> dict[str, list[list[Column]]]:
    """Group columns by mask set, and inside a mask set by bucket."""
    blocks: dict[str, list[list[Column]]] = {}
    for (mask_set, _), block in groupby(columns, lambda column: (column.mask_set, column.bucket)):
        blocks.setdefault(mask_set, []).append(list(block))
    return blocks
