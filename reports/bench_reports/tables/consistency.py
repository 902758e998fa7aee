"""A column never mixes two definitions, nor two sets of holes."""

from collections.abc import Mapping, Set

import pandas as pd

from bench_core.errors import BadInput
from bench_core.specs import Metric
from bench_core.store.store import Run


def check(run: Run, rows: pd.DataFrame, metrics: Mapping[str, Metric]) -> None:
    """Make sure that all rows of a column mean the same, and what the metric's definition says now. `metrics` are those
    of the run's protocol.

    Raises:
        BadInput: they do not.
    """
    same_versions(rows, metrics)
    same_holes(rows)
    stored = set(rows["metric"].unique())
    for asked, metric in zip(run.protocol.metrics, metrics.values(), strict=True):
        _same_name(asked, metric, run, stored)


def same_versions(rows: pd.DataFrame, metrics: Mapping[str, Metric]) -> None:
    """Raises BadInput where a metric was measured by another version of its definition."""
    measured = rows[["variant", "metric", "version"]].drop_duplicates()
    for variant, definition, version in measured.itertuples(index=False):
        if definition in metrics and version != metrics[definition].version:
            raise BadInput(
                f"{variant} was measured as version {version} of {definition}, installed is version "
                f"{metrics[definition].version}: repeat the bench run to measure anew."
            )


def same_holes(rows: pd.DataFrame) -> None:
    """Raises BadInput where the holes of a mask set are not the same for all variants."""
    seen = rows[["mask_set", "mask_set_hash", "variant"]].drop_duplicates(["mask_set", "mask_set_hash"])
    for mask_set, several in seen.groupby("mask_set", sort=False, observed=True):
        if len(several) > 1:
            (_, one, first), (_, other, second) = several.head(2).itertuples(index=False)
            raise BadInput(
                f"On {mask_set} {first} and {second} filled different holes: their mask sets have the hashes "
                f"{one[:12]} and {other[:12]}. Repeat the bench run to judge them on the same."
            )


def _same_name(asked: str, metric: Metric, run: Run, stored: Set[str]) -> None:
    """A bare name must not mean another definition than when it was measured."""
    others = sorted(each for each in stored if each.partition("@")[0] == metric.name)
    if "@" not in asked and others and metric.definition not in {*stored, *run.missing}:
        raise BadInput(
            f"{asked} means {metric.definition} now, and was measured as {', '.join(others)}: ask for one of these by "
            "its whole name, or repeat the bench run to measure anew."
        )
