"""MNIST and CIFAR-10, read by torchvision, which downloads missing files and checks them."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench_core.errors import BadInput
from bench_datasets.find_images import Split, known_split


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
    """Open MNIST: grey, 28 x 28. Files are in ``folder/MNIST/raw``. Raises BadInput if they cannot be downloaded."""
    from torchvision.datasets import MNIST

    files = "the four *-ubyte.gz files of http://yann.lecun.com/exdb/mnist/"
    return _open(MNIST, "mnist", folder, split, files, "MNIST/raw")


def open_cifar10(folder: Path | None, split: Split) -> ArrayImages:
    """Open CIFAR-10: RGB, 32 x 32. Its archive is in `folder`. Raises BadInput if it cannot be downloaded."""
    from torchvision.datasets import CIFAR10

    files = "cifar-10-python.tar.gz of https://www.cs.toronto.edu/~kriz/cifar.html"
    return _open(CIFAR10, "cifar10", folder, split, files, ".")


def _open(dataset: Any, name: str, folder: Path | None, split: Split, files: str, place: str) -> ArrayImages:
    train = known_split(split) == "train"
    root = folder or Path.home() / ".cache" / "inpaint-bench" / name
    try:
        # NumPy 2.4.0 to 2.4.4 warn that CIFAR-10's files were pickled by an early NumPy.
        with warnings.catch_warnings(action="ignore"):
            pixels = np.asarray(dataset(root, train=train, download=True).data)
    except Exception as error:  # a failed download and a damaged file raise errors of many kinds
        raise BadInput(
            f"The image set {name!r} can be neither read from {root} nor downloaded there: {error}\n"
            f"Download {files}, put it in {root / place} and run again; or give the folder that has it."
        ) from error
    names = [f"{split}-{index:05d}" for index in range(len(pixels))]
    return ArrayImages(names, pixels if pixels.ndim == 4 else pixels[..., None])
