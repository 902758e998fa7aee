"""Refusals and warnings of `bench score`."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.cli import call
from support.score_command import Score, save, stored

from bench_core.images import read_image


def test_altered_known_pixels_are_noted_and_change_raw_metrics_only(score: Score, world: Path) -> None:
    score()
    clean = stored(world / "out").set_index(["image", "metric"])["value"]
    for path in (world / "theirs").glob("*.png"):
        picture = read_image(path)
        picture[:2] = np.clip(picture[:2].astype(int) + 3, 0, 255)
        save(path, picture)
    text = " ".join(score("--out", str(world / "altered")).output.split())
    assert "altered known pixels in 4 of 4 images, by up to 3 of 255 levels" in text
    altered = stored(world / "altered").set_index(["image", "metric"])["value"]
    for metric in ("l1@full", "psnr@full"):
        pd.testing.assert_series_equal(altered.xs(metric, level=1), clean.xs(metric, level=1))
    assert (altered.xs("l1@known-raw", level=1) > 0).all()


def test_inverted_holes_are_refused(score: Score, world: Path) -> None:
    text = " ".join(score("--hole-color", "black", code=2).output.split())
    assert "4 of 4 predictions differ from the ground truth more outside the holes" in text
    assert not (world / "out" / "cells").exists()


@pytest.mark.parametrize(("change", "said"), [
    (lambda world: (world / "theirs" / "2.png").unlink(), r"1 of 4 truths have no prediction of the same name: '2'"),
    (lambda world: (world / "truth" / "2.png").unlink(), r"1 of 4 predictions have no truth of the same name: '2'"),
    (lambda world: (world / "holes" / "2.png").unlink(), r"1 of 4 predictions have no hole of the same name: '2'"),
    (lambda world: save(world / "theirs" / "1.png", np.zeros((9, 8, 3), np.uint8)), "1.png is 8 x 9 pixels, but"),
    (lambda world: save(world / "holes" / "1.png", np.zeros((9, 8), np.uint8)), "hole of '1' is 8 x 9 pixels"),
    (lambda world: (world / "theirs" / "1.png").write_bytes(b"no picture"), "1.png cannot be read as an image"),
    (lambda world: save(world / "theirs" / "1.bmp", np.zeros((41, 48, 3), np.uint8)), "have the same name, '1'"),
])  # fmt: skip
def test_unmatched_files_are_refused_and_nothing_is_stored(
    change: Callable[[Path], None], said: str, score: Score, world: Path
) -> None:
    change(world)
    assert said in " ".join(score(code=2).output.split())
    assert not (world / "out" / "runs").exists()


@pytest.mark.parametrize(("words", "said"), [
    (("--name", "telea"), "'telea' is an installed method"),
    (("--pred", "nowhere"), f"There is no folder {Path.cwd() / 'nowhere'}."),
    (("--pred", "{name}/a.png"), "must stand once, in the file's name"),
    (("--protocol", "qick"), "Did you mean 'quick'?"),
    (("--metrics", "psnrr"), "Did you mean 'psnr'?"),
])  # fmt: skip
def test_invalid_options_are_refused(words: tuple[str, str], said: str, score: Score) -> None:
    assert said in " ".join(
        score(*words, code=2, **({"pred": words[1]} if words[0] == "--pred" else {})).output.split()
    )


def test_method_that_was_run_in_the_store_is_refused(score: Score, world: Path) -> None:
    score("--name", "Mine")
    (identity,) = world.glob("out/cells/Mine-*/identity.json")
    content = json.loads(identity.read_text())
    del content["pictures"]
    identity.write_text(json.dumps(content))
    assert "'Mine' is a method of `bench run` in this store" in " ".join(score("--name", "Mine", code=2).output.split())


def test_truths_without_holes_are_refused(world: Path) -> None:
    told = call("score", "--pred", str(world / "theirs"), "--truth", str(world / "truth"), "--name", "x", code=2).output
    assert "--truth and --holes go together" in told


def test_several_mask_sets_need_several_folders(tmp_path: Path, protocol: Path, photographs: Path) -> None:
    ground = ["--protocol", str(protocol), "--data", str(photographs)]
    call("export", *ground, "-o", str(tmp_path / "pairs"))
    flat = ["--pred", str(tmp_path / "pairs" / "center" / "masked"), "--name", "x", "--out", str(tmp_path / "out")]
    told = call("score", *ground, *flat, code=2).output
    assert "must hold one folder for each mask set: center, free-form" in " ".join(told.split())
