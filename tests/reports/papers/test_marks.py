"""Numbers that were measured differently from the published ones are marked and explained."""

import pytest
from support.stored_cells import done, noted
from support.toy_paper_table import RULES, protocol, run_of, table_of, text

from bench_core.paper_table import PaperTable
from bench_core.store.store import CellStatus, Store


def test_different_definition_is_marked(paper: PaperTable, store: Store) -> None:
    table = table_of(paper, store, run_of(RULES["moon"], done(store, "new-tv", l1=[0.5], psnr=[16])))
    assert text(table, "New (ours)", "error measured") == "50.00"
    assert text(table, "New (ours)", "PSNR measured") == "16.0‡"
    assert noted(table, "PSNR, in dB, is measured as psnr@full", "‡ they use logarithms of base 9") == 1
    assert noted(table, "The moon was new.") == noted(table, "Nobody, 1969") == 1
    assert noted(table, "No method here: Old.") == noted(table, "New (ours) by new-tv") == 1


def test_different_number_of_images_is_marked(paper: PaperTable, store: Store) -> None:
    same = table_of(paper, store, run_of(RULES["moon"], done(store, "new-tv", l1=[0.5])))
    assert noted(same, "published on") == 0
    other = table_of(paper, store, run_of(RULES["moon"], done(store, "new-tv", l1=[0.5]), pairs=7))
    assert text(other, "New (ours)", "error measured") == "50.00‡"
    assert noted(other, "moon: measured on 7 images, published on 2") == 1
    unknown = table_of(paper, store, run_of(RULES["mars"], done(store, "new-tv", psnr=[16])))
    assert noted(unknown, "mars: measured on 2 images, published on an unknown number") == 1


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"steps": 3}, "steps = 3, not 9"),
        ({"size": 16}, "size = 16, not 32"),
        ({"image_set": "folder"}, "image_set = folder, not photos"),
        ({"masks": {"center": {"family": "center_box", "side": 9}}}, "'side': 9"),
    ],
)
def test_changed_rules_are_marked(paper: PaperTable, store: Store, change: dict, note: str) -> None:
    table = table_of(paper, store, run_of(protocol(**change), done(store, "new-tv", l1=[0.5])))
    assert text(table, "New (ours)", "error measured") == "50.00‡"
    assert noted(table, "‡ moon was run with", note) == 1


def test_failed_cell_is_reported(paper: PaperTable, store: Store) -> None:
    failed = CellStatus("new", "new-tv", 0, "failed", reason="RuntimeError: no air")
    table = table_of(paper, store, run_of(RULES["moon"], failed))
    assert text(table, "New (ours)", "error measured") == "failed"
    assert noted(table, "moon: new-tv, seed 0, failed: RuntimeError: no air") == 1
