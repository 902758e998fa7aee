"""Rows of `bench score`: images from files are evaluated like a method's predictions."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from support.cli import call
from support.paths import SHARED
from support.score_command import Score, save, stored

from bench_classical import model
from bench_core.images import read_image
from bench_core.masks.mask_file import pack, write
from bench_core.store.store import read_runs
from bench_core.weights import download

MADF = SHARED / "published_results" / "madf"


@pytest.mark.skipif(not MADF.is_dir(), reason="wants published pictures beside the repository")
def test_published_images_have_the_values_of_scikit_image_and_lpips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import lpips

    monkeypatch.setenv("BENCH_WEIGHTS", str(SHARED / "weights"))
    download.locate.cache_clear()
    where = [
        f"--{kind}={MADF}/{{name}}{end}.png" for kind, end in (("truth", ""), ("holes", "_mask"), ("pred", "_output"))
    ]
    metrics = "--metrics=l1,psnr,psnr@hole,ssim,lpips"
    call("score", *where, metrics, "--hole-color=black", "--subset", "--name=MADF", f"--out={tmp_path}", "--device=cpu")
    found = stored(tmp_path).set_index(["image", "metric"])["value"].unstack()
    with pytest.warns(UserWarning):
        network = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    trunk = torch.load(SHARED / "weights" / "alexnet_features.pth", weights_only=True)
    for key, value in trunk.items():
        _, index, parameter = key.split(".")
        layer = next(layer for name, layer in network.net.named_modules() if name.endswith(f".{index}"))
        layer.get_parameter(parameter).data.copy_(value)
    network.eval()
    assert len(found) == 12
    for name, row in found.iterrows():
        truth, output, black = (np.array(Image.open(MADF / f"{name}{end}.png")) for end in ("", "_output", "_mask"))
        truth, output, hole = truth[..., :3], output[..., :3], (black if black.ndim == 2 else black[..., 0]) < 128
        settings: dict[str, Any] = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        assert row["l1@full"] == pytest.approx(np.abs(truth.astype(float) - output).mean() / 255, abs=1e-6)
        assert row["psnr@full"] == pytest.approx(peak_signal_noise_ratio(truth, output), abs=1e-5)
        assert row["psnr@hole"] == pytest.approx(peak_signal_noise_ratio(truth[hole], output[hole]), abs=1e-5)
        expected = structural_similarity(truth, output, channel_axis=2, data_range=255, **settings)
        assert row["ssim@skimage"] == pytest.approx(expected, abs=1e-6)
        pictures = [torch.from_numpy(x / 127.5 - 1).permute(2, 0, 1)[None].float() for x in (output, truth)]
        with torch.inference_mode():
            assert row["lpips@alex"] == pytest.approx(network(*pictures).item(), abs=1e-5)


def test_a_methods_exported_results_have_the_rows_of_the_method(
    tmp_path: Path, protocol: Path, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saving as PNG loses nothing, because metrics round to 8 bits.

    Both runs start in the same second, and are still two.
    """
    monkeypatch.setattr(
        "bench_core.store.store.datetime", Mock(now=Mock(return_value=datetime(2026, 1, 1, tzinfo=UTC)))
    )
    ground = ["--protocol", str(protocol), "--data", str(photographs), "--steps", "0"]
    call("run", *ground, "--plugins", "pconv", "--device", "cpu", "--out", str(tmp_path / "out"))
    call("export", *ground, "-o", str(tmp_path / "pairs"))
    method = model.telea("nano", 3)
    for path in (tmp_path / "pairs").glob("*/masked/*.png"):
        hole = torch.from_numpy(read_image(path.parents[1] / "hole" / path.name)[None, None, ..., 0] / 255).float()
        masked = torch.from_numpy(read_image(path).transpose(2, 0, 1))[None] / 255
        prediction = method.predict(masked, hole)
        painted = torch.where(hole.bool(), prediction, masked)[0].permute(1, 2, 0)
        save(tmp_path / "theirs" / path.parents[1].name / path.name, (painted * 255).round().byte().numpy())
    told = call(
        "score", *ground, "--pred", str(tmp_path / "theirs"), "--name", "Theirs", "--out", str(tmp_path / "out")
    )
    assert "telea" in told.output
    assert "Theirs" in told.output
    rows = stored(tmp_path / "out").drop(columns=["method"])
    rows = rows.sort_values(["mask_set", "metric", "image"])
    one, other = (rows[rows["variant"] == name].drop(columns="variant") for name in ("telea", "Theirs"))
    assert len(one) == 2 * 2 * 3
    pd.testing.assert_frame_equal(one.reset_index(drop=True), other.reset_index(drop=True))


def test_images_are_evaluated_at_their_own_sizes(score: Score, world: Path) -> None:
    assert "quick: files as they are (protocol" in score().output
    rows = stored(world / "out")
    for name, row in rows[rows["metric"] == "l1@full"].set_index("image").iterrows():
        truth, picture, hole = (read_image(world / kind / f"{name}.png") for kind in ("truth", "theirs", "holes"))
        assert row["value"] == pytest.approx(np.abs(truth / 255 - picture / 255).mean(), rel=1e-6)
        assert row["hole_ratio"] == pytest.approx((hole > 0).mean())
    assert (rows[rows["metric"] == "l1@known-raw"]["value"] == 0).all()


def test_repeating_a_command_measures_nothing(score: Score, world: Path) -> None:
    score()
    before = stored(world / "out")
    assert "judging" not in score().output
    pd.testing.assert_frame_equal(stored(world / "out"), before)


def test_other_pictures_or_other_holes_are_measured_again(score: Score, world: Path) -> None:
    """Every picture and every hole counts by its content."""
    folders, rows = set(), []
    for changed in ("", "theirs", "holes"):
        if changed:
            path = sorted((world / changed).rglob("*.png"))[-1]
            picture = read_image(path).copy()
            picture[:2] = 255 - picture[:2]
            save(path, picture.squeeze())
        score()
        _, runs = read_runs(world / "out")
        (entry,) = runs[-1].entries
        folders.add(entry.folder)
        rows.append(entry.evaluation_ids["given"])
    assert len(folders) == 2, "pictures name the folder"
    assert rows[0] == rows[1] != rows[2], "holes name the rows"


def test_saving_more_images_measures_nothing(score: Score, world: Path) -> None:
    score("--save-images", "1")
    before = stored(world / "out")
    assert [path.name for path in world.glob("out/cells/*/samples/*/*-composite.png")] == ["000000-composite.png"]
    assert "judging" not in score("--save-images", "all").output
    for number in range(4):
        (kept,) = world.glob(f"out/cells/*/samples/*/{number:06}-image.png")
        np.testing.assert_array_equal(read_image(kept), read_image(world / "truth" / f"{number}.png"))
    pd.testing.assert_frame_equal(stored(world / "out"), before)


def test_a_subset_needs_an_option_and_is_noted(score: Score, world: Path) -> None:
    (world / "theirs" / "2.png").unlink()
    assert "Evaluated on the 3 ground truths" in score("--subset").output
    assert set(stored(world / "out")["image"]) == {"0", "1", "3"}


def test_several_folders_are_samples(score: Score, world: Path) -> None:
    for path in (world / "theirs").glob("*.png"):
        save(world / "again" / path.name, read_image(world / "truth" / path.name) // 2 + read_image(path) // 2)
    told = " ".join(score("--pred", str(world / "again")).output.split())
    assert "means over 2 samples" in told
    rows = stored(world / "out")
    assert set(rows["seed"]) == {0, 1}
    first, second = (rows[rows["seed"] == seed]["value"].reset_index(drop=True) for seed in (0, 1))
    assert (first != second).any()


def test_scoring_again_says_what_it_replaces(score: Score, world: Path) -> None:
    for path in (world / "theirs").glob("*.png"):
        save(world / "again" / path.name, read_image(world / "truth" / path.name) // 2 + read_image(path) // 2)
    again = str(world / "again")
    assert "scored before" not in score("--pred", again).output
    assert "scored before" not in score("--pred", again).output, "these are the same images"
    assert "scored before" not in score("--metrics", "psnr").output, "another protocol"
    told = " ".join(score().output.split())
    assert "Theirs was scored before" in told and "its 2 samples are replaced in all tables" in told
    assert "samples" not in told.partition("Values are means")[2], "the table is of one sample"
    assert "its 1 sample is replaced" in " ".join(score(pred=again).output.split())


def test_holes_can_be_a_mask_sets_file(world: Path, score: Score) -> None:
    rng = np.random.default_rng(0)
    holes = [(rng.random((16, 16)) > 0.5).astype(np.uint8) for _ in range(3)]
    for number, hole in enumerate(holes):
        truth = rng.integers(0, 256, (16, 16, 3), np.uint8)
        save(world / "square" / f"{number}.png", truth)
        save(world / "square-theirs" / f"{number}.png", np.where(hole[..., None] > 0, 0, truth).astype(np.uint8))
    write(world / "three.holes", 16, [pack(hole) for hole in holes], {})
    folders = {"pred": str(world / "square-theirs"), "truth": str(world / "square")}
    score(holes=str(world / "three.holes"), **folders)
    rows = stored(world / "out")
    assert rows[rows["metric"] == "l1@full"]["hole_ratio"].tolist() == [hole.mean() for hole in holes]
    write(world / "two.holes", 16, [pack(hole) for hole in holes[:2]], {})
    assert "holds 2 holes for 3 images" in score(holes=str(world / "two.holes"), code=2, **folders).output


def test_exported_pairs_are_those_of_methods(tmp_path: Path, protocol: Path, photographs: Path) -> None:
    ground = ["--protocol", str(protocol), "--data", str(photographs)]
    call("export", *ground, "-o", str(tmp_path / "pairs"))
    listed = pd.read_csv(tmp_path / "pairs" / "pairs.csv", dtype={"file": str})
    for pair in listed.to_dict("records"):
        folder = tmp_path / "pairs" / pair["mask_set"]
        image, hole, masked = (
            read_image(folder / kind / f"{pair['file']}.png") for kind in ("image", "hole", "masked")
        )
        np.testing.assert_array_equal(masked, np.where(hole > 0, 0, image))
        assert (hole > 0).mean() == pytest.approx(pair["hole_ratio"])
    lost, listing = tmp_path / "pairs" / "center" / "hole" / "000001.png", tmp_path / "pairs" / "pairs.csv"
    before, list_before = lost.read_bytes(), listing.read_bytes()
    for path in (lost, listing):
        path.unlink()  # as if it had been interrupted
    (tmp_path / "pairs" / ".half-written-abc.png").touch()
    call("export", *ground, "-o", str(tmp_path / "pairs"))
    assert lost.read_bytes() == before and listing.read_bytes() == list_before
    assert not list((tmp_path / "pairs").rglob(".half-written*"))
    assert "is not empty" in call("export", *ground, "--size", "16", "-o", str(tmp_path / "pairs"), code=2).output


@pytest.mark.parametrize("name", ["", " ", "a" * 101, "ü" * 51, "two\nlines", "\x1b[31m"])
def test_a_name_that_cannot_name_a_method_is_refused(name: str, world: Path, score: Score):
    said = score("--name", name, code=2)
    assert "cannot name a method" in said.output
    assert not (world / "out" / "cells").exists()
