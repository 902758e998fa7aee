"""Gaps of a table, and the notes that explain them."""

from math import nan as NAN

from support.stored_cells import FID, INF, PSNR, done, noted, run_of, table_of, text

from bench_core.store.store import CellStatus, Store
from bench_reports.tables.notes import LIKE_BEST


def test_cells_without_values_show_their_state(store: Store) -> None:
    failed = CellStatus("f", "f", 3, "failed", reason="RuntimeError: out of memory")
    unfit = [CellStatus("n", "n", seed, "n/a", reason="takes images of 3 channels, not 1") for seed in (0, 1)]
    pending = CellStatus("p", "p", 0)
    table = table_of(store, run_of(done(store, "a", l1=[0.1], psnr=[20]), failed, *unfit, pending))
    assert [text(table, variant) for variant in "afnp"] == ["0.1000", "failed", "n/a", "pending"]
    assert noted(table, "interval") == 0, "one image has no interval"
    assert noted(table, "f, seed 3, failed", "out of memory") == 1
    assert noted(table, "n is n/a: it takes images of 3 channels") == 1, "once, not for every seed"


def test_run_without_values_is_a_table(store: Store) -> None:
    table = table_of(store, run_of(CellStatus("p", "p", 0), CellStatus("f", "f", 0, "failed", reason="because")))
    assert [text(table, variant) for variant in "pf"] == ["pending", "failed"]
    assert not table.best.to_numpy().any()


def test_failed_seed_does_not_hide_the_others(store: Store) -> None:
    failed = CellStatus("a", "a", 1, "failed", reason="because")
    table = table_of(store, run_of(done(store, "a", l1=[0.1], psnr=[20]), failed))
    assert text(table, "a") == "0.1000§"
    assert noted(table, "a, seed 1, failed: because") == 1


def test_missing_metric_is_a_dash_with_a_reason(store: Store) -> None:
    run = run_of(done(store, "a", l1=[0.1]), missing={PSNR: "no logarithms here"})
    table = table_of(store, run)
    assert text(table, "a", PSNR) == "-"
    assert noted(table, "PSNR is missing: no logarithms here") == 1


def test_filled_gap_has_no_note(store: Store) -> None:
    run = run_of(done(store, "a", l1=[0.1], psnr=[20]), missing={PSNR: "no logarithms here"})
    assert noted(table_of(store, run), "missing") == 0


def test_fid_of_few_images_is_marked(store: Store) -> None:
    table = table_of(store, run_of(done(store, "a", l1=[0.1, 0.2], fid=[55.5]), metrics=["l1", "fid"]))
    assert text(table, "a", FID) == "55.50†"
    assert "†" not in text(table, "a")
    alone = table_of(store, run_of(done(store, "a", fid=[55.5]), metrics=["fid"]))
    assert text(alone, "a", FID) == "55.50†"
    assert noted(table, "†", "FID of 20 images", "2,048", "or measure kid@pytorch-fid") == 1
    assert noted(table, "FID: one value of the whole set, without interval") == 1


def test_fid_of_enough_images_is_not_marked(store: Store) -> None:
    table = table_of(store, run_of(done(store, "a", fid=[55.5]), metrics=["fid"], num_pairs=2048))
    assert text(table, "a", FID) == "55.50"
    assert noted(table, "†") == 0


def test_perfect_matches_are_left_out_and_counted(store: Store) -> None:
    table = table_of(store, run_of(done(store, "a", psnr=[20, INF, 30, INF]), done(store, "b", psnr=[20, 30, 22, 40])))
    assert text(table, "a", PSNR).startswith("25.00 ± ")
    assert text(table, "b", PSNR).startswith("21.00 ± "), "over the same two images"
    assert noted(table, "PSNR on center: 2 pairs", "left out for all methods") == 1
    assert noted(table, "L1 on center", "left out") == 0


def test_pairs_without_a_pixel_in_a_metrics_region_are_left_out_and_counted(store: Store) -> None:
    """They have no value, neither the best nor the worst."""
    cells = [done(store, name, psnr=values) for name, values in (("a", [NAN, 20, 30]), ("b", [NAN, 21, 25]))]
    table = table_of(store, run_of(*cells))
    assert [text(table, name, PSNR).split()[0] for name in "ab"] == ["25.00", "23.00"]
    assert noted(table, "PSNR on center: 1 pairs", "left out for all methods") == 1
    assert noted(table, "n/a") == noted(table, "PSNR", "repeat the command") == 0
    none = table_of(store, run_of(*(done(store, name, psnr=[NAN, NAN]) for name in "cd")))
    assert [text(none, name, PSNR) for name in "cd"] == ["-", "-"]
    assert noted(none, "PSNR on center: 2 pairs", "left out") == 1 and noted(none, "PSNR", "repeat") == 0


def test_only_perfect_matches_give_infinity(store: Store) -> None:
    table = table_of(store, run_of(done(store, "a", psnr=[INF, INF]), done(store, "b", psnr=[20, 20])))
    assert text(table, "a", PSNR) == "inf"
    assert table.best.loc["a", ("center", PSNR)]
    assert text(table, "b", PSNR).startswith("20.00")
    assert noted(table, "PSNR on center: a matches every pair perfectly") == 1


def test_nothing_is_like_an_infinite_best(store: Store) -> None:
    """Differences from infinity have no interval."""
    values = {"a": [INF] * 12, "b": [20.0] * 12, "c": [20.0 + 1e-9] * 12}
    table = table_of(store, run_of(*(done(store, name, psnr=found) for name, found in values.items())))
    assert [LIKE_BEST in text(table, name, PSNR) for name in "abc"] == [False] * 3


def test_no_pair_left_gives_a_dash(store: Store) -> None:
    table = table_of(store, run_of(done(store, "a", psnr=[INF, 20]), done(store, "b", psnr=[20, INF])))
    assert [text(table, name, PSNR) for name in "ab"] == ["-", "-"]
    assert noted(table, "PSNR on center: 2 pairs", "left out") == 1


def test_random_perceptual_networks_have_a_note(store: Store) -> None:
    entries = done(store, "a", l1=[0.1]), done(store, "b", l1=[0.2])
    entries[0].backbones = ["vgg16"]
    assert noted(table_of(store, run_of(*entries, backbone="random")), "random", "weights): a.") == 1
    assert noted(table_of(store, run_of(*entries)), "random") == 0


def test_skipped_images_are_counted(store: Store) -> None:
    run = run_of(done(store, "a", l1=[0.1]))
    run.skipped += ["one is broken", "another is broken"]
    assert noted(table_of(store, run), "2 images", "left out") == 1
