"""Images scored again under one name replace the earlier ones in all tables."""

from typing import Any

import pytest
from support.stored_cells import KNOWN, done, noted, run_of, table_of, text

from bench_core.store.store import CellStatus, Store
from bench_core.system import files
from bench_reports.tables.table import build


def trained(store: Store, variant: str, seed: int = 0, value: float = 0.1, **identity: Any) -> CellStatus:
    """Write a finished cell with its identity."""
    entry = done(store, variant, seed, l1=[value, value], about={"source": f"{identity}"})
    files.write_json(store.folder(entry).path / "identity.json", {"variant": variant, "seed": seed, **identity})
    return entry


def pictures(store: Store, *samples: float) -> tuple[CellStatus, ...]:
    return tuple(
        trained(store, "theirs", seed, value, pictures={"center": [str(value)]}) for seed, value in enumerate(samples)
    )


RESCORED: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "fewer samples": ((0.1, 0.2, 0.3), (0.5,)),
    "more samples": ((0.1,), (0.5, 0.7)),
    "other pictures": ((0.1, 0.2), (0.5, 0.7)),
    "one of two changed": ((0.1, 0.2), (0.1, 0.7)),
}


@pytest.mark.parametrize("kind", RESCORED)
def test_scoring_again_replaces_all_samples(store: Store, kind: str) -> None:
    before, after = RESCORED[kind]
    runs = [run_of(*pictures(store, *values), created=f"2025-01-0{n}") for n, values in enumerate((before, after), 1)]
    other = run_of(*pictures(store, *before), steps=99)
    tables = build(store, [*runs, other], KNOWN)
    assert text(tables[0], "theirs").startswith(f"{sum(after) / len(after):.4f}")
    assert "§" not in text(tables[0], "theirs")
    assert text(tables[1], "theirs").startswith(f"{sum(before) / len(before):.4f}"), "another protocol is untouched"


def test_lost_rows_of_new_pictures_do_not_bring_the_old_ones_back(store: Store) -> None:
    old, new = (run_of(*pictures(store, value)) for value in (0.1, 0.5))
    for path in store.folder(new.entries[0]).path.glob("rows/*"):
        path.unlink()
    assert text(table_of(store, old, new), "theirs") == "missing"


def test_name_of_pictures_and_of_a_method_is_noted(store: Store) -> None:
    runs = [run_of(*pictures(store, 0.1)), run_of(trained(store, "theirs", value=0.3))]
    assert noted(table_of(store, *runs), "theirs names both a method of `bench run` and images of `bench score`") == 1
