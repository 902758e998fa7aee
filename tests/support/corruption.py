"""Faults that are injected into a store between two runs, and what the user must be told of each."""

import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with one file of a store."""

    name: str
    damaged: str
    """Which file, as a pattern below the store."""
    inject: Callable[[Path], object]
    said: str
    """What the message must hold; nothing where the file is simply made again."""


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    """One bit, in the middle of the last quarter, where no format keeps its list of contents first.

    In an archive, it is one of the largest file inside, because the filling between files means nothing.
    """
    content = bytearray(path.read_bytes())
    place = len(content) * 7 // 8
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            largest = max(archive.infolist(), key=lambda info: info.compress_size)
        place = content.index(b"PK\x03\x04", largest.header_offset)
        name, extra = struct.unpack_from("<HH", content, place + 26)
        place += 30 + name + extra + largest.compress_size // 2
    content[place] ^= 1
    path.write_bytes(content)


def flip_all(path: Path) -> None:
    """One bit of every byte."""
    path.write_bytes(bytes(byte ^ 1 for byte in path.read_bytes()))


FAULTS = (
    Fault("rows, truncated", "cells/toy-*/rows/*.parquet", truncate, "is damaged"),
    Fault("rows, one bit flipped", "cells/toy-*/rows/*.parquet", flip, "is damaged"),
    Fault("weights, truncated", "cells/toy-*/weights.safetensors", truncate, "is damaged"),
    Fault("weights, one bit flipped", "cells/toy-*/weights.safetensors", flip, "is damaged"),
    Fault("checkpoint, truncated", "cells/toy-*/checkpoint.pt", truncate, "is damaged"),
    Fault("checkpoint, one bit flipped", "cells/toy-*/checkpoint.pt", flip, "is damaged"),
    Fault("features, truncated", "cells/toy-*/features/*.safetensors", truncate, "is damaged"),
    Fault("features, one bit flipped", "cells/toy-*/features/*.safetensors", flip, "is damaged"),
    Fault("features of the truth, one bit flipped", "truth/*.safetensors", flip, "is damaged"),
    Fault("record of a run, truncated", "runs/*/run.json", truncate, ""),
    Fault("decoded images, truncated", "decoded/*.pixels", truncate, ""),
    Fault("decoded images, one bit of each byte flipped", "decoded/*.pixels", flip_all, ""),
)
