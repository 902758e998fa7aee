"""Images of another program, and `bench score` of them."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from support.cli import call
from support.score_command import Score, save


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """Four ground truths of different sizes, their holes, and predictions that are wrong in the holes only."""
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
    """Run `bench score` on these images, with further options."""

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
