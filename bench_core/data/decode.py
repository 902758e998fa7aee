"""Decode images in order, in this process or in several worker processes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from bench_core.data.fingerprint import fingerprint
from bench_core.images import Array, BadImage, Images
from bench_core.system.threads import prepare_fork_safety, use_one_thread


@dataclass(frozen=True)
class DecodedImage:
    """Fingerprint and pixels of one image, or the error that decoding it raised."""

    index: int
    fingerprint: tuple[bytes, bytes, int] | None
    """A `FINGERPRINT`; None after an error."""
    pixels: Array | None
    """uint8 (height, width, 3 or 1); None after an error, or if only fingerprints were asked for."""
    error: str = ""


@dataclass(frozen=True)
class _DecodedImages(Dataset[DecodedImage]):
    images: Images
    with_pixels: bool

    def __getitem__(self, index: int) -> DecodedImage:
        try:
            pixels = self.images[index]
        except BadImage as error:
            return DecodedImage(index, None, None, str(error))
        return DecodedImage(index, fingerprint(pixels), pixels if self.with_pixels else None)


def decode_all(images: Images, indexes: Array, workers: int, with_pixels: bool) -> Iterator[DecodedImage]:
    """Decode the images at `indexes` and yield them in that order.

    Args:
        workers: number of worker processes; 0 decodes in this process.
        with_pixels: return pixels as well as fingerprints.
    """
    prepare_fork_safety()
    yield from DataLoader(
        _DecodedImages(images, with_pixels),
        batch_size=None,
        sampler=indexes.tolist(),
        num_workers=min(workers, len(indexes)),
        collate_fn=_unchanged,
        worker_init_fn=use_one_thread,
        generator=torch.Generator(),  # a DataLoader without its own generator advances the global one
    )


def _unchanged(item: Any) -> Any:
    """Replace torch's default collate function, which would turn arrays into tensors."""
    return item
