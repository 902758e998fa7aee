"""A folder that is given for any image set is only read: its files are the same afterwards, and so are their times."""

import gzip
import os
import pickle
import tarfile
from hashlib import md5, sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.image_sets import open_split

from bench_datasets import torchvision_sets


def write_images(folder: Path) -> None:
    for name in ("train/0.png", "train/1.png", "val/0.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40)).save(folder / name)


def write_shards(folder: Path) -> None:
    write_images(folder / "loose")
    with tarfile.open(folder / "0.tar", "w") as tar:
        for number, path in enumerate(sorted((folder / "loose").glob("*/*.png"))):
            tar.add(path, f"{number}.png")


def write_mnist(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "MNIST" / "raw").mkdir(parents=True)
    content = np.array([2051, 2, 28, 28], ">i4").tobytes() + bytes(2 * 28 * 28)
    for name in torchvision_sets.MNIST_SHA256:
        (folder / "MNIST" / "raw" / f"{name}.gz").write_bytes(gzip.compress(content))
        monkeypatch.setitem(torchvision_sets.MNIST_SHA256, name, sha256(content).hexdigest())


def write_cifar10(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import CIFAR10

    content = pickle.dumps({"data": np.zeros((2, 3072), np.uint8)})
    (folder / CIFAR10.base_folder).mkdir()
    for part in ("train_list", "test_list"):
        monkeypatch.setattr(CIFAR10, part, [[part, md5(content).hexdigest()]])
        (folder / CIFAR10.base_folder / part).write_bytes(content)
    with tarfile.open(folder / CIFAR10.filename, "w:gz") as archive:
        archive.add(folder / CIFAR10.base_folder, CIFAR10.base_folder)
    for path in (folder / CIFAR10.base_folder).iterdir():
        path.unlink()
    (folder / CIFAR10.base_folder).rmdir()


def state(folder: Path) -> dict[str, tuple[int, int, int]]:
    return {
        str(path.relative_to(folder)): (found.st_mode, found.st_size, found.st_mtime_ns)
        for path in sorted([folder, *folder.rglob("*")])
        for found in [os.stat(path)]
    }


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("name", ["folder", "shards", "mnist", "cifar10"])
def test_nothing_is_written_to_a_given_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, read_only: bool
) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    if name in ("mnist", "cifar10"):
        {"mnist": write_mnist, "cifar10": write_cifar10}[name](folder, monkeypatch)
    else:
        {"folder": write_images, "shards": write_shards}[name](folder)
    if read_only:
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
    before = state(folder)
    for split in ("train", "test"):
        images = open_split(name, folder, split)
        assert len(images) and [images[index] is not None for index in range(len(images))]
    after = state(folder)
    for path in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        path.chmod(0o755)
    assert after == before
