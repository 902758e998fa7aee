"""The two sides of a comparison: two methods of a run, or one method in two runs, on the same pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from bench_core.errors import BadInput, unknown
from bench_core.store.store import Run, Store
from bench_reports.tables.table import merged

CUT = ("size", "resize", "crops", "channels")
"""What of a protocol decides, with the images, which pictures are judged."""


@dataclass(frozen=True)
class PairedRows:
    """Rows of both, with their names as variants."""

    names: tuple[str, str]
    run: Run
    """Whose images and holes they are."""
    rows: pd.DataFrame
    method: str = ""
    """The method, where it is the same on both sides."""


def of_methods(store: Store, runs: Sequence[Run], names: tuple[str, str]) -> list[PairedRows]:
    """One for every protocol under which both methods were judged.

    Raises:
        BadInput: there is none.
    """
    _two(names)
    together = merged(runs)
    for name in names:
        if not any(name in _judged(run) for run in together):
            raise unknown("judged method", name, {each for run in together for each in _judged(run)})
    both = [run for run in together if set(names) <= set(_judged(run))]
    if not both:
        raise BadInput(f"{' and '.join(names)} were not judged under one protocol: give both to one `bench run`.")
    return [PairedRows(names, run, _of(store.rows(run), *names)) for run in both]


def of_runs(stored: Sequence[tuple[Store, Sequence[Run]]], names: tuple[str, str]) -> list[PairedRows]:
    """One for every method that two runs have in common; `names` are their folders.

    Raises:
        BadInput: they have none, or are of different pictures, or a folder holds several comparisons.
    """
    _two(names)
    a, b = (_only(merged(runs), name) for (_, runs), name in zip(stored, names, strict=True))
    _same_pictures(a, b, names)
    common = [variant for variant in _judged(a) if variant in _judged(b)]
    if not common:
        told = " and ".join(f"{name} has {', '.join(_judged(run))}" for name, run in zip(names, (a, b), strict=True))
        raise BadInput(f"The two runs have no method in common: {told}.")
    rows = [store.rows(run) for (store, _), run in zip(stored, (a, b), strict=True)]
    return [
        PairedRows(
            names,
            a,
            pd.concat([_of(of, method).assign(variant=name) for of, name in zip(rows, names, strict=True)]),
            method,
        )
        for method in common
    ]


def _two(names: tuple[str, str]) -> None:
    if names[0] == names[1]:
        raise BadInput(f"{names[0]} is given twice: nothing differs from itself.")


def _only(together: Sequence[Run], name: str) -> Run:
    if len(together) > 1:
        told = ", ".join(f"{run.protocol.name} ({run.protocol.hash[:8]})" for run in together)
        raise BadInput(f"{name} holds {len(together)} comparisons, {told}: give one of its runs/.")
    return together[0]


def _same_pictures(a: Run, b: Run, names: tuple[str, str]) -> None:
    for what in CUT:
        one, other = getattr(a.protocol, what), getattr(b.protocol, what)
        if one != other:
            told = f"{what} is {one} in {names[0]}, {other} in {names[1]}"
            raise BadInput(f"The runs are not of the same pictures: {told}.")
    if a.images != b.images:
        told = " and ".join(
            f"{name} judged {run.num_pairs} pairs of images with the digest {run.images[:12]}"
            for name, run in zip(names, (a, b), strict=True)
        )
        raise BadInput(f"The runs are not of the same images: {told}. Judge both on the same test images.")


def _judged(run: Run) -> list[str]:
    return list(dict.fromkeys(entry.variant for entry in run.entries if entry.state == "done"))


def _of(rows: pd.DataFrame, *variants: str) -> pd.DataFrame:
    return rows[rows["variant"].isin(variants)]
