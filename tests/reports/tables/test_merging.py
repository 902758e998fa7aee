"""Two runs share a table exactly if their rules and images agree, and unfinished cells hide no finished ones."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

import pytest
from support.stored_cells import MASKS, done, noted, protocol, run_of, table_of, text

from bench_core.protocol import Protocol
from bench_core.store.store import CellStatus, Run, Store
from bench_core.system import files
from bench_reports.tables.merging import MergedRun, merge_runs
from bench_reports.tables.table import protocol_title


def trained(store: Store, variant: str, seed: int = 0, value: float = 0.1, **identity: Any) -> CellStatus:
    """Write a finished cell with its identity."""
    entry = done(store, variant, seed, l1=[value, value], about={"source": f"{identity}"})
    files.write_json(store.folder(entry).path / "identity.json", {"variant": variant, "seed": seed, **identity})
    return entry


def unfinished(variant: str, seed: int = 0, **given: Any) -> CellStatus:
    return CellStatus(variant, variant, seed, **{"state": "pending", **given})


def values(merged: MergedRun) -> dict[tuple[str, int], str]:
    return {(entry.variant, entry.seed): entry.state for entry in merged.entries}


NEW_RULES: dict[str, Any] = {
    "name": "other",
    "title": "Other",
    "image_set": "faces",
    "size": 64,
    "resize": 40,
    "crops": 2,
    "channels": 1,
    "test_images": 7,
    "masks": {**MASKS, "center": {"family": "center_box", "side": 0.3}},
    "train_masks": ["strokes"],
    "test_masks": ["strokes"],
    "steps": 10,
    "batch": 3,
    "seed": 1,
    "seeds": [0, 1],
    "metrics": ["l1"],
    "scale": "nano",
    "backbone": "random",
    "curve_every": 3,
    "curve_images": 4,
}


def test_every_rule_is_varied() -> None:
    assert NEW_RULES.keys() == Protocol.model_fields.keys()


@pytest.mark.parametrize("rule", NEW_RULES)
def test_any_other_rule_gives_another_table_and_title(store: Store, rule: str) -> None:
    """Name and title say nothing about numbers."""
    one, other = run_of(done(store, "a", l1=[0.1])), run_of(done(store, "b", l1=[0.2]))
    other.protocol = Protocol.model_validate({**one.protocol.model_dump(), rule: NEW_RULES[rule]})
    merged = merge_runs(store, [one, other])
    assert len(merged) == (1 if rule in ("name", "title") else 2)
    assert len({protocol_title(run) for run in merged}) == len(merged)


RUN_FIELDS: dict[str, tuple[Any, bool]] = {
    "protocol": (protocol(steps=10), False),
    "images": ("other test images", False),
    "num_pairs": (21, True),
    "entries": ([], True),
    "missing": ({"psnr@full": "no logarithms"}, True),
    "skipped": (["a.png cannot be decoded"], True),
    "image_notes": (["1 test image is a training image."], True),
    "copies": ({"b.png": "a.png"}, True),
    "created": ("2025-01-02", True),
    "earlier": ([[unfinished("b", state="n/a", reason="is small")]], True),
    "version": ("9.1", True),
}
"""For every field of a run another value, and whether runs that differ in it share a table."""


def test_every_field_of_a_run_is_varied() -> None:
    assert RUN_FIELDS.keys() == {field.name for field in fields(Run)}


@pytest.mark.parametrize("name", RUN_FIELDS)
def test_runs_merge_unless_rules_or_images_differ(store: Store, name: str) -> None:
    value, merges = RUN_FIELDS[name]
    one = run_of(done(store, "a", l1=[0.1]))
    merged = merge_runs(store, [one, replace(one, **{name: value})])
    assert len(merged) == (1 if merges else 2)
    assert len({protocol_title(run) for run in merged}) == len(merged)
    assert {("a", 0)} <= values(merged[0]).keys()


def test_reasons_and_skipped_images_of_all_runs_are_kept(store: Store) -> None:
    one = replace(run_of(done(store, "a", l1=[0.1])), missing={"x": "old", "y": "old"}, skipped=["one", "two"])
    other = replace(one, missing={"x": "new"}, skipped=["two", "three"])
    (merged,) = merge_runs(store, [one, other])
    assert (merged.missing, merged.skipped) == ({"x": "new", "y": "old"}, ["one", "two", "three"])


COUNTS = {"1": "one", "2": "two", "4": "four"}
TRAINING_IMAGES: dict[str, tuple[Any, Any, bool]] = {
    "equal": (COUNTS, COUNTS, True),
    "one drew more": (COUNTS, {**COUNTS, "6": "six"}, True),
    "totals between": ({**COUNTS, "5": "five"}, {**COUNTS, "6": "six"}, True),
    "other first image": (COUNTS, {**COUNTS, "1": "other", "2": "other", "4": "other"}, False),
    "other last image": (COUNTS, {**COUNTS, "4": "other"}, False),
    "an old record beside a new one": (COUNTS, "whole", True),
    "equal old records": ("whole", "whole", True),
    "one was not trained": (COUNTS, None, True),
    "none was trained": (None, None, True),
}
"""Training images of two methods with the same seed, and whether they share a table."""


@pytest.mark.parametrize("kind", TRAINING_IMAGES)
def test_methods_trained_on_different_images_have_different_tables(store: Store, kind: str) -> None:
    first, second, together = TRAINING_IMAGES[kind]
    identities = [{"images": images} if images else {} for images in (first, second)]
    runs = [run_of(trained(store, name, **identity)) for name, identity in zip("ab", identities, strict=True)]
    for ordered in (runs, runs[::-1]):
        merged = merge_runs(store, ordered)
        assert len(merged) == (1 if together else 2)
        assert len({protocol_title(run) for run in merged}) == len(merged)
        assert ("training images" in protocol_title(merged[0])) == any("images" in each for each in identities)


def test_old_records_of_one_method_are_compared(store: Store) -> None:
    """Those of different methods are not: methods may draw different numbers of images."""
    old, new = (run_of(trained(store, "a", images=images)) for images in ("old", "new"))
    assert len(merge_runs(store, [old, new])) == 2
    other = run_of(trained(store, "b", images="new"))
    assert len(merge_runs(store, [old, other])) == 1


def test_other_seeds_draw_other_images(store: Store) -> None:
    apart = [run_of(trained(store, "a", seed, images={"1": f"{seed}"})) for seed in range(2)]
    assert len(merge_runs(store, apart)) == 1
    one = run_of(trained(store, "a", 0, images={"1": "x"}), trained(store, "a", 1, images={"1": "y"}), seeds=[0, 1])
    assert len(merge_runs(store, [one])) == 1
    other = run_of(trained(store, "b", 0, images={"1": "x"}), trained(store, "b", 1, images={"1": "z"}), seeds=[0, 1])
    assert len(merge_runs(store, [one, other])) == 2


def test_untrained_methods_are_in_the_tables_of_all_training_images(store: Store) -> None:
    runs = [
        run_of(trained(store, "a", images={"1": "x"})),
        run_of(trained(store, "plain"), unfinished("late")),
        run_of(trained(store, "b", images={"1": "y"})),
        run_of(trained(store, "theirs", pictures={"center": ["1"]})),
        run_of(trained(store, "given", weights="sha256")),
    ]
    shared = ["plain", "late", "theirs", "given"]
    assert [[*dict.fromkeys(entry.variant for entry in run.entries)] for run in merge_runs(store, runs)] == [
        ["a", *shared],
        [*shared[:2], "b", *shared[2:]],
    ]


STATES: dict[str, tuple[CellStatus, str, str]] = {
    "pending": (unfinished("a"), "0.1000", "that of 2025-01-02 has not finished"),
    "failed": (unfinished("a", state="failed", reason="no memory"), "0.1000", "2025-01-02 failed (no memory)"),
    "not supported": (unfinished("a", state="n/a", reason="needs colour"), "n/a", "a is n/a: it needs colour"),
    "lost": (
        CellStatus("a", "a", 0, "done", "gone", evaluation_ids={"center": "x"}),
        "0.1000",
        "2025-01-02 has lost its rows (",
    ),
}
"""A later attempt at a finished cell, what the table shows, and a part of the note."""


@pytest.mark.parametrize("kind", STATES)
def test_later_attempt_hides_finished_rows_only_if_it_is_final(store: Store, kind: str) -> None:
    later, shown, note = STATES[kind]
    first = run_of(done(store, "a", l1=[0.1]), done(store, "b", l1=[0.2]), created="2025-01-01")
    second = run_of(later, unfinished("c"), created="2025-01-02")
    for runs in ((first, second), (replace(second, earlier=[first.entries]),)):
        table = table_of(store, *runs)
        assert text(table, "a") == shown
        assert noted(table, note) == 1
        assert noted(table, "c, seed 0, is pending") == 1


def test_seeds_of_two_trainings_are_not_mixed(store: Store) -> None:
    """A killed run of changed code has finished one seed of three: the older run with all seeds is shown."""
    old = [trained(store, "a", seed, 0.1, sources="old") for seed in range(3)]
    new = [trained(store, "a", 0, 0.5, sources="new"), unfinished("a", 1), unfinished("a", 2)]
    runs = [run_of(*entries, seeds=[0, 1, 2], created=f"2025-01-0{n}") for n, entries in enumerate((old, new), 1)]
    table = table_of(store, *runs)
    assert text(table, "a").startswith("0.1000")
    assert noted(table, "a: numbers of seeds 1, 2 are of an earlier run") == 1
    assert text(table_of(store, runs[1]), "a").startswith("0.5000"), "alone it is shown, with its mark"
    assert noted(table_of(store, runs[1]), "§ a is a mean of 1 of 3 seeds: seeds 1, 2 are missing") == 1


def test_seeds_of_one_training_complete_each_other(store: Store) -> None:
    first = [trained(store, "a", 0, 0.1, sources="same"), unfinished("a", 1)]
    second = [unfinished("a", 0), trained(store, "a", 1, 0.3, sources="same")]
    table = table_of(store, *(run_of(*entries, seeds=[0, 1]) for entries in (first, second)))
    assert text(table, "a").startswith("0.2000")
    assert noted(table, "§") == 0


def identity_changes() -> Mapping[str, Callable[[dict], None]]:
    return {
        "seed and images": lambda identity: identity.update(images={"9": "z"}),
        "sources": lambda identity: identity.update(sources="new"),
    }


@pytest.mark.parametrize("kind", identity_changes())
def test_cells_complete_each_other_only_if_nothing_else_differs(store: Store, kind: str) -> None:
    identity = {"sources": "same", "images": {"1": "x"}}
    first = [trained(store, "a", 0, 0.1, **identity), unfinished("a", 1)]
    identity_changes()[kind](identity)
    second = [unfinished("a", 0), trained(store, "a", 1, 0.3, **identity)]
    (merged,) = merge_runs(store, [run_of(*entries, seeds=[0, 1]) for entries in (first, second)])
    assert list(values(merged).values()) == (["done", "done"] if kind == "seed and images" else ["pending", "done"])
