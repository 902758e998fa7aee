"""Tests of MNIST and CIFAR-10: read from the official files, or an error that says what to download."""

import gzip
import pickle
import re
import shutil
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from support.image_sets import open_split, touch
from support.paths import SHARED

from bench_core.errors import BadInput

MNIST_FILES = SHARED / "mnist" / "MNIST" / "raw"


@pytest.mark.skipif(not MNIST_FILES.is_dir(), reason=f"MNIST is not at {MNIST_FILES}")
def test_mnist_is_read_from_its_official_files(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for path in MNIST_FILES.iterdir():
        shutil.copyfile(path, raw / path.name)
    images = open_split("mnist", tmp_path, "test")
    assert len(images) == len(images.names) == 10_000
    assert images.names[42] == "test-00042"
    pixels = np.frombuffer(gzip.decompress((MNIST_FILES / "t10k-images-idx3-ubyte.gz").read_bytes())[16:], np.uint8)
    np.testing.assert_array_equal(images[42], pixels.reshape(-1, 28, 28, 1)[42])
    train = open_split("mnist", tmp_path, "train")
    assert (len(train), train.names[0], train[0].shape) == (60_000, "train-00000", (28, 28, 1))


@pytest.fixture
def small_cifar10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Write CIFAR-10's layout with ten images per batch, pickled so that NumPy 2.4 warns. Return the pixels."""
    from torchvision.datasets import CIFAR10

    pixels = np.random.default_rng(0).integers(0, 256, (60, 3, 32, 32), dtype=np.uint8)
    batches = [name for name, _ in (*CIFAR10.train_list, *CIFAR10.test_list)]
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name, part in zip(batches, np.split(pixels, 6), strict=True):
        content = pickle.dumps({"data": part.reshape(10, -1), "labels": [0] * 10}, protocol=2)
        old_type = content.replace(b"\x89\x88\x87", b"K\x00K\x00\x87")  # integers for booleans
        assert old_type != content
        (folder / name).write_bytes(old_type)
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": ["a"]}))
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda path, md5: Path(path).is_file())
    return pixels.transpose(0, 2, 3, 1)


def test_cifar10_is_read_in_rgb_without_a_warning(tmp_path: Path, small_cifar10: np.ndarray) -> None:
    train, test = open_split("cifar10", tmp_path, "train"), open_split("cifar10", tmp_path, "test")
    assert (len(train), len(test), train.names[49], test.names[9]) == (50, 10, "train-00049", "test-00009")
    train[0][:] = 0  # the returned array is a copy
    np.testing.assert_array_equal(np.stack([*train, *test]), small_cifar10)


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
@pytest.mark.parametrize("folder", [True, False])
def test_a_failed_download_says_what_to_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, folder: bool
) -> None:
    def offline(*_, **__) -> None:
        raise URLError("no network")

    monkeypatch.setattr(f"torchvision.datasets.{name.rstrip('10')}.download_and_extract_archive", offline)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    root = tmp_path / "given" if folder else tmp_path / ".cache" / "inpaint-bench" / name
    with pytest.raises(
        BadInput, match=r"no network[\s\S]*Download .*gz.* of http.*, put it in " + re.escape(str(root))
    ):
        open_split(name, root if folder else None, "train")


def test_damaged_mnist_files_say_what_to_download(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    for part in ("train", "t10k"):
        touch(raw, f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte")
    with pytest.raises(BadInput, match="can be neither read"):
        open_split("mnist", tmp_path, "test")
