"""MNIST and CIFAR-10. A given folder is only read. Without one, torchvision downloads the files to the cache folder."""

import gzip
import pickle
import tarfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

import numpy as np

from bench_core.errors import BadInput
from bench_datasets.find_images import Split, known_split

MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
}
"""The sha256 of the unpacked files. torchvision has only those of the packed ones."""


@dataclass
class ArrayImages:
    """Images in memory: uint8 (n, height, width, 3 or 1)."""

    names: Sequence[str]
    pixels: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> np.ndarray:
        """Return uint8 (height, width, 3 or 1), a copy."""
        return self.pixels[index].copy()


def open_mnist(folder: Path | None, split: Split) -> ArrayImages:
    """Open MNIST: grey, 28 x 28. Files are in ``folder/MNIST/raw``, packed or not.

    Raises:
        BadInput: the files are missing or damaged, or cannot be downloaded.
    """
    from torchvision.datasets import MNIST

    files = "the four *-ubyte.gz files of http://yann.lecun.com/exdb/mnist/"
    return _open(MNIST, "mnist", folder, split, _read_mnist, files, "MNIST/raw")


def open_cifar10(folder: Path | None, split: Split) -> ArrayImages:
    """Open CIFAR-10: RGB, 32 x 32. `folder` holds its archive, or the folder in it.

    Raises:
        BadInput: the files are missing or damaged, or cannot be downloaded.
    """
    from torchvision.datasets import CIFAR10

    files = "cifar-10-python.tar.gz of https://www.cs.toronto.edu/~kriz/cifar.html"
    return _open(CIFAR10, "cifar10", folder, split, _read_cifar10, files, ".")


def _open(
    dataset: Any,
    name: str,
    folder: Path | None,
    split: Split,
    read: Callable[[Path, bool], np.ndarray],
    files: str,
    place: str,
) -> ArrayImages:
    train = known_split(split) == "train"
    root = folder or Path.home() / ".cache" / "inpaint-bench" / name
    try:
        # NumPy 2.4.0 to 2.4.4 warn that CIFAR-10's files were pickled by an early NumPy.
        with warnings.catch_warnings(action="ignore"):
            if folder is None:
                dataset(root, train=train, download=True)
            pixels = read(root, train)
    except Exception as error:  # a failed download and a damaged file raise errors of many kinds
        failed = "cannot be read from" if folder else "can be neither read from nor downloaded to"
        raise BadInput(
            f"The image set {name!r} {failed} {root}: {error}\n"
            f"Download {files}, put it in {root / place} and run again; or give the folder that has it."
        ) from error
    names = [f"{split}-{index:05d}" for index in range(len(pixels))]
    return ArrayImages(names, pixels)


def _read_mnist(root: Path, train: bool) -> np.ndarray:
    """Return uint8 (n, 28, 28, 1)."""
    name = "train-images-idx3-ubyte" if train else "t10k-images-idx3-ubyte"
    path = _existing(root / "MNIST" / "raw" / f"{name}.gz", root / "MNIST" / "raw" / name)
    content = path.read_bytes()
    content = gzip.decompress(content) if path.suffix else content
    if sha256(content).hexdigest() != MNIST_SHA256[name]:
        raise BadInput(f"{path} is damaged")
    return np.frombuffer(content, np.uint8, offset=16).reshape(-1, 28, 28, 1)


def _read_cifar10(root: Path, train: bool) -> np.ndarray:
    """Return uint8 (n, 32, 32, 3)."""
    from torchvision.datasets import CIFAR10

    checksums = dict(CIFAR10.train_list if train else CIFAR10.test_list)
    path = _existing(root / CIFAR10.base_folder, root / CIFAR10.filename)
    contents = dict(_batches(path, checksums))
    parts = []
    for name, checksum in checksums.items():
        if md5(contents.get(name, b""), usedforsecurity=False).hexdigest() != checksum:
            raise BadInput(f"{name} in {path} is {'damaged' if name in contents else 'missing'}")
        parts.append(pickle.loads(contents[name], encoding="latin1")["data"])
    return np.concatenate(parts).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


def _batches(path: Path, wanted: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the wanted files of a folder or an archive. Nothing is unpacked."""
    if path.is_dir():
        yield from ((name, (path / name).read_bytes()) for name in wanted if (path / name).is_file())
    else:
        with tarfile.open(path) as archive:
            for member in archive:
                name = Path(member.name).name
                if name in wanted and (content := archive.extractfile(member)):
                    yield name, content.read()


def _existing(*candidates: Path) -> Path:
    for path in candidates:
        if path.exists():
            return path
    raise BadInput(f"there is no {' and no '.join(map(str, candidates))}")
