"""Tests of MNIST and CIFAR-10: read from the official files, or an error that says what to download."""

import gzip
import pickle
import re
import shutil
import tarfile
from hashlib import md5, sha256
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from support.image_sets import open_split
from support.paths import SHARED

from bench_core.errors import BadInput
from bench_datasets import torchvision_sets

MNIST_FILES = SHARED / "mnist" / "MNIST" / "raw"
MNIST_NAMES = {"train": "train-images-idx3-ubyte", "test": "t10k-images-idx3-ubyte"}


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
def digits(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Return two files in MNIST's format, of nine and five digits, whose checksums are right."""
    contents = {}
    for split, count in (("train", 9), ("test", 5)):
        pixels = np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        contents[split] = np.array([2051, count, 28, 28], ">i4").tobytes() + pixels.tobytes()
        monkeypatch.setitem(torchvision_sets.MNIST_SHA256, MNIST_NAMES[split], sha256(contents[split]).hexdigest())
    return contents


@pytest.mark.parametrize("packed", [True, False])
def test_mnist_is_read_packed_and_unpacked(tmp_path: Path, digits: dict[str, bytes], packed: bool) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    paths = {split: raw / f"{MNIST_NAMES[split]}{'.gz' * packed}" for split in digits}
    for split, path in paths.items():
        path.write_bytes(gzip.compress(digits[split]) if packed else digits[split])
        pixels = np.frombuffer(digits[split][16:], np.uint8).reshape(-1, 28, 28, 1)
        np.testing.assert_array_equal(np.stack([*open_split("mnist", tmp_path, split)]), pixels)
    paths["test"].write_bytes(gzip.compress(digits["test"] + b"x") if packed else digits["test"][:-1])
    with pytest.raises(BadInput, match=re.escape(f"{paths['test']} is damaged")):
        open_split("mnist", tmp_path, "test")


@pytest.fixture(params=["folder", "archive"])
def small_cifar10(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Write CIFAR-10's layout with ten images per batch, pickled so that NumPy 2.4 warns. Return the pixels."""
    from torchvision.datasets import CIFAR10

    pixels = np.random.default_rng(0).integers(0, 256, (60, 3, 32, 32), dtype=np.uint8)
    batches = [name for name, _ in (*CIFAR10.train_list, *CIFAR10.test_list)]
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    checksums = []
    for name, part in zip(batches, np.split(pixels, 6), strict=True):
        content = pickle.dumps({"data": part.reshape(10, -1), "labels": [0] * 10}, protocol=2)
        old_type = content.replace(b"\x89\x88\x87", b"K\x00K\x00\x87")  # integers for booleans
        assert old_type != content
        (folder / name).write_bytes(old_type)
        checksums.append([name, md5(old_type).hexdigest()])
    monkeypatch.setattr(CIFAR10, "train_list", checksums[:5])
    monkeypatch.setattr(CIFAR10, "test_list", checksums[5:])
    if request.param == "archive":
        with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as archive:
            archive.add(folder, folder.name)
        shutil.rmtree(folder)
    return pixels.transpose(0, 2, 3, 1)


def test_cifar10_is_read_in_rgb_without_a_warning(tmp_path: Path, small_cifar10: np.ndarray) -> None:
    train, test = open_split("cifar10", tmp_path, "train"), open_split("cifar10", tmp_path, "test")
    assert (len(train), len(test), train.names[49], test.names[9]) == (50, 10, "train-00049", "test-00009")
    train[0][:] = 0  # the returned array is a copy
    np.testing.assert_array_equal(np.stack([*train, *test]), small_cifar10)


@pytest.mark.parametrize("damage", ["damaged", "missing"])
@pytest.mark.parametrize("small_cifar10", ["folder"], indirect=True)
@pytest.mark.usefixtures("small_cifar10")
def test_a_damaged_batch_of_cifar10_is_not_unpickled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    path = tmp_path / "cifar-10-batches-py" / "data_batch_1"
    content = path.read_bytes()
    path.unlink()
    if damage == "damaged":
        path.write_bytes(content.replace(b"labels", b"LABELS"))
    monkeypatch.setattr(pickle, "loads", lambda *_, **__: pytest.fail("it is unpickled"))
    with pytest.raises(BadInput, match=f"data_batch_1 in .* is {damage}"):
        open_split("cifar10", tmp_path, "train")


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
@pytest.mark.parametrize("folder", [True, False])
def test_missing_files_are_downloaded_to_the_cache_folder_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, folder: bool
) -> None:
    def offline(*_, **__) -> None:
        assert not folder, "nothing is downloaded to a given folder"
        raise URLError("no network")

    monkeypatch.setattr(f"torchvision.datasets.{name.rstrip('10')}.download_and_extract_archive", offline)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    root = tmp_path / "given" if folder else tmp_path / ".cache" / "inpaint-bench" / name
    reason = "there is no" if folder else "no network"
    with pytest.raises(BadInput, match=reason + r"[\s\S]*Download .*gz.* of http.*, put it in " + re.escape(str(root))):
        open_split(name, root if folder else None, "train")
    assert not (tmp_path / "given").exists()
