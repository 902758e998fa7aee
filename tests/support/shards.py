"""Images in folders, and the same images in tar files."""

import tarfile
from pathlib import Path

import numpy as np
from PIL import Image


def write_images(folder: Path) -> None:
    """Write images of several formats in folders named like shards, with other files beside them."""
    for number in range(24):
        path = (
            folder
            / f"{number % 3}.tar"
            / ("deep/er" if number % 2 else "")
            / f"ü {number}.{'jpg' if number % 4 else 'png'}"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (20, 16 + number, 3), np.uint8)
        Image.fromarray(pixels if number % 5 else pixels[..., 0]).save(path)
        path.with_suffix(".json").write_text("{}")
    (folder / "0.tar" / ".hidden.png").write_bytes(b"")


def pack(unpacked: Path, packed: Path, tar_format: int = tarfile.PAX_FORMAT) -> Path:
    """Pack every folder named like a shard into a tar file, with members in reverse order."""
    for source in sorted(unpacked.rglob("*.tar")):
        target = packed / source.relative_to(unpacked)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(target, "w", format=tar_format) as tar:
            for path in sorted(source.rglob("*"), reverse=True):
                tar.add(path, f"./{path.relative_to(source)}", recursive=False)
    return packed
