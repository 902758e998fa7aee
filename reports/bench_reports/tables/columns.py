"""One column of a table: a metric on a mask set, with its methods compared on the same pairs."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from bench_core.specs import Metric
from bench_core.statistics.compare import Comparison, compare
from bench_core.statistics.ranking import Ranking, images_needed, rank
from bench_core.store.store import Run
from bench_reports.tables.consistency import check_rows


@dataclass(frozen=True)
class ComparisonResult:
    """Paired statistics of the variants that were measured on the same pairs."""

    variants: Sequence[str]
    num_photographs: int
    """Number of independent images; crops and copies of one photograph count once."""
    comparison: Comparison
    ranking: Ranking

    @property
    def num_comparisons(self) -> int:
        """Number of pairs of variants that can differ."""
        return int(np.isfinite(self.ranking.p[np.triu_indices(len(self.variants), 1)]).sum())

    @property
    def too_few_photographs(self) -> bool:
        """True if no difference can be significant, however clear it is."""
        return self.num_comparisons > 0 and self.num_photographs < images_needed(self.num_comparisons)

    @property
    def details(self) -> pd.DataFrame:
        """For each variant the ends of the interval, its ranks and group letters."""
        ends = {"low": self.comparison.low, "high": self.comparison.high}
        best, worst = self.ranking.ranks.T
        return pd.DataFrame(
            {**ends, "best rank": best, "worst rank": worst, "group": self.ranking.groups}, list(self.variants)
        )


@dataclass(frozen=True)
class Column:
    """Results of all variants for one metric and mask set. Every series has variants as its index."""

    mask_set: str
    metric: Metric
    means: pd.Series
    """Means over pairs and seeds; infinite if every pair is a perfect match."""
    num_pairs: int
    """Number of pairs behind each mean."""
    num_seeds: pd.Series
    """Number of trainings behind each mean."""
    num_perfect: int = 0
    """Number of pairs left out for all variants because one of them matches perfectly, with an infinite value."""
    num_empty: int = 0
    """Number of pairs left out because the metric's region has no pixel there."""
    partial: Mapping[str, int] = field(default_factory=dict)
    """Variants that were measured on some pairs only, with the number of pairs. They are not compared."""
    missing_seeds: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Seeds that were wanted, but have no value for some pair, by variant."""
    bucket: str = ""
    """Hole-ratio bucket of the pairs, such as 0.1-0.2; empty for all pairs."""
    result: ComparisonResult | None = None
    """None for a metric of the whole set, or if there is only one photograph."""

    @property
    def key(self) -> tuple[str, str]:
        return self.mask_set, self.metric.definition

    @property
    def label(self) -> str:
        """Mask set and bucket, for messages."""
        return " ".join(filter(None, (self.mask_set, self.bucket)))

    @property
    def best(self) -> pd.Series:
        """True for the best means; all False if there is only one mean."""
        goal = self.means.max() if self.metric.better == "higher" else self.means.min()
        return (self.means == goal) & (len(self.means) > 1)

    @property
    def second(self) -> pd.Series:
        """True for the best of the means that are worse than the best."""
        rest = self.means[~self.best] if self.best.any() else self.means[:0]
        return self.means.isin([rest.max() if self.metric.better == "higher" else rest.min()])

    @property
    def like_best(self) -> list[str]:
        """Variants that are worse than the best, but not significantly."""
        if self.result is None or not self.best.any() or np.isinf(self.means).any():
            return []
        alike = zip(self.result.variants, self.result.ranking.like_best, strict=True)
        return [variant for variant, yes in alike if yes and not self.best[variant]]


def build_columns(run: Run, rows: pd.DataFrame, metrics: Mapping[str, Metric]) -> list[Column]:
    """Build one column for each mask set and metric of the run's protocol, in its order.

    Raises:
        BadInput: stored rows use another version of a metric than the installed one, or holes differ between variants.
    """
    check_rows(run, rows, metrics)
    needed = rows[["image", "variant", "seed", "value"]]
    found = dict(iter(needed.groupby([rows["mask_set"], rows["metric"]], sort=False, observed=True)))
    empty = needed.iloc[:0]

    def build(key: tuple[str, Metric]) -> Column:
        mask_set, metric = key
        return build_column(run, mask_set, metric, found.get((mask_set, metric.definition), empty))

    # Two columns at a time: more would need more memory. BLAS gets one thread each, or their threads would compete.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(2) as threads:
        return list(threads.map(build, product(run.protocol.test_masks, metrics.values())))


def build_column(run: Run, mask_set: str, metric: Metric, rows: pd.DataFrame) -> Column:
    """Compare the variants that were measured on all pairs. `rows` holds one mask set and one metric."""
    if metric.per == "set":
        measured = rows[rows["value"].notna()]
        by_variant = measured.groupby("variant", sort=False, observed=True)["value"]
        trainings = zip(measured["variant"], measured["seed"], strict=True)
        missing_seeds = _missing_seeds(run, mask_set, trainings)
        return Column(
            mask_set, metric, by_variant.mean(), run.num_pairs, by_variant.size(), missing_seeds=missing_seeds
        )
    empty = rows["image"][rows["value"].isna()].unique()
    rows = rows[~rows["image"].isin(empty)]
    if len(empty) and rows.empty:
        return Column(mask_set, metric, pd.Series(dtype=float), 0, pd.Series(dtype=int), num_empty=len(empty))
    by_training = rows.groupby(["image", "variant", "seed"], sort=False, observed=True)["value"].mean()
    pairs = by_training.unstack(["variant", "seed"])
    if isinstance(pairs.columns, pd.MultiIndex):
        # pandas cannot look up a list of names in a categorical level
        pairs.columns = pairs.columns.set_levels(pairs.columns.levels[0].astype(str).tolist(), level=0)
    whole = pairs.loc[:, pairs.notna().all()]
    names = list(rows["variant"].unique())
    present = [name for name in names if name in whole]
    compared = [name for name in present if not np.isinf(whole[name]).all(axis=None)]
    finite = whole.iloc[np.flatnonzero(np.isfinite(whole[compared].to_numpy()).all(axis=1))]
    means = {name: finite[name].to_numpy().mean() if len(finite) else np.nan for name in compared}
    return Column(
        mask_set,
        metric,
        pd.Series({name: means.get(name, np.inf) for name in present}, dtype=float),
        len(finite),
        pd.Series({name: whole[name].shape[1] for name in present}, dtype=int),
        num_perfect=len(whole) - len(finite),
        num_empty=len(empty),
        missing_seeds=_missing_seeds(run, mask_set, whole.columns.tolist()),
        partial={name: int(pairs[name].notna().any(axis=1).sum()) for name in names if name not in present},
        result=_compare_variants(run, mask_set, metric, finite, compared),
    )


def _missing_seeds(run: Run, mask_set: str, trainings: Iterable[Any]) -> dict[str, list[int]]:
    """Return the seeds of each variant that should have values on a mask set, except those of `trainings`."""
    measured, missing = set(trainings), {}
    for entry in run.entries:
        wanted = entry.state != "n/a" and mask_set not in entry.refused
        if wanted and (entry.variant, entry.seed) not in measured:
            missing.setdefault(entry.variant, []).append(entry.seed)
    return missing


def _compare_variants(
    run: Run, mask_set: str, metric: Metric, pairs: pd.DataFrame, variants: list[str]
) -> ComparisonResult | None:
    """Compare variants on the pairs in the rows of a frame; None with fewer than two photographs."""
    names = pairs.index.astype(str)
    # crops of a photograph are called NAME#0, NAME#1, ... and are not independent
    photographs = (names.str.replace(r"#\d+$", "", regex=True) if run.protocol.crops > 1 else names).to_numpy(dtype=str)
    if run.copies:
        photographs = np.array([run.copies.get(name, name) for name in photographs])
    count = len(set(photographs))
    if not variants or count < 2:
        return None
    values = [pairs[variant].to_numpy().T for variant in variants]
    # A method without training runs with the first seed only. It would give the same values with every seed.
    cells, trainings = Counter(entry.variant for entry in run.entries), len(run.protocol.seeds)
    values = [
        np.repeat(each, trainings, axis=0) if cells[variant] == len(each) == 1 else each
        for variant, each in zip(variants, values, strict=True)
    ]
    comparison = compare(values, photographs, run.protocol.hash, run.images, mask_set, metric.definition)
    return ComparisonResult(variants, count, comparison, rank(comparison, metric.better))
