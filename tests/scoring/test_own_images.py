"""Images of a protocol that another program's results are evaluated on: they are compared with training images."""

from pathlib import Path

import numpy as np
import pytest
from support.mask_sets import small_protocol
from support.score_command import save

from bench_core.data.validate import ValidatedImages
from bench_core.experiment.options import ProtocolOptions
from bench_core.plugins import Plugins
from bench_core.scoring.pairs_source import own


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 20, 3), np.uint8)
        save(tmp_path / "train" / f"{number}.png", pixels)
        save(tmp_path / "test" / f"{number}.png", pixels if number < 3 else 255 - pixels)
    return tmp_path


def opened(folder: Path, compared: int = 100) -> ValidatedImages:
    plugins = Plugins.find()
    plugins.load_all()
    protocol = small_protocol(image_set="folder", steps=5, batch=2)
    return own(plugins, protocol, ProtocolOptions(data=folder), compared).images


def test_scored_images_are_compared_with_training_images(folder: Path) -> None:
    assert "3 of 4 test images are also training images" in opened(folder).notes[0]
    assert len(opened(folder, compared=2).train_digests) == 2


@pytest.mark.parametrize("missing", ["damaged", "none"])
def test_training_images_are_not_needed_to_score(
    folder: Path, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    if missing == "damaged":
        (folder / "train" / "0.png").write_bytes(b"junk")
    else:
        (folder / "train").rename(folder.parent / "elsewhere")
    images = opened(folder)
    assert len(images.test) == 4 and not images.notes
    assert "Test images are not compared with training images: " in capsys.readouterr().err
