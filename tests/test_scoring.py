"""Laws of judging pictures from files: they are measured like a method's, and nothing doubtful passes in silence."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from bench_core import weights
from bench_core.baselines import classical
from bench_core.cli import main
from bench_core.images import read_image
from bench_core.mask_sets.file import pack, write
from bench_core.store import read_runs

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
MADF = SHARED / "published_results" / "madf"
Score = Callable[..., Result]


def call(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, list(words))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def stored(folder: Path) -> pd.DataFrame:
    store, runs = read_runs(folder)
    return pd.concat([store.rows(run) for run in runs], ignore_index=True)


def save(path: Path, picture: np.ndarray, **settings: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, **settings)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """Four truths of different sizes, their holes, and pictures that are wrong in the holes only."""
    rng = np.random.default_rng(0)
    for number in range(4):
        height, width = 40 + number, 48
        rows, columns = np.mgrid[0:height, 0:width]
        waves = [np.sin((rows * (number + 1) + columns * channel) / 15) for channel in (1, 2, 3)]
        truth = ((np.stack(waves, axis=-1) + 1) * 127.5).astype(np.uint8)
        hole = np.zeros((height, width), np.uint8)
        hole[10:25, 5 + number : 30] = 255
        picture = np.where(hole[..., None] > 0, rng.integers(0, 256, truth.shape), truth).astype(np.uint8)
        save(tmp_path / "truth" / f"{number}.png", truth)
        save(tmp_path / "holes" / f"{number}.png", hole)
        save(tmp_path / "theirs" / f"{number}.png", picture)
    return tmp_path


@pytest.fixture
def score(world: Path) -> Score:
    """`bench score` of the pictures in this world, with changes."""

    def run(*words: str, code: int = 0, **folders: str) -> Result:
        where = {kind: str(world / kind) for kind in ("truth", "holes")} | {"pred": str(world / "theirs")}
        given = [word for kind, path in (where | folders).items() for word in (f"--{kind}", path)]
        fixed = [
            "--metrics",
            "l1,psnr,l1@known-raw",
            "--name",
            "Theirs",
            "--device",
            "cpu",
            "--out",
            str(world / "out"),
        ]
        return call("score", *given, *fixed, *words, code=code)

    return run


@pytest.mark.skipif(not MADF.is_dir(), reason="wants published pictures beside the repository")
def test_published_pictures_have_the_rows_of_scikit_image_and_lpips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import lpips

    monkeypatch.setenv("BENCH_WEIGHTS", str(SHARED / "weights"))
    weights.locate.cache_clear()
    where = [
        f"--{kind}={MADF}/{{name}}{end}.png" for kind, end in (("truth", ""), ("holes", "_mask"), ("pred", "_output"))
    ]
    metrics = "--metrics=l1,psnr,psnr@hole,ssim,lpips"
    call("score", *where, metrics, "--hole=black", "--subset", "--name=MADF", f"--out={tmp_path}", "--device=cpu")
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


def test_a_methods_pictures_have_the_rows_that_the_method_has(
    tmp_path: Path, protocol: Path, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written as PNG and judged from there, they lose nothing, for metrics see what a PNG holds.

    Both runs are of the same second here, and still two.
    """
    monkeypatch.setattr("bench_core.store.datetime", Mock(now=Mock(return_value=datetime(2026, 1, 1, tzinfo=UTC))))
    ground = ["--protocol", str(protocol), "--data", str(photographs), "--steps", "0"]
    call("run", *ground, "--plugins", "pconv", "--device", "cpu", "--out", str(tmp_path / "out"))
    call("export", *ground, "-o", str(tmp_path / "pairs"))
    method = classical.telea("nano", 3)
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


def test_pictures_are_judged_at_their_own_sizes_against_their_own_truths(score: Score, world: Path) -> None:
    assert "quick: files as they are (protocol" in score().output
    rows = stored(world / "out")
    for name, row in rows[rows["metric"] == "l1@full"].set_index("image").iterrows():
        truth, picture, hole = (read_image(world / kind / f"{name}.png") for kind in ("truth", "theirs", "holes"))
        assert row["value"] == pytest.approx(np.abs(truth / 255 - picture / 255).mean(), rel=1e-6)
        assert row["hole_ratio"] == pytest.approx((hole > 0).mean())
    assert (rows[rows["metric"] == "l1@known-raw"]["value"] == 0).all()


def test_the_same_command_twice_stores_the_same_and_measures_nothing(score: Score, world: Path) -> None:
    score()
    before = stored(world / "out")
    assert "judging" not in score().output
    pd.testing.assert_frame_equal(stored(world / "out"), before)


def test_altered_known_pixels_are_told_and_cost_only_the_raw_picture(score: Score, world: Path) -> None:
    score()
    clean = stored(world / "out").set_index(["image", "metric"])["value"]
    for path in (world / "theirs").glob("*.png"):
        picture = read_image(path)
        picture[:2] = np.clip(picture[:2].astype(int) + 3, 0, 255)
        save(path, picture)
    told = " ".join(score("--out", str(world / "altered")).output.split())
    assert "altered known pixels in 4 of 4 pictures, by up to 3 of 255 levels" in told
    altered = stored(world / "altered").set_index(["image", "metric"])["value"]
    for metric in ("l1@full", "psnr@full"):
        pd.testing.assert_series_equal(altered.xs(metric, level=1), clean.xs(metric, level=1))
    assert (altered.xs("l1@known-raw", level=1) > 0).all()


def test_holes_told_the_wrong_way_round_are_refused(score: Score, world: Path) -> None:
    told = score("--hole", "black", code=2).output
    assert "4 of 4 pictures differ from their truths more outside the holes" in told
    assert not (world / "out" / "cells").exists()


@pytest.mark.parametrize(("change", "said"), [
    (lambda world: (world / "theirs" / "2.png").unlink(), r"1 of 4 truths have no picture of the same name: '2'"),
    (lambda world: (world / "truth" / "2.png").unlink(), r"1 of 4 pictures have no truth of the same name: '2'"),
    (lambda world: (world / "holes" / "2.png").unlink(), r"1 of 4 pictures have no hole of the same name: '2'"),
    (lambda world: save(world / "theirs" / "1.png", np.zeros((9, 8, 3), np.uint8)), "1.png is 8 x 9 pixels, but"),
    (lambda world: save(world / "holes" / "1.png", np.zeros((9, 8), np.uint8)), "hole of '1' is 8 x 9 pixels"),
    (lambda world: (world / "theirs" / "1.png").write_bytes(b"no picture"), "1.png cannot be read as an image"),
    (lambda world: save(world / "theirs" / "1.bmp", np.zeros((41, 48, 3), np.uint8)), "have the same name, '1'"),
])  # fmt: skip
def test_files_that_do_not_match_are_refused_and_nothing_is_stored(
    change: Callable[[Path], None], said: str, score: Score, world: Path
) -> None:
    change(world)
    assert said in " ".join(score(code=2).output.split())
    assert not (world / "out" / "runs").exists()


@pytest.mark.parametrize(("words", "said"), [
    (("--name", "telea"), "'telea' is an installed method"),
    (("--pred", "nowhere"), "There is no folder nowhere"),
    (("--pred", "{name}/a.png"), "must stand once, in the file's name"),
    (("--protocol", "qick"), "Did you mean 'quick'?"),
    (("--metrics", "psnrr"), "Did you mean 'psnr'?"),
])  # fmt: skip
def test_wrong_requests_are_refused(words: tuple[str, str], said: str, score: Score) -> None:
    assert said in " ".join(
        score(*words, code=2, **({"pred": words[1]} if words[0] == "--pred" else {})).output.split()
    )


def test_truths_without_holes_are_refused(world: Path) -> None:
    told = call("score", "--pred", str(world / "theirs"), "--truth", str(world / "truth"), "--name", "x", code=2).output
    assert "--truth and --holes go together" in told


def test_a_subset_is_judged_only_where_it_is_asked_for_and_the_table_says_so(score: Score, world: Path) -> None:
    (world / "theirs" / "2.png").unlink()
    assert "Judged on those 3 truths" in score("--subset").output
    assert set(stored(world / "out")["image"]) == {"0", "1", "3"}


def test_jpeg_is_told_also_where_it_hides_in_png(score: Score, world: Path) -> None:
    for kind in ("files", "hidden"):
        for path in (world / "theirs").glob("*.png"):
            jpeg = world / "files" / f"{path.stem}.jpg"
            save(jpeg, read_image(path), quality=80)
            save(world / "hidden" / path.name, read_image(jpeg))
        told = " ".join(score("--out", str(world / kind / "out"), pred=str(world / kind)).output.split())
        assert "shows JPEG compression in 4 of 4 pictures" in told
    assert "JPEG" not in score().output


def test_a_truth_that_once_was_jpeg_is_not_held_against_pictures_that_keep_it(score: Score, world: Path) -> None:
    rng = np.random.default_rng(0)
    for path in (world / "truth").glob("*.png"):
        save(world / "once.jpg", read_image(path), quality=60)
        truth, hole = read_image(world / "once.jpg"), read_image(world / "holes" / path.name)
        save(path, truth)
        rounded = (truth.astype(int) + (rng.random(truth.shape) < 0.1)).clip(0, 255)
        save(world / "theirs" / path.name, np.where(hole > 0, 0, rounded).astype(np.uint8))
    told = " ".join(score().output.split())
    assert "altered known pixels in 4 of 4 pictures, by up to 1 of 255 levels" in told
    assert "JPEG" not in told


def test_one_folder_does_not_serve_several_mask_sets(tmp_path: Path, protocol: Path, photographs: Path) -> None:
    ground = ["--protocol", str(protocol), "--data", str(photographs)]
    call("export", *ground, "-o", str(tmp_path / "pairs"))
    flat = ["--pred", str(tmp_path / "pairs" / "center" / "masked"), "--name", "x", "--out", str(tmp_path / "out")]
    told = call("score", *ground, *flat, code=2).output
    assert "must hold one folder for each mask set: center, free-form" in " ".join(told.split())


def test_several_folders_are_samples_of_which_the_mean_counts(score: Score, world: Path) -> None:
    for path in (world / "theirs").glob("*.png"):
        save(world / "again" / path.name, read_image(world / "truth" / path.name) // 2 + read_image(path) // 2)
    told = " ".join(score("--pred", str(world / "again")).output.split())
    assert "means over 2 samples" in told
    rows = stored(world / "out")
    assert set(rows["seed"]) == {0, 1}
    first, second = (rows[rows["seed"] == seed]["value"].reset_index(drop=True) for seed in (0, 1))
    assert (first != second).any()


def test_holes_may_be_a_mask_sets_file(world: Path, score: Score) -> None:
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


def test_exported_pairs_are_those_that_methods_meet(tmp_path: Path, protocol: Path, photographs: Path) -> None:
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
    assert "is not empty" in call("export", *ground, "-o", str(tmp_path / "pairs"), code=2).output
