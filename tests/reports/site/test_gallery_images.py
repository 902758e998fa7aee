"""Images and data of the gallery: unchanged images, error maps, hostile names and reasons for gaps."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.stored_cells import KNOWN
from support.stored_images import BLUE, HOLE, RED, cell_with_images, rename, run_with, site

from bench_core.errors import BadInput
from bench_core.store.store import CellStatus, Store
from bench_reports.site import gallery
from bench_reports.site.gallery_images import COLOURS, GalleryImages, error_colours, error_map
from bench_reports.site.leaderboard import _board_id
from bench_reports.tables.merging import merge_runs

HOSTILE = '"><img src=x onerror=alert(1)>'


def shown(page: Path) -> list[dict[str, Any]]:
    text = (page.parent / "data" / "gallery.js").read_text()
    return json.loads(text.removeprefix("window.GALLERY = ").removesuffix(";\n"))


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGBA"))


def test_error_map_is_the_mean_channel_difference_inside_the_hole() -> None:
    """Expected differences: 0, 32 (a quarter of the maximum 128), 64 (half), and 200, above the maximum."""
    ground_truth = np.full((1, 6, 3), 200, np.uint8)
    masked = ground_truth.copy()
    masked[0, :4] = 0  # the last two are known
    composite = ground_truth.copy()
    composite[0, 1] = (200, 200, 200 - 96)  # a third of 96 is 32
    composite[0, 2] = (200 - 64, 200 + 55, 200 - 73)  # a third of 192 is 64
    composite[0, 3] = 0
    found = np.asarray(error_map(ground_truth, masked, composite).convert("RGBA"))
    assert found[0, :, 3].tolist() == [255] * 4 + [0] * 2
    np.testing.assert_array_equal(found[0, :4, :3], COLOURS[[0, 64, 127, 254]])


def test_black_hidden_pixels_are_shown_if_the_composite_differs() -> None:
    black = np.zeros((1, 2, 3), np.uint8)
    composite = np.array([[[0, 0, 0], [30, 30, 30]]], np.uint8)
    assert np.asarray(error_map(black, black, composite).convert("RGBA"))[0, :, 3].tolist() == [0, 255]


def test_larger_errors_have_lighter_colours() -> None:
    """The map is readable without colour vision."""
    lightness = COLOURS.astype(float) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(np.convolve(lightness, np.ones(8) / 8, "valid")) > 0).all()


def test_images_are_copied_unchanged_and_each_only_once(store: Store, tmp_path: Path) -> None:
    one = cell_with_images(store, "one", RED, psnr=[1, 2, 3, 4])
    other = cell_with_images(store, "other", BLUE, psnr=[4, 3, 2, 1])
    page = site(tmp_path / "site", store, run_with(one, other, metrics=["psnr"]))
    (only,) = shown(page)
    folder = page.parent / "images"
    for number, pair in enumerate(only["pairs"]):
        for entry, (composite, _) in zip((one, other), pair["outputs"], strict=True):
            stored = store.folder(entry).path / "samples" / "evaluation"
            for name, file in (("image", pair["ground_truth"]), ("masked", pair["masked"]), ("composite", composite)):
                assert (folder / file).read_bytes() == (stored / f"{number:06}-{name}.png").read_bytes()
        error = pixels(folder / pair["outputs"][0][1])
        np.testing.assert_array_equal(error[..., 3] > 0, HOLE[..., 0])
    # four ground truths, masked images and thumbnails; four composites per method, and maps that may be equal
    assert len(list(folder.glob("*.jpg"))) == 4
    assert len({pair["ground_truth"] for pair in only["pairs"]}) == 4
    files = {pair[what] for pair in only["pairs"] for what in ("ground_truth", "masked")}
    files |= {file for pair in only["pairs"] for both in pair["outputs"] for file in both}
    assert {path.name for path in folder.glob("*.png")} == files


def test_pair_has_its_size_and_a_thumbnail_with_the_hole(tmp_path: Path) -> None:
    grey = np.full((100, 200, 3), 80, np.uint8)
    hidden = grey.copy()
    hidden[:50] = 0
    for kind, image in {"image": grey, "masked": hidden, "composite": grey}.items():
        Image.fromarray(image).save(tmp_path / f"000000-{kind}.png")
    pair = GalleryImages(tmp_path).add_pair([tmp_path], 0)
    assert pair["size"] == [200, 100]
    small = pixels(tmp_path / pair["thumb"])[..., :3].astype(int)
    assert small.shape == (56, 112, 3)
    assert small[:20].min() > 150 and abs(small[-20:] - 80).max() < 5


def test_legend_has_the_colours_of_the_map() -> None:
    """The legend spans differences from 0 to 128, evenly spaced."""
    ground_truth = np.full((1, 9, 3), 200, np.uint8)
    composite = ground_truth - np.arange(0, 129, 16, dtype=np.uint8)[None, :, None]
    found = np.asarray(error_map(ground_truth, np.zeros_like(ground_truth), composite).convert("RGB"))[0].astype(int)
    legend = np.array([list(bytes.fromhex(colour.removeprefix("#"))) for colour in error_colours()])
    assert np.abs(legend - found).max() <= 3  # the map has 255 colours, so some values lie between two


def test_names_and_rounded_values_come_from_the_rows(store: Store, tmp_path: Path) -> None:
    entry = cell_with_images(store, "one", RED, numbers=[1, 2, 3], psnr=[1.004, 2.006, np.nan, np.inf])
    (only,) = shown(site(tmp_path / "site", store, run_with(entry, metrics=["psnr"])))
    assert [pair["name"] for pair in only["pairs"]] == ["image-1", "image-2", "image-3"]
    assert [pair["ratio"] for pair in only["pairs"]] == [0.25] * 3
    assert only["values"] == [[[2.01, None, 1e300]]]


def test_gaps_have_reasons(store: Store, tmp_path: Path) -> None:
    there = cell_with_images(store, "there", RED, psnr=[1, 2, 3, 4])
    some = cell_with_images(store, "some", BLUE, numbers=[0], psnr=[1, 2, 3, 4])
    # images that a cell saved before it failed are not shown
    failed = replace(there, variant="lost", state="failed", reason="RuntimeError: no memory")
    pending = CellStatus("late", "late", 0, "pending")
    unfit = CellStatus("picky", "picky", 0, "n/a", reason="fills squares only")
    refused = CellStatus("shy", "shy", 0, "done", folder=some.folder, refused={"center": "fills borders only"})
    (only,) = shown(
        site(tmp_path / "site", store, run_with(there, some, failed, unfit, refused, pending, metrics=["psnr"]))
    )
    assert [method["reason"] for method in only["methods"]] == [
        "",
        "",
        "failed: RuntimeError: no memory",
        "is n/a here: it fills squares only",
        "is n/a here: it fills borders only",
        "is not finished",
    ]
    assert [[bool(each) for each in pair["outputs"]] for pair in only["pairs"][:2]] == [
        [True, True, False, False, False, False],
        [True, False, False, False, False, False],
    ]
    assert only["values"][2] == [[None] * 4]


def test_seeds_and_runs_have_unique_names(store: Store, tmp_path: Path) -> None:
    first, second = (cell_with_images(store, "one", RED, psnr=[seed, 2, 3, 4]) for seed in (1, 2))
    second.seed = 1
    other = run_with(cell_with_images(store, "two", BLUE, psnr=[5, 5, 5, 5]), metrics=["psnr"], steps=7)
    found = shown(site(tmp_path / "site", store, run_with(first, second, metrics=["psnr"]), other))
    assert [method["name"] for method in found[0]["methods"]] == ["one, seed 0", "one, seed 1"]
    assert len({each["name"] for each in found}) == 2
    assert all(each["name"].startswith("center, mine") for each in found)


def test_other_images_under_one_protocol_have_unique_names(store: Store, tmp_path: Path) -> None:
    runs = [run_with(cell_with_images(store, "one", RED, psnr=[5, 5, 5, 5]), metrics=["psnr"]) for _ in range(2)]
    runs[1].images = "other test images"
    found = shown(site(tmp_path / "site", store, *runs))
    assert len({each["name"] for each in found}) == len({each["about"] for each in found}) == 2
    (one, other) = (_board_id(run) for run in merge_runs(store, runs))
    assert one != other
    (merged,) = merge_runs(store, runs[:1])
    assert _board_id(merged) != _board_id(replace(merged, training_images="other training images"))


def test_lost_rows_have_a_reason(store: Store, tmp_path: Path) -> None:
    there, gone = (
        cell_with_images(store, name, colour, psnr=[1, 2, 3, 4]) for name, colour in (("a", RED), ("b", BLUE))
    )
    for path in store.folder(gone).path.glob("rows/*"):
        path.unlink()
    (only,) = shown(site(tmp_path / "site", store, run_with(there, gone, metrics=["psnr"])))
    assert only["methods"][1]["reason"].startswith("has no rows here: ")


def test_run_without_saved_images_has_no_gallery(store: Store, tmp_path: Path) -> None:
    entry = cell_with_images(store, "one", RED, numbers=[], psnr=[1, 2, 3, 4])
    (tmp_path / "site").mkdir()
    assert not gallery.write(tmp_path / "site", store, [run_with(entry, metrics=["psnr"])], KNOWN)
    assert not list((tmp_path / "site").iterdir())


def test_hostile_names_become_no_paths_and_end_no_script(store: Store, tmp_path: Path) -> None:
    entry = cell_with_images(store, f"../../{HOSTILE}</script>", RED, psnr=[1, 2, 3, 4])
    rename(store, entry, {"image-0": "../../x", "image-1": HOSTILE, "image-2": "\u2028</script>"})
    page = site(tmp_path / "site", store, run_with(entry, metrics=["psnr"]))
    assert {path.relative_to(page.parent).parts[0] for path in page.parent.rglob("*")} == {
        "assets", "data", "images", "gallery.html"
    }  # fmt: skip
    assert not any(sign in (page.parent / "data" / "gallery.js").read_text() for sign in ("<", "&", "\u2028"))
    assert [pair["name"] for pair in shown(page)[0]["pairs"]] == ["../../x", HOSTILE, "\u2028</script>", "image-3"]
    assert all(len(path.stem) == 16 for path in (page.parent / "images").iterdir())


def test_damaged_image_is_named(store: Store, tmp_path: Path) -> None:
    entry = cell_with_images(store, "one", RED, psnr=[1, 2, 3, 4])
    path = store.folder(entry).path / "samples" / "evaluation" / "000002-composite.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(BadInput, match=r"000002-composite\.png is damaged"):
        site(tmp_path / "site", store, run_with(entry, metrics=["psnr"]))
