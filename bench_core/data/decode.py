"""Decoding images one after the other, by this process or by several, to know what they show."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from bench_core.images import Array, BadImage, Images
from bench_core.system.threads import prepare_fork_safety, use_one_thread


@dataclass(frozen=True)
class DecodedImage:
    """An image that was decoded, or why it cannot be."""

    index: int
    digest: bytes
    """The sha256 of name and pixels."""
    pixels: Array | None
    problem: str = ""


@dataclass(frozen=True)
class _Looks(Dataset[DecodedImage]):
    images: Images
    keep: bool

    def __getitem__(self, index: int) -> DecodedImage:
        try:
            pixels = self.images[index]
        except BadImage as error:
            return DecodedImage(index, b"", None, str(error))
        name = f"{self.images.names[index]}\0{pixels.shape}\0".encode()
        return DecodedImage(index, sha256(name + pixels.tobytes()).digest(), pixels if self.keep else None)


def look(images: Images, indexes: Array, workers: int, keep: bool) -> Iterator[DecodedImage]:
    """Every image at these indexes, in their order.

    Args:
        workers: processes that decode; with 0 this one does.
        keep: whether the pixels are wanted too.
    """
    prepare_fork_safety()
    yield from DataLoader(
        _Looks(images, keep),
        batch_size=None,
        sampler=indexes.tolist(),
        num_workers=min(workers, len(indexes)),
        collate_fn=_as_it_is,
        worker_init_fn=use_one_thread,
        generator=torch.Generator(),  # its own, as it would else draw from the run's randomness
    )


def _as_it_is(seen: Any) -> Any:
    return seen
