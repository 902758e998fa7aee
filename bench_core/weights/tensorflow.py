"""Reader of TensorFlow checkpoints that does not need TensorFlow.

PREFIX.index maps each tensor's name to its place in PREFIX.data-00000-of-00001, ... The index is a table of LevelDB
(doc/table_format.md there). Its values are protocol buffers of TensorFlow's tensor_bundle.proto. `tf.train.Saver` of
TensorFlow 1 and `tf.train.Checkpoint` of TensorFlow 2 write the same format.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench_core.errors import BadInput

MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
FOOTER_BYTES = 48
STRING = 7
"""Type of TensorFlow's own notes, such as its object graph. Weights never have it."""
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
"""Types by their numbers in TensorFlow's types.proto."""


@dataclass(frozen=True)
class Entry:
    """Place and type of a tensor: TensorFlow's BundleEntryProto."""

    dtype: int
    shape: tuple[int, ...]
    shard: str
    offset: int
    size: int
    checksum: int
    sliced: bool


def find(path: Path) -> Path | None:
    """Return a checkpoint's prefix, given the prefix, one of its files or its folder; None if it is no checkpoint.

    Raises:
        BadInput: the folder does not hold exactly one checkpoint, or the `.index` of a file is missing.
    """
    if path.is_dir():
        found = sorted(path.glob("*.index"))
        if len(found) != 1:
            names = ", ".join(index.stem for index in found) or "none"
            raise BadInput(
                f"The folder {path} should hold one TensorFlow checkpoint, but holds {names}. Give one of its files."
            )
        return found[0].with_suffix("")
    part = re.fullmatch(r"(.+)\.(index|meta|data-\d{5}-of-\d{5})", path.name)
    prefix = path.with_name(part[1]) if part else path
    if _index(prefix).is_file():
        return prefix
    if part:
        raise BadInput(f"{_index(prefix)} is missing: a TensorFlow checkpoint is its .index and all its .data files.")
    return None


def parts(prefix: Path) -> list[Path]:
    """Return the index and the data files of a checkpoint."""
    return [_index(prefix), *sorted(prefix.parent.glob(f"{prefix.name}.data-?????-of-?????"))]


def read(prefix: Path) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint by name, without strings. All checksums are verified.

    Raises:
        BadInput: the package crc32c is missing; a file is missing, damaged or truncated; or its format is unsupported.
    """
    if find_spec("crc32c") is None:
        raise BadInput(
            f'{prefix} is a TensorFlow checkpoint. Reading it needs `pip install "inpaint-bench[tensorflow]"`.'
        )
    index = _index(prefix)
    try:
        entries = _read_table(index.read_bytes())
        header = dict(_parse_fields(entries.pop(b"")))
        parsed = {key.decode(errors="replace"): _parse_entry(value, header[1]) for key, value in entries.items()}
    except (OSError, ValueError, LookupError) as error:
        raise BadInput(f"{index} is no index of a TensorFlow checkpoint, or is damaged ({error}).") from error
    if header.get(2):
        raise BadInput(f"{index} was written on a big-endian machine; only little-endian checkpoints are supported.")
    if any(entry.sliced for entry in parsed.values()):
        raise BadInput(f"{index} holds partitioned variables. Save them unpartitioned with TensorFlow first.")
    return {name: _read_tensor(prefix, name, entry) for name, entry in parsed.items() if entry.dtype != STRING}


def _index(prefix: Path) -> Path:
    return Path(f"{prefix}.index")


def _read_tensor(prefix: Path, name: str, entry: Entry) -> Tensor:
    shard = Path(f"{prefix}.data-{entry.shard}")
    if entry.dtype not in DTYPES:
        raise BadInput(f"{name} in {shard} is of TensorFlow's type {entry.dtype}, which is not supported.")
    dtype = DTYPES[entry.dtype]
    try:
        with shard.open("rb") as file:
            file.seek(entry.offset)
            content = file.read(entry.size)
    except OSError as error:
        raise BadInput(f"{shard} cannot be read ({error.strerror}), but holds {name}.") from error
    if len(content) != math.prod(entry.shape) * dtype.itemsize or _masked_crc32c(content) != entry.checksum:
        raise BadInput(f"{shard} is damaged or truncated at {name}. Download it again.")
    if not content:
        return torch.empty(entry.shape, dtype=dtype)
    return torch.frombuffer(bytearray(content), dtype=dtype).reshape(entry.shape)


def _read_table(content: bytes) -> dict[bytes, bytes]:
    """Return the values of a table by key. Its footer points to a block of handles, which point to all other blocks."""
    footer = content[-FOOTER_BYTES:]
    if not footer.endswith(MAGIC):
        raise ValueError("its last bytes are not those of a table")
    _, _, *place = list(_varints(footer.removesuffix(MAGIC)))[:4]  # the first two point to statistics, which are empty
    blocks = _read_block(content, *place)
    return {key: value for handle in blocks.values() for key, value in _read_block(content, *_varints(handle)).items()}


def _read_block(content: bytes, offset: int, size: int) -> dict[bytes, bytes]:
    """Return a block's values by key. A key is stored as a suffix and the length of its common prefix with the last."""
    body, kind, checksum = content[offset : offset + size], content[offset + size], content[offset + size + 1 :][:4]
    if _masked_crc32c(content[offset : offset + size + 1]) != int.from_bytes(checksum, "little"):
        raise ValueError("a checksum is wrong")
    if kind:
        raise ValueError("it is compressed")
    restarts = int.from_bytes(body[-4:], "little")
    entries, key, position = {}, b"", 0
    while position < size - 4 * (restarts + 1):
        prefix, position = _varint(body, position)
        suffix, position = _varint(body, position)
        length, position = _varint(body, position)
        key = key[:prefix] + body[position : position + suffix]
        entries[key] = body[position + suffix : position + suffix + length]
        position += suffix + length
    return entries


def _parse_entry(message: bytes, shards: int) -> Entry:
    fields = dict(_parse_fields(message))
    dimensions = [dict(_parse_fields(value)) for number, value in _parse_fields(fields.get(2, b"")) if number == 2]
    return Entry(
        dtype=fields[1],
        shape=tuple(dimension.get(1, 0) for dimension in dimensions),
        shard=f"{fields.get(3, 0):05d}-of-{shards:05d}",
        offset=fields.get(4, 0),
        size=fields.get(5, 0),
        checksum=fields.get(6, 0),
        sliced=7 in fields,
    )


def _parse_fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Yield a protocol buffer's fields with their numbers. Values are integers, or bytes of nested messages."""
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
    """Decode an integer of seven bits per byte, lowest first. Return it with the position behind it."""
    value = shift = 0
    while True:
        byte = content[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position


def _masked_crc32c(content: bytes) -> int:
    """Return the CRC-32C as LevelDB stores it: masked, since the CRC of bytes that contain their own CRC is weak."""
    from crc32c import crc32c

    checksum = crc32c(content)
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF
