"""Read and write a mask set as one file: packed holes, their statistics and a manifest, all covered by one sha256.

The file is in safetensors format. Its tensors are `holes`, uint8 (count, ceil(size * size / 8)), and the statistics
`hole_ratio`, float64 (count,), `border_contact`, uint8 (count,), and `stroke_width`, float32 (count,). Rows of a hole
are packed to bits as by numpy.packbits, 1 = missing. `bench_core.masks.hole_stats.HoleStats` explains the statistics.
The manifest is canonical JSON in the header.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from bench_core import seeds
from bench_core.errors import BadInput
from bench_core.masks.hole_stats import HoleStats, measure_hole
from bench_core.system import files

SUFFIX = ".holes"
FORMAT = 1
STATS = {"hole_ratio": np.dtype("float64"), "border_contact": np.dtype("uint8"), "stroke_width": np.dtype("float32")}
CHUNK = 256
"""Number of holes hashed at a time."""


class PackedHole(NamedTuple):
    """Hole in the form in which it is stored, with its statistics."""

    bits: np.ndarray
    """uint8 (ceil(height * width / 8),)."""
    stats: HoleStats


def pack(hole: np.ndarray) -> PackedHole:
    """Pack and measure a hole: uint8 (height, width), 1 = missing."""
    return PackedHole(np.packbits(hole), measure_hole(hole))


@dataclass(frozen=True)
class MaskFile:
    """Open mask set whose checksums were verified. A hole is read from disk when it is indexed."""

    path: Path
    manifest: Mapping[str, Any]
    stats: Mapping[str, np.ndarray]
    """`hole_ratio`, `border_contact` and `stroke_width`, each (count,)."""
    _file: Any

    def __len__(self) -> int:
        return self.manifest["count"]

    @property
    def size(self) -> int:
        """Height and width of the holes, in pixels."""
        return self.manifest["size"]

    @property
    def sha256(self) -> str:
        """The sha256 of manifest, holes and statistics, as given in a protocol."""
        return self.manifest["sha256"]

    def hole(self, number: int) -> np.ndarray:
        """Return hole `number` modulo the count: uint8 (size, size), 1 = missing."""
        row = number % len(self)
        bits = self._file.get_slice("holes")[row : row + 1]
        return np.unpackbits(bits, count=self.size**2).reshape(self.size, self.size)

    def require_holes(self) -> "MaskFile":
        """Return the mask set itself. Raises BadInput if every hole covers nothing or everything."""
        if np.isin(self.stats["hole_ratio"], (0, 1)).all():
            raise BadInput(f"Every hole of {self.path} covers nothing or everything. Make or import the set again.")
        return self


def write(path: Path, size: int, holes: Sequence[PackedHole], details: Mapping[str, Any]) -> str:
    """Write a mask set and return its sha256. Equal holes and details make equal bytes.

    Args:
        size: height and width of the holes in pixels.
        details: further entries of the manifest, such as family, parameters and seed.

    Raises:
        BadInput: the file cannot be written.
    """
    tensors = {"holes": np.stack([hole.bits for hole in holes])}
    tensors |= {name: np.array([getattr(hole.stats, name) for hole in holes], kind) for name, kind in STATS.items()}
    manifest = {**details, "format": FORMAT, "size": size, "count": len(holes)}
    manifest |= {"holes_sha256": _sha256([tensors["holes"]]), "facts_sha256": _sha256(tensors[name] for name in STATS)}
    manifest["sha256"] = seeds.digest(manifest)
    metadata = {"manifest": json.dumps(manifest, sort_keys=True, separators=(",", ":"))}
    files.write(path, lambda temporary: save_file(tensors, temporary, metadata))
    return manifest["sha256"]


def read(path: Path) -> MaskFile:
    """Open a mask set and verify its checksums.

    Raises:
        BadInput: the file is not a mask set, or it is damaged. The message names the damaged part.
    """
    try:
        file = safe_open(path, "np")
        manifest = json.loads((file.metadata() or {})["manifest"])
        layouts = {name: _layout(file, name) for name in list(file.keys())}
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path} cannot be read as a mask set, or is damaged: {error}. {_REMEDY}") from error
    covered = {key: value for key, value in manifest.items() if key != "sha256"} if isinstance(manifest, dict) else {}
    if not covered or seeds.digest(covered) != manifest.get("sha256"):
        raise _damaged(path, "its manifest")
    if manifest["format"] != FORMAT:
        raise BadInput(f"{path} has the format {manifest['format']}; this version of inpaint-bench reads {FORMAT}.")
    if layouts != _expected_layouts(manifest["count"], manifest["size"]):
        raise _damaged(path, "the list of its tensors")
    stats = {name: file.get_tensor(name) for name in STATS}
    if _sha256(stats.values()) != manifest["facts_sha256"]:
        raise _damaged(path, "the statistics of its holes")
    if _sha256(_chunks(file, manifest["count"])) != manifest["holes_sha256"]:
        raise _damaged(path, "its holes")
    return MaskFile(path, manifest, stats, file)


_REMEDY = "Download it again, or write it again with `bench masks make` or `bench masks import`."


def _damaged(path: Path, part: str) -> BadInput:
    return BadInput(f"{path} is damaged: {part} and the sha256 in it disagree. {_REMEDY}")


def _layout(file: Any, name: str) -> tuple[str, list[int]]:
    tensor = file.get_slice(name)
    return tensor.get_dtype(), tensor.get_shape()


def _expected_layouts(count: int, size: int) -> dict[str, tuple[str, list[int]]]:
    types = {"hole_ratio": "F64", "border_contact": "U8", "stroke_width": "F32"}
    return {"holes": ("U8", [count, -(-size * size // 8)]), **{name: (kind, [count]) for name, kind in types.items()}}


def _chunks(file: Any, count: int) -> Iterator[np.ndarray]:
    holes = file.get_slice("holes")
    return (holes[start : min(start + CHUNK, count)] for start in range(0, count, CHUNK))


def _sha256(arrays: Any) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
