"""Reading TensorFlow's checkpoints without TensorFlow.

A checkpoint PREFIX is a table PREFIX.index from names to where each tensor lies in PREFIX.data-00000-of-00001, ...
The table is LevelDB's (doc/table_format.md there), its values are the protocol buffers of TensorFlow's
tensor_bundle.proto. `tf.train.Saver` of TensorFlow 1 and `tf.train.Checkpoint` of TensorFlow 2 write the same format.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench_core.errors import BadInput
from bench_core.weights.crc32c import crc32c

MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
FOOTER = 48
STRING = 7
"""The type of TensorFlow's own notes, such as the graph of objects; no weights have it."""
DTYPES = {
    1: torch.float32,
    2: torch.float64,
    3: torch.int32,
    4: torch.uint8,
    5: torch.int16,
    6: torch.int8,
    8: torch.complex64,
    9: torch.int64,
    10: torch.bool,
    14: torch.bfloat16,
    17: torch.uint16,
    18: torch.complex128,
    19: torch.float16,
    22: torch.uint32,
    23: torch.uint64,
}
"""By their numbers in TensorFlow's types.proto."""


@dataclass(frozen=True)
class Entry:
    """BundleEntryProto: where a tensor lies."""

    dtype: int
    shape: tuple[int, ...]
    shard: str
    offset: int
    size: int
    checksum: int
    sliced: bool


def find(path: Path) -> Path | None:
    """The prefix of the checkpoint that a path means: the prefix itself, one of its files, or the folder of one.

    Raises:
        BadInput: it is a folder of none or of several, or a file whose `.index` is missing.
    """
    if path.is_dir():
        found = sorted(path.glob("*.index"))
        if len(found) != 1:
            names = ", ".join(index.stem for index in found) or "none"
            raise BadInput(f"The folder {path} should hold one TensorFlow checkpoint, but holds {names}; name a file.")
        return found[0].with_suffix("")
    part = re.fullmatch(r"(.+)\.(index|meta|data-\d{5}-of-\d{5})", path.name)
    prefix = path.with_name(part[1]) if part else path
    if _index(prefix).is_file():
        return prefix
    if part:
        raise BadInput(f"{_index(prefix)} is missing: a TensorFlow checkpoint is its .index and all its .data files.")
    return None


def parts(prefix: Path) -> list[Path]:
    """The files of a checkpoint that hold its tensors and their names."""
    return [_index(prefix), *sorted(prefix.parent.glob(f"{prefix.name}.data-?????-of-?????"))]


def read(prefix: Path) -> dict[str, Tensor]:
    """Every tensor of a checkpoint by its name, all checksums verified; strings are left out.

    Raises:
        BadInput: a file is missing, damaged or cut short, or holds what cannot be read here.
    """
    index = _index(prefix)
    try:
        entries = _table(index.read_bytes())
        header = dict(_fields(entries.pop(b"")))
        parsed = {key.decode(errors="replace"): _entry(value, header[1]) for key, value in entries.items()}
    except (OSError, ValueError, LookupError) as error:
        raise BadInput(f"{index} is no index of a TensorFlow checkpoint, or is damaged ({error}).") from error
    if header.get(2):
        raise BadInput(f"{index} was written on a big-endian machine; only little-endian checkpoints can be read.")
    if any(entry.sliced for entry in parsed.values()):
        raise BadInput(f"{index} holds partitioned variables; save them whole with TensorFlow first.")
    return {name: _tensor(prefix, name, entry) for name, entry in parsed.items() if entry.dtype != STRING}


def _index(prefix: Path) -> Path:
    return Path(f"{prefix}.index")


def _tensor(prefix: Path, name: str, entry: Entry) -> Tensor:
    shard = Path(f"{prefix}.data-{entry.shard}")
    if entry.dtype not in DTYPES:
        raise BadInput(f"{name} in {shard} is of TensorFlow's type {entry.dtype}, which cannot be read here.")
    dtype = DTYPES[entry.dtype]
    try:
        with shard.open("rb") as file:
            file.seek(entry.offset)
            content = file.read(entry.size)
    except OSError as error:
        raise BadInput(f"{shard} cannot be read ({error.strerror}), but holds {name}.") from error
    if len(content) != math.prod(entry.shape) * dtype.itemsize or _masked(crc32c(content)) != entry.checksum:
        raise BadInput(f"{shard} is damaged or cut short at {name}; fetch it again.")
    if not content:
        return torch.empty(entry.shape, dtype=dtype)
    return torch.frombuffer(bytearray(content), dtype=dtype).reshape(entry.shape)


def _table(content: bytes) -> dict[bytes, bytes]:
    """What a table holds: a block of its blocks' places, and those blocks."""
    footer = content[-FOOTER:]
    if not footer.endswith(MAGIC):
        raise ValueError("its last bytes are not those of a table")
    _, _, *place = list(_varints(footer.removesuffix(MAGIC)))[:4]  # the first two tell of statistics, which are empty
    blocks = _block(content, *place)
    return {key: value for handle in blocks.values() for key, value in _block(content, *_varints(handle)).items()}


def _block(content: bytes, offset: int, size: int) -> dict[bytes, bytes]:
    """A block's values by key; each key is told by how it differs from the one before."""
    body, kind, checksum = content[offset : offset + size], content[offset + size], content[offset + size + 1 :][:4]
    if _masked(crc32c(content[offset : offset + size + 1])) != int.from_bytes(checksum, "little"):
        raise ValueError("a checksum is wrong")
    if kind:
        raise ValueError("it is compressed")
    restarts = int.from_bytes(body[-4:], "little")
    entries, key, position = {}, b"", 0
    while position < size - 4 * (restarts + 1):
        shared, position = _varint(body, position)
        fresh, position = _varint(body, position)
        length, position = _varint(body, position)
        key = key[:shared] + body[position : position + fresh]
        entries[key] = body[position + fresh : position + fresh + length]
        position += fresh + length
    return entries


def _entry(message: bytes, shards: int) -> Entry:
    fields = dict(_fields(message))
    dimensions = [dict(_fields(value)) for number, value in _fields(fields.get(2, b"")) if number == 2]
    return Entry(
        dtype=fields[1],
        shape=tuple(dimension.get(1, 0) for dimension in dimensions),
        shard=f"{fields.get(3, 0):05d}-of-{shards:05d}",
        offset=fields.get(4, 0),
        size=fields.get(5, 0),
        checksum=fields.get(6, 0),
        sliced=7 in fields,
    )


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """A protocol buffer's fields by number, in order: numbers, and bytes of what is made of fields itself."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, position = _varint(message, position)
        elif kind == 2:
            length, position = _varint(message, position)
            value, position = message[position : position + length], position + length
        else:
            length = {1: 8, 5: 4}[kind]
            value, position = int.from_bytes(message[position : position + length], "little"), position + length
        yield number, value


def _varints(content: bytes) -> Iterator[int]:
    position = 0
    while position < len(content):
        value, position = _varint(content, position)
        yield value


def _varint(content: bytes, position: int) -> tuple[int, int]:
    """A number of seven bits a byte, lowest first, and where it ends."""
    value = shift = 0
    while True:
        byte = content[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position


def _masked(checksum: int) -> int:
    """How LevelDB stores checksums, since those of bytes that hold their own checksum are weak."""
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF
