"""Laws of judging pictures from files: nothing doubtful passes in silence."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.cli import call
from support.score_command import Score, save, stored

from bench_core.images import read_image


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
    told = score("--hole-color", "black", code=2).output
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
