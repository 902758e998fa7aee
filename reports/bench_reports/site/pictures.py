"""A site's pictures. They are called by what they show: each is there once, and no name of a user's becomes a path."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench_core.errors import damaged
from bench_reports.site.gallery_heat import Picture, heat

THUMB = 112
"""The longer side of thumbnails, in pixels."""
FOG = np.array([236, 240, 246])
"""Lies over the hole in them."""


@dataclass(frozen=True)
class Pictures:
    """Those below one folder, which must be there."""

    folder: Path

    def of_pair(self, samples: Sequence[Path | None], number: int) -> dict[str, Any]:
        """Take over the pictures of one pair from the folders that methods have; returns the names of the files.

        `painted` has, for each folder, the composite and the map of its errors, or None.

        Raises:
            BadInput: a picture is damaged.
        """
        kept = [folder and folder / f"{number:06}-composite.png" for folder in samples]
        there = [path if path and path.exists() else None for path in kept]
        first = next(path for path in there if path)
        given = [_opened(first.with_name(f"{number:06}-{what}.png")) for what in ("image", "masked")]
        (truth, truth_file), (masked, masked_file) = given
        return {
            "size": [truth.shape[1], truth.shape[0]],
            "thumb": self._put(_jpeg(_thumb(truth, masked)), ".jpg"),
            "truth": self._put(truth_file, ".png"),
            "masked": self._put(masked_file, ".png"),
            "painted": [self._painted(path, truth, masked) if path else None for path in there],
        }

    def _painted(self, path: Path, truth: Picture, masked: Picture) -> list[str]:
        composite, content = _opened(path)
        buffer = BytesIO()
        heat(truth, masked, composite).save(buffer, "PNG")
        return [self._put(content, ".png"), self._put(buffer.getvalue(), ".png")]

    def _put(self, content: bytes, suffix: str) -> str:
        name = sha256(content).hexdigest()[:16] + suffix
        if not (self.folder / name).exists():
            (self.folder / name).write_bytes(content)
        return name


def _opened(path: Path) -> tuple[Picture, bytes]:
    try:
        content = path.read_bytes()
        with Image.open(BytesIO(content), formats=["PNG"]) as file:
            return np.asarray(file.convert("RGB")), content
    except (OSError, ValueError) as error:
        raise damaged(path, error) from error


def _thumb(truth: Picture, masked: Picture) -> Image.Image:
    hidden = ~masked.any(axis=2, keepdims=True)
    picture = Image.fromarray(np.where(hidden, 0.35 * truth + 0.65 * FOG, truth).astype(np.uint8))
    picture.thumbnail((THUMB, THUMB))
    return picture


def _jpeg(picture: Image.Image) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=82)
    return buffer.getvalue()
