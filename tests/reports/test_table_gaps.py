"""Laws of what a table cannot show: it says so, and why."""

from support.stored_cells import FID, INF, PSNR, done, noted, run_of, table_of, text

from bench_core.store.store import CellStatus, Store


def test_cells_without_values_say_why(store: Store) -> None:
    failed = CellStatus("f", "f", 3, "failed", reason="RuntimeError: out of memory")
    unfit = [CellStatus("n", "n", seed, "n/a", reason="takes images of 3 channels, not 1") for seed in (0, 1)]
    pending = CellStatus("p", "p", 0)
    table = table_of(store, run_of(done(store, "a", l1=[0.1], psnr=[20]), failed, *unfit, pending))
    assert [text(table, variant) for variant in "afnp"] == ["0.1000", "failed", "n/a", "pending"]
    assert noted(table, "Intervals") == 0, "one image says nothing of others"
    assert noted(table, "f, seed 3, failed", "out of memory") == 1
    assert noted(table, "n is n/a: it takes images of 3 channels") == 1, "told once, not for every seed"


def test_a_run_without_any_value_is_a_table_too(store: Store) -> None:
    table = table_of(store, run_of(CellStatus("p", "p", 0), CellStatus("f", "f", 0, "failed", reason="because")))
    assert [text(table, variant) for variant in "pf"] == ["pending", "failed"]
    assert not table.best.to_numpy().any()


def test_the_seeds_that_did_not_fail_count(store: Store) -> None:
    failed = CellStatus("a", "a", 1, "failed", reason="because")
    table = table_of(store, run_of(done(store, "a", l1=[0.1], psnr=[20]), failed))
    assert text(table, "a") == "0.1000"
    assert noted(table, "a, seed 1, failed: because") == 1


def test_a_metric_that_could_not_be_computed_is_a_dash_with_its_reason(store: Store) -> None:
    run = run_of(done(store, "a", l1=[0.1]), missing={PSNR: "no logarithms here"})
    table = table_of(store, run)
    assert text(table, "a", PSNR) == "-"
    assert noted(table, "PSNR is missing: no logarithms here") == 1


def test_a_gap_that_was_filled_is_not_told(store: Store) -> None:
    run = run_of(done(store, "a", l1=[0.1], psnr=[20]), missing={PSNR: "no logarithms here"})
    assert noted(table_of(store, run), "missing") == 0


def test_fid_of_few_images_is_marked_and_told(store: Store) -> None:
    table = table_of(store, run_of(done(store, "a", l1=[0.1, 0.2], fid=[55.5]), metrics=["l1", "fid"]))
    assert text(table, "a", FID) == "55.50†"
    assert "†" not in text(table, "a")
    alone = table_of(store, run_of(done(store, "a", fid=[55.5]), metrics=["fid"]))
    assert text(alone, "a", FID) == "55.50†"
    assert noted(table, "†", "FID of 20 images", "2,048", "or measure kid@pytorch-fid") == 1
    assert noted(table, "FID: one number of a whole set has no interval") == 1


def test_fid_of_enough_images_is_not_marked(store: Store) -> None:
    table = table_of(store, run_of(done(store, "a", fid=[55.5]), metrics=["fid"], num_pairs=2048))
    assert text(table, "a", FID) == "55.50"
    assert noted(table, "†") == 0


def test_perfect_matches_are_left_out_and_counted(store: Store) -> None:
    table = table_of(store, run_of(done(store, "a", psnr=[20, INF, 30, INF]), done(store, "b", psnr=[20, 30, 22, 40])))
    assert text(table, "a", PSNR).startswith("25.00 ± ")
    assert text(table, "b", PSNR).startswith("21.00 ± "), "of the same two images"
    assert noted(table, "PSNR on center: 2 pairs", "left out for all methods") == 1
    assert noted(table, "L1 on center") == 0


def test_nothing_but_perfect_matches_is_infinite(store: Store) -> None:
    table = table_of(store, run_of(done(store, "a", psnr=[INF, INF]), done(store, "b", psnr=[20, 20])))
    assert text(table, "a", PSNR) == "inf"
    assert table.best.loc["a", ("center", PSNR)]
    assert text(table, "b", PSNR).startswith("20.00")
    assert noted(table, "PSNR on center: a matches every pair perfectly") == 1


def test_where_each_pair_is_perfect_for_one_or_the_other_nothing_is_left(store: Store) -> None:
    table = table_of(store, run_of(done(store, "a", psnr=[INF, 20]), done(store, "b", psnr=[20, INF])))
    assert [text(table, name, PSNR) for name in "ab"] == ["-", "-"]
    assert noted(table, "PSNR on center: 2 pairs", "left out") == 1


def test_losses_through_a_random_network_are_told(store: Store) -> None:
    entries = done(store, "a", l1=[0.1]), done(store, "b", l1=[0.2])
    entries[0].backbones = ["vgg16"]
    assert noted(table_of(store, run_of(*entries, backbone="random")), "random", "networks): a.") == 1
    assert noted(table_of(store, run_of(*entries)), "random") == 0


def test_images_left_out_are_counted(store: Store) -> None:
    run = run_of(done(store, "a", l1=[0.1]))
    run.skipped += ["one is broken", "another is broken"]
    assert noted(table_of(store, run), "2 images", "left out") == 1
