"""Whatever a user gets wrong is told in one clear message, with exit code 2 and nothing half-written."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from bench_core.cli import main

Bench = Callable[..., Result]


def refused(result: Result, *said: str) -> None:
    text = " ".join(result.output.split())
    assert result.exit_code == 2, text
    assert "Traceback" not in text
    assert text.count(" Error: ") + text.startswith("Error: ") == 1
    for part in said:
        assert part in text, text


def cells(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "out").glob("cells/*"))


def test_an_unknown_plugin(bench: Bench, tmp_path: Path):
    refused(bench("--plugins", "pconv,nope", code=2), "no plugin 'nope'", "Known: ", "dmfn, edge_connect")
    refused(bench("--plugins", "pconf", code=2), "Did you mean 'pconv'?")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("strict", [True, False])
def test_a_broken_plugin(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strict: bool):
    from importlib.metadata import EntryPoint

    import bench_core.plugins

    real = bench_core.plugins.entry_points
    broken = EntryPoint("broken", "no_such_module", "bench")
    monkeypatch.setattr(bench_core.plugins, "entry_points", lambda group: [*real(group=group), broken])
    refused(bench("--plugins", "broken", code=2), "No module named 'no_such_module'", "None of the plugins")
    assert "no_such_module" in CliRunner().invoke(main, ["plugins"]).output
    assert not cells(tmp_path)
    result = bench("--plugins", "broken,pconv", *["--strict-plugins"] * strict, code=2)
    assert "No module named 'no_such_module'" in " ".join(result.output.split())
    assert bool(cells(tmp_path)) != strict  # without --strict-plugins the others go on, and the exit code tells


def test_an_empty_folder_of_images(bench: Bench, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    refused(bench("--data", str(tmp_path / "empty"), code=2), "holds no image", "png")
    refused(bench("--data", str(tmp_path / "nowhere"), code=2), "does not exist")


def test_a_text_file_named_png(bench: Bench, tmp_path: Path, photographs: Path):
    (photographs / "test" / "readme.png").write_text("This is no picture.")
    refused(bench("--plugins", "pconv", code=2), "readme.png cannot be read as an image", "--skip-bad-images")
    assert not cells(tmp_path)


def test_bad_images_can_be_left_out_and_are_counted(bench: Bench, tmp_path: Path, photographs: Path):
    (photographs / "test" / "readme.png").write_text("This is no picture.")
    (photographs / "train" / "broken.png").write_bytes((photographs / "train" / "2.png").read_bytes()[:200])
    result = bench("--plugins", "pconv", "--skip-bad-images")
    assert "2 images that could not be decoded were left out" in " ".join(result.output.split())
    table = next((tmp_path / "out" / "runs").glob("*/table.md")).read_text()
    assert "2 images that could not be decoded" in table


@pytest.mark.skipif(os.name != "posix", reason="permissions are posix's")
def test_an_unwritable_out(bench: Bench, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    refused(bench(out="file/below", code=2), "cannot be written to", "--out")
    if os.geteuid():  # root may write anywhere
        locked = tmp_path / "locked"
        locked.mkdir()
        locked.chmod(stat.S_IRUSR | stat.S_IXUSR)
        refused(bench(out="locked", code=2), "cannot be written to", "--out")


def test_a_misspelt_key_of_a_protocol(bench: Bench, tmp_path: Path, protocol: Path):
    protocol.write_text("stepz = 3\n" + protocol.read_text())
    refused(bench(code=2), "no key 'stepz'", "Did you mean 'steps'?")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--protocol", "quik"], "Did you mean 'quick'?"),
        (["--protocol", "nowhere.toml"], "cannot be read"),
        (["--size", "30"], "multiples of 32"),
        (["--metrics", "ssmi"], "Did you mean 'ssim'?"),
        (["--test-masks", "centre"], "Did you mean 'center'?"),
        (["--image-set", "place2"], "Did you mean 'places2'?"),
        (["--add-loss", "stile=1"], "Did you mean 'style'?"),
        (["--add-loss", "style"], "NAME=WEIGHT"),
        (["--drop-loss", "stile"], "Did you mean 'style'?"),
        (["--backbone", "official"], "--backbone random"),
        (["--seeds", "0,zero"], "no list of ints"),
        (["--seeds", "0,0"], "given twice"),
        (["--batch", "0"], "greater than 0"),
        (["--device", "abacus"], "There is no value 'abacus'"),
        (["--device", "mps"], "'mps' cannot be used here"),
    ],
)
def test_options_that_cannot_be_used(bench: Bench, tmp_path: Path, options: list[str], said: str):
    refused(bench("--plugins", "pconv", *options, code=2), said)
    assert not cells(tmp_path)


def test_a_tracker_that_is_not_installed(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bench_core.training.trackers.select.find_spec", lambda name: None)
    refused(bench("--tracker", "tensorboard", code=2), "pip install inpaint-bench[tensorboard]")
    refused(bench("--tracker", "tensorbord", code=2), "Did you mean 'tensorboard'?")
    assert not (tmp_path / "out").exists()


def test_missing_vgg_weights_say_what_to_fetch(bench: Bench):
    result = bench("--plugins", "pconv", "--backbone", "official", code=2)
    refused(result, "https://download.pytorch.org/models/vgg16-397923af.pth", "BENCH_WEIGHTS")


def test_a_report_of_nothing(tmp_path: Path):
    refused(CliRunner().invoke(main, ["report", str(tmp_path)]), "holds no runs")


def test_a_report_in_no_known_format(bench: Bench, tmp_path: Path):
    bench("--steps", "0", "--no-baselines", "--plugins", "pconv")
    refused(CliRunner().invoke(main, ["report", str(tmp_path / "out"), "--format", "latec"]), "Did you mean 'latex'?")


def test_a_damaged_record(bench: Bench, tmp_path: Path):
    bench("--steps", "0", "--no-baselines", "--plugins", "pconv")
    (record,) = (tmp_path / "out" / "runs").glob("*/run.json")
    record.write_text(record.read_text()[:100])
    refused(CliRunner().invoke(main, ["report", str(tmp_path / "out")]), "damaged")


def paint(tmp_path: Path, *options: str, image: str = "image.png", mask: str = "mask.png") -> Result:
    files = [str(tmp_path / image), str(tmp_path / mask), "-o", str(tmp_path / "filled.png")]
    return CliRunner().invoke(main, ["inpaint", *options, *files])


@pytest.fixture
def picture(tmp_path: Path) -> np.ndarray:
    """A picture of 50 x 70 in image.png, a mask in mask.png, and a mask of another size in small.png."""
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    hole = np.zeros((50, 70), np.uint8)
    hole[10:30, 20:60] = 255
    Image.fromarray(pixels).save(tmp_path / "image.png")
    Image.fromarray(hole).save(tmp_path / "mask.png")
    Image.fromarray(hole[:40]).save(tmp_path / "small.png")
    return pixels


def test_a_mask_of_the_wrong_size(tmp_path: Path, picture: np.ndarray):
    refused(paint(tmp_path, "--plugin", "telea", mask="small.png"), "70 x 40", "70 x 50", "must be equal")
    assert not (tmp_path / "filled.png").exists()


def test_painting_without_or_with_foreign_weights(bench: Bench, tmp_path: Path, picture: np.ndarray):
    refused(paint(tmp_path, "--plugin", "pconv"), "--weights")
    refused(paint(tmp_path, "--plugin", "pconf"), "Did you mean 'pconv'?")
    refused(paint(tmp_path, "--plugin", "pconv", "--weights", str(tmp_path / "image.png")), "no file of weights")
    bench("--plugins", "gated", "--no-baselines")
    (weights,) = (tmp_path / "out" / "cells").glob("*/weights.safetensors")
    refused(paint(tmp_path, "--plugin", "pconv", "--weights", str(weights)), "weights of 'gated', not of 'pconv'")


@pytest.mark.parametrize("hole", ["white", "black"])
@pytest.mark.parametrize("plugin", ["telea", "gated"])
def test_painting_a_picture_of_any_size_leaves_known_pixels(
    bench: Bench, tmp_path: Path, picture: np.ndarray, plugin: str, hole: str
):
    options = ["--plugin", plugin, "--hole-color", hole, "--device", "cpu"]
    if plugin == "gated":
        bench("--plugins", "gated", "--no-baselines")
        (weights,) = (tmp_path / "out" / "cells").glob("*/weights.safetensors")
        options += ["--weights", str(weights)]
    result = paint(tmp_path, *options)
    assert result.exit_code == 0, result.output
    filled = np.asarray(Image.open(tmp_path / "filled.png"))
    missing = np.asarray(Image.open(tmp_path / "mask.png")) == (255 if hole == "white" else 0)
    assert filled.shape == picture.shape
    assert (filled[~missing] == picture[~missing]).all()
    assert (filled[missing] != picture[missing]).any()
