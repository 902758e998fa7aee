"""What a leaderboard can be asked for: a mask set, a tenth of the hole ratio, a seed; each with the usual columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from bench_core.specs import Metric
from bench_core.store.store import Run, Store
from bench_reports.tables.by_hole_ratio import Buckets
from bench_reports.tables.columns import Column, columns


@dataclass(frozen=True)
class TableFilter:
    run: Run
    """With the entries that are looked at only."""
    seed: int | None
    """None for all."""
    mask_set: str
    part: str
    """Which hole ratios; "" for all."""
    columns: list[Column]
    """One for each metric."""


def views(store: Store, run: Run, metrics: Mapping[str, Metric]) -> Iterator[TableFilter]:
    """Of a run; the first has all pairs of the first mask set, and all seeds.

    Raises:
        BadInput: rows of one column do not mean the same.
    """
    seeds = run.protocol.seeds
    for seed in (None, *(seeds if len(seeds) > 1 else ())):
        some = of_seed(run, seed)
        buckets = Buckets(store, some, metrics)
        whole = _by_mask_set(columns(some, buckets.rows, metrics))
        yield from (TableFilter(some, seed, name, "", found) for name, (found,) in whole.items())
        parts = _by_mask_set([column for block in buckets.columns() for column in block])
        for name, blocks in parts.items():
            if len(blocks) > 1:  # else it is all there is
                yield from (TableFilter(some, seed, name, block[0].part, block) for block in blocks)


def of_seed(run: Run, seed: int | None) -> Run:
    """The run as if it were of one seed; what learns nothing stays, for it depends on none."""
    if seed is None:
        return run
    seeds: dict[str, set[int]] = {}
    for entry in run.entries:
        seeds.setdefault(entry.variant, set()).add(entry.seed)
    learns = {variant for variant, of in seeds.items() if len(of) > 1}
    return replace(run, entries=[entry for entry in run.entries if entry.variant not in learns or entry.seed == seed])


def _by_mask_set(found: list[Column]) -> dict[str, list[list[Column]]]:
    """For each mask set the columns of each of its parts."""
    blocks: dict[str, list[list[Column]]] = {}
    for (mask_set, _), block in groupby(found, lambda column: (column.mask_set, column.part)):
        blocks.setdefault(mask_set, []).append(list(block))
    return blocks
