"""A mask set as one file: packed holes, what was measured on each, and a manifest, all under one sha256.

It is a safetensors file of `holes`, uint8 (count, ceil(size * size / 8)), each hole's rows packed to bits as
numpy.packbits does, 1 = missing; of `hole_ratio`, float64 (count,), `border_contact`, uint8 (count,), and
`stroke_width`, float32 (count,), see `bench_core.masks.hole_stats.HoleStats`; and of the manifest, as canonical JSON in
the header.
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
from bench_core.masks.hole_stats import HoleStats, measure
from bench_core.system import files

SUFFIX = ".holes"
FORMAT = 1
FACTS = {"hole_ratio": np.dtype("float64"), "border_contact": np.dtype("uint8"), "stroke_width": np.dtype("float32")}
CHUNK = 256
"""Holes that are hashed at a time."""


class PackedHole(NamedTuple):
    """A hole as it lies in a file."""

    bits: np.ndarray
    facts: HoleStats


def pack(hole: np.ndarray) -> PackedHole:
    """A hole, uint8 (height, width), 1 = missing, with its facts."""
    return PackedHole(np.packbits(hole), measure(hole))


@dataclass(frozen=True)
class MaskFile:
    """An open mask set whose every bit has been verified. Holes are read from disk as they are asked for."""

    path: Path
    manifest: Mapping[str, Any]
    facts: Mapping[str, np.ndarray]
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
        """Of the manifest, the holes and their facts: what a protocol cites."""
        return self.manifest["sha256"]

    def hole(self, number: int) -> np.ndarray:
        """Hole `number` modulo the count: uint8 (size, size), 1 = missing."""
        which = number % len(self)
        bits = self._file.get_slice("holes")[which : which + 1]
        return np.unpackbits(bits, count=self.size**2).reshape(self.size, self.size)


def write(path: Path, size: int, holes: Sequence[PackedHole], about: Mapping[str, Any]) -> str:
    """Write a mask set and return its sha256. The same holes and the same `about` make the same bytes.

    Args:
        about: what else the manifest says, such as family, parameters and seed.

    Raises:
        BadInput: the file cannot be written.
    """
    tensors = {"holes": np.stack([hole.bits for hole in holes])}
    tensors |= {name: np.array([getattr(hole.facts, name) for hole in holes], kind) for name, kind in FACTS.items()}
    manifest = {**about, "format": FORMAT, "size": size, "count": len(holes)}
    manifest |= {"holes_sha256": _sha256([tensors["holes"]]), "facts_sha256": _sha256(tensors[name] for name in FACTS)}
    manifest["sha256"] = seeds.digest(manifest)
    metadata = {"manifest": json.dumps(manifest, sort_keys=True, separators=(",", ":"))}
    files.write(path, lambda temporary: save_file(tensors, temporary, metadata))
    return manifest["sha256"]


def read(path: Path) -> MaskFile:
    """Open a mask set, every bit of it verified.

    Raises:
        BadInput: it is no such file, or it is not as it was written; says which part differs.
    """
    try:
        file = safe_open(path, "np")
        manifest = json.loads((file.metadata() or {})["manifest"])
        kinds = {name: _kind(file, name) for name in list(file.keys())}
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path} cannot be read as a mask set, or is damaged: {error}. {_REMEDY}") from error
    if not isinstance(manifest, dict) or seeds.digest(_without_digest(manifest)) != manifest.get("sha256"):
        raise _differs(path, "its manifest")
    if manifest["format"] != FORMAT:
        raise BadInput(f"{path} has the format {manifest['format']}; this version of inpaint-bench reads {FORMAT}.")
    if kinds != _kinds(manifest["count"], manifest["size"]):
        raise _differs(path, "the list of its tensors")
    facts = {name: file.get_tensor(name) for name in FACTS}
    if _sha256(facts.values()) != manifest["facts_sha256"]:
        raise _differs(path, "what is recorded of its holes")
    if _sha256(_chunks(file, manifest["count"])) != manifest["holes_sha256"]:
        raise _differs(path, "its holes")
    return MaskFile(path, manifest, facts, file)


_REMEDY = "Get it again from where it came from, or make it anew with `bench masks make` or `bench masks import`."


def _differs(path: Path, part: str) -> BadInput:
    return BadInput(f"{path} is not as it was written: {part} and the sha256 in it disagree. {_REMEDY}")


def _without_digest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in manifest.items() if key != "sha256"}


def _kind(file: Any, name: str) -> tuple[str, list[int]]:
    tensor = file.get_slice(name)
    return tensor.get_dtype(), tensor.get_shape()


def _kinds(count: int, size: int) -> dict[str, tuple[str, list[int]]]:
    facts = {"hole_ratio": "F64", "border_contact": "U8", "stroke_width": "F32"}
    return {"holes": ("U8", [count, -(-size * size // 8)]), **{name: (kind, [count]) for name, kind in facts.items()}}


def _chunks(file: Any, count: int) -> Iterator[np.ndarray]:
    holes = file.get_slice("holes")
    return (holes[start : min(start + CHUNK, count)] for start in range(0, count, CHUNK))


def _sha256(arrays: Any) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
