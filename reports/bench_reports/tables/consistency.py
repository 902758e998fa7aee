"""Checks that a column mixes neither two definitions of a metric nor two sets of holes."""

from collections.abc import Mapping

import pandas as pd

from bench_core.errors import BadInput
from bench_core.specs import Metric
from bench_core.store.store import Run


def check_rows(run: Run, rows: pd.DataFrame, metrics: Mapping[str, Metric]) -> None:
    """Check the rows of a run against the installed metrics of its protocol.

    Raises:
        BadInput: rows of one column differ in definition, version or holes.
    """
    check_versions(rows, metrics)
    check_holes(rows)
    stored = set(rows["metric"].unique())
    for requested, metric in zip(run.protocol.metrics, metrics.values(), strict=True):
        others = sorted(each for each in stored if each.partition("@")[0] == metric.name)
        # a bare name must mean the same definition as when it was measured
        if "@" not in requested and others and metric.definition not in {*stored, *run.missing}:
            raise BadInput(
                f"{requested} means {metric.definition} now, but was measured as {', '.join(others)}: request one of "
                "these by its full name, or repeat the bench run."
            )


def check_versions(rows: pd.DataFrame, metrics: Mapping[str, Metric]) -> None:
    """Raise BadInput if a metric was measured by another version of its definition, or by two versions of its code."""
    measured = rows[["variant", "metric", "version", "code"]].drop_duplicates()
    for definition, several in measured.groupby("metric", sort=False, observed=True):
        first, *others = several[["variant", "code"]].itertuples(index=False)
        for variant, code in others:
            if code != first.code:
                raise BadInput(
                    f"The code of {definition} was edited between the measurements of {first.variant} and {variant}, "
                    "so their numbers cannot be compared. Repeat the bench run with both methods: it measures again "
                    "what other code measured, and trains nothing for that."
                )
    for variant, definition, version in measured[["variant", "metric", "version"]].itertuples(index=False):
        if definition in metrics and version != metrics[definition].version:
            raise BadInput(
                f"{variant} was measured with version {version} of {definition}, but version "
                f"{metrics[definition].version} is installed: repeat the bench run."
            )


def check_holes(rows: pd.DataFrame) -> None:
    """Raise BadInput if the holes of a mask set differ between variants."""
    found = rows[["mask_set", "mask_set_hash", "variant"]].drop_duplicates(["mask_set", "mask_set_hash"])
    for mask_set, several in found.groupby("mask_set", sort=False, observed=True):
        if len(several) > 1:
            (_, one, first), (_, other, second) = several.head(2).itertuples(index=False)
            raise BadInput(
                f"On {mask_set} {first} and {second} filled different holes: their mask sets have the hashes "
                f"{one[:12]} and {other[:12]}. Repeat the bench run to evaluate them on the same holes."
            )
