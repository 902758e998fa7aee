"""A column of a table: one metric on one mask set, its methods compared on the same pairs."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from bench_core.specs import Metric
from bench_core.statistics.compare import Comparison, compare
from bench_core.statistics.ranking import Ranking, rank
from bench_core.store.store import Run
from bench_reports.tables import consistency


@dataclass(frozen=True)
class ComparisonResult:
    """How variants that were measured on the same pairs compare."""

    variants: Sequence[str]
    photographs: int
    """How many there are to tell what another set of images would have given."""
    comparison: Comparison
    ranking: Ranking

    @property
    def details(self) -> pd.DataFrame:
        """For each variant the ends of the interval, the ranks that are possible, and the letters of its groups."""
        ends = {"low": self.comparison.low, "high": self.comparison.high}
        best, worst = self.ranking.ranks.T
        return pd.DataFrame(
            {**ends, "best rank": best, "worst rank": worst, "group": self.ranking.groups}, list(self.variants)
        )


@dataclass(frozen=True)
class Column:
    """What was measured. Series have variants as their index."""

    mask_set: str
    metric: Metric
    means: pd.Series
    """Over pairs and seeds; infinite where every pair is a perfect match."""
    pairs: int
    """How many pairs the means are of."""
    seeds: pd.Series
    """How many trainings the means are of."""
    perfect: int = 0
    """Pairs left out for all methods, since one of them matches perfectly and its value is infinite."""
    partial: Mapping[str, int] = field(default_factory=dict)
    """Variants that were measured on some of the pairs only, with their number. They are not compared."""
    part: str = ""
    """Which of the mask set's pairs they are, where they are not all."""
    standing: ComparisonResult | None = None
    """None where a number is of a whole set, or of a single photograph."""

    @property
    def key(self) -> tuple[str, str]:
        return self.mask_set, self.metric.definition

    @property
    def where(self) -> str:
        return " ".join(filter(None, (self.mask_set, self.part)))

    @property
    def best(self) -> pd.Series:
        """Whether a mean is the best; none is where there is nothing to compare with."""
        goal = self.means.max() if self.metric.better == "higher" else self.means.min()
        return (self.means == goal) & (len(self.means) > 1)

    @property
    def second(self) -> pd.Series:
        """Whether a mean is the best of those that are worse than the best."""
        rest = self.means[~self.best] if self.best.any() else self.means[:0]
        return self.means.isin([rest.max() if self.metric.better == "higher" else rest.min()])

    @property
    def like_best(self) -> list[str]:
        """Variants that cannot be told from the best."""
        if self.standing is None or not self.best.any() or np.isinf(self.means).any():
            return []
        alike = zip(self.standing.variants, self.standing.ranking.like_best, strict=True)
        return [variant for variant, yes in alike if yes and not self.best[variant]]


def columns(run: Run, rows: pd.DataFrame, metrics: Mapping[str, Metric]) -> list[Column]:
    """One for each mask set and metric of the run's protocol, in its order.

    Raises:
        BadInput: what is stored was measured in another way than the metric's definition says now, or on other holes.
    """
    consistency.check(run, rows, metrics)
    needed = rows[["image", "variant", "seed", "value"]]
    found = dict(iter(needed.groupby([rows["mask_set"], rows["metric"]], sort=False, observed=True)))
    nothing = needed.iloc[:0]
    wanted = [(mask_set, metric) for mask_set in run.protocol.test_masks for metric in metrics.values()]
    # two at once, for more would take more memory; and each on one thread, for theirs would fight
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(2) as threads:
        return list(
            threads.map(lambda of: column(run, of[0], of[1], found.get((of[0], of[1].definition), nothing)), wanted)
        )


def column(run: Run, mask_set: str, metric: Metric, rows: pd.DataFrame) -> Column:
    """Compare the variants that were measured on all pairs. `rows` are of one mask set and one metric."""
    if metric.per == "set":
        by_variant = rows.groupby("variant", sort=False, observed=True)["value"]
        return Column(mask_set, metric, by_variant.mean(), run.num_pairs, by_variant.size())
    each = rows.groupby(["image", "variant", "seed"], sort=False, observed=True)["value"].mean()
    pairs = each.unstack(["variant", "seed"])
    if isinstance(pairs.columns, pd.MultiIndex):  # names as texts, for pandas looks up no lists of categories
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
        perfect=len(whole) - len(finite),
        partial={name: int(pairs[name].notna().any(axis=1).sum()) for name in names if name not in present},
        standing=_standing(run, mask_set, metric, finite, compared),
    )


def _standing(
    run: Run, mask_set: str, metric: Metric, pairs: pd.DataFrame, variants: list[str]
) -> ComparisonResult | None:
    """How variants compare on pairs (rows of the frame), if those tell anything about others."""
    photographs = _photographs(pairs.index, run)
    count = len(set(photographs))
    if not variants or count < 2:
        return None
    values = [pairs[variant].to_numpy().T for variant in variants]
    comparison = compare(values, photographs, run.protocol.hash, run.images, mask_set, metric.definition)
    return ComparisonResult(variants, count, comparison, rank(comparison, metric.better))


def _photographs(pairs: pd.Index, run: Run) -> np.ndarray:
    """Which photograph each pair is of: crops are called NAME#0, NAME#1, ..."""
    names = pairs.astype(str)
    return (names.str.replace(r"#\d+$", "", regex=True) if run.protocol.crops > 1 else names).to_numpy(dtype=str)
