"""Paired rows for a comparison: two methods of one run, or one method in two runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from bench_core.errors import BadInput, unknown
from bench_core.store.store import Run, Store
from bench_reports.tables.gaps import state_notes
from bench_reports.tables.merging import MergedRun, merge_runs
from bench_reports.tables.table import protocol_title

IMAGE_RULES = ("size", "resize", "crops", "channels")
"""Protocol fields that decide how test images are cut."""


@dataclass(frozen=True)
class PairedRows:
    """Rows of both sides, with the names of the sides as variants."""

    names: tuple[str, str]
    run: Run
    """Run that defines images and holes, with the cells of both sides."""
    title: str
    """Protocols and images of both sides."""
    rows: pd.DataFrame
    method: str = ""
    """Method in a comparison of two runs, otherwise empty."""


def pair_methods(store: Store, runs: Sequence[Run], names: tuple[str, str]) -> list[PairedRows]:
    """Pair two methods under every protocol that both were evaluated with.

    Raises:
        BadInput: the names are equal or unknown, or no protocol has both.
    """
    _check_different(names)
    merged = merge_runs(store, runs)
    for name in names:
        if not any(name in _evaluated(run) for run in merged):
            if gaps := [note for run in merged for note in state_notes(_only(run, {name: name}))]:
                raise BadInput(f"{name} has no numbers to compare. {' '.join(gaps)}")
            raise unknown("evaluated method", name, {each for run in merged for each in _evaluated(run)})
    both = [run for run in merged if set(names) <= set(_evaluated(run))]
    if not both:
        raise BadInput(f"{' and '.join(names)} were not evaluated under one protocol: give both to one `bench run`.")
    own = {name: name for name in names}
    return [PairedRows(names, _only(run, own), protocol_title(run), _rows_of(store.rows(run), *names)) for run in both]


def pair_runs(stored: Sequence[tuple[Store, Sequence[Run]]], names: tuple[str, str]) -> list[PairedRows]:
    """Pair two runs for every method that they share. `names` are the folders of the runs.

    Raises:
        BadInput: they share no method, their test images differ, or a folder holds several experiments.
    """
    _check_different(names)
    a, b = (single_run(merge_runs(store, runs), name) for (store, runs), name in zip(stored, names, strict=True))
    _check_same_images(a, b, names)
    common = [variant for variant in _evaluated(a) if variant in _evaluated(b)]
    if not common:
        found = " and ".join(
            f"{name} has {', '.join(_evaluated(run))}" for name, run in zip(names, (a, b), strict=True)
        )
        raise BadInput(f"The two runs have no method in common: {found}.")
    rows = [store.rows(run) for (store, _), run in zip(stored, (a, b), strict=True)]
    # a method of one cell counts as untrained only where others have several
    shared = a.protocol if a.protocol.seeds == b.protocol.seeds else a.protocol.model_copy(update={"seeds": (0,)})
    title = " against ".join(dict.fromkeys(map(protocol_title, (a, b))))
    return [
        PairedRows(
            names,
            replace(
                a,
                protocol=shared,
                entries=[*_only(a, {method: names[0]}).entries, *_only(b, {method: names[1]}).entries],
            ),
            title,
            pd.concat([_rows_of(each, method).assign(variant=name) for each, name in zip(rows, names, strict=True)]),
            method,
        )
        for method in common
    ]


def single_run(merged: Sequence[MergedRun], folder: str) -> MergedRun:
    """Return the only merged run of a folder.

    Raises:
        BadInput: there are several.
    """
    if len(merged) > 1:
        found = "\n".join(f"  {protocol_title(run)}: {', '.join(run.folder_names)}" for run in merged)
        raise BadInput(f"{folder} holds {len(merged)} experiments; give one of its runs/:\n{found}")
    return merged[0]


def _check_different(names: tuple[str, str]) -> None:
    if names[0] == names[1]:
        raise BadInput(f"{names[0]} is given twice: give two different names.")


def _check_same_images(a: Run, b: Run, names: tuple[str, str]) -> None:
    for key in IMAGE_RULES:
        one, other = getattr(a.protocol, key), getattr(b.protocol, key)
        if one != other:
            found = f"{key} is {one} in {names[0]}, {other} in {names[1]}"
            raise BadInput(f"The runs cut their images differently: {found}.")
    if a.images != b.images:
        found = " and ".join(
            f"{name} used {run.num_pairs} pairs of images with the digest {run.images[:12]}"
            for name, run in zip(names, (a, b), strict=True)
        )
        raise BadInput(f"The runs use different images: {found}. Evaluate both on the same test images.")


def _only(run: Run, names: Mapping[str, str]) -> Run:
    """Return a run with the cells of some variants, which get new names."""
    entries = [replace(entry, variant=names[entry.variant]) for entry in run.entries if entry.variant in names]
    return replace(run, entries=entries)


def _evaluated(run: Run) -> list[str]:
    return list(dict.fromkeys(entry.variant for entry in run.entries if entry.state == "done"))


def _rows_of(rows: pd.DataFrame, *variants: str) -> pd.DataFrame:
    return rows[rows["variant"].isin(variants)]
