"""Reader of TensorFlow checkpoints: every tensor is read exactly, or the file is rejected."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bench_core.errors import BadInput
from bench_core.weights import readers, tensorflow

WRITTEN = Path(__file__).parent / "tensorflow_files"
"""Files written by TensorFlow; the README beside them shows how."""
TYPES = "float64 float16 bfloat16 int32 int64 uint8 int8 int16 uint16 bool complex64"


def count(shape: tuple[int, ...], dtype: str = "float32", start: int = 0) -> Tensor:
    return (torch.arange(int(np.prod(shape))) + start).reshape(shape).to(getattr(torch, dtype))


EXPECTED = {
    "global_step": count((), "int64", 1234),
    "empty": count((0, 3)),
    **{f"inpaint_net/conv{i}/kernel": count((3, 2, i, 2), start=i) for i in (1, 2, 3)},
    **{f"inpaint_net/conv{i}/bias": count((2,), start=-i) for i in (1, 2, 3)},
    **{f"types/{dtype}": count((2, 3), dtype) for dtype in TYPES.split()},
}


def same(tensors: dict[str, Tensor], others: dict[str, Tensor]) -> bool:
    return tensors.keys() == others.keys() and all(
        tensor.dtype == others[name].dtype and tensor.shape == others[name].shape and tensor.equal(others[name])
        for name, tensor in tensors.items()
    )


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Copy a checkpoint, so that a test can damage it."""
    for path in WRITTEN.glob("model.ckpt-7.*"):
        shutil.copy(path, tmp_path)
    return tmp_path / "model.ckpt-7"


def test_a_checkpoint_of_tensorflow_1_is_read_with_every_type_and_shard():
    assert same(tensorflow.read(WRITTEN / "model.ckpt-7"), EXPECTED)


def test_a_checkpoint_of_tensorflow_2_is_read():
    found = tensorflow.read(WRITTEN / "objects-1")
    ending = "/.ATTRIBUTES/VARIABLE_VALUE"
    expected = {
        "model/kernel": count((3, 4)),
        "model/bias": count((4,), start=1),
        "save_counter": count((), "int64", 1),
    }
    assert same(found, {name + ending: tensor for name, tensor in expected.items()})


@pytest.mark.parametrize("ending", ["", ".index", ".meta", ".data-00001-of-00003"])
def test_a_checkpoint_is_found_by_any_of_its_names(checkpoint: Path, ending: str):
    assert tensorflow.find(checkpoint.with_name(checkpoint.name + ending)) == checkpoint
    assert tensorflow.find(checkpoint.parent) == checkpoint
    assert [path.name for path in tensorflow.parts(checkpoint)] == [
        "model.ckpt-7.index",
        *(f"model.ckpt-7.data-0000{shard}-of-00003" for shard in range(3)),
    ]


def test_a_folder_without_exactly_one_checkpoint_is_rejected(checkpoint: Path, tmp_path: Path):
    assert tensorflow.find(tmp_path / "weights.pth") is None
    with pytest.raises(BadInput, match=r"should hold one TensorFlow checkpoint, but holds model.ckpt-7, objects-1"):
        tensorflow.find(WRITTEN)
    with pytest.raises(BadInput, match="but holds none"):
        tensorflow.find(WRITTEN.parent)
    Path(f"{checkpoint}.index").unlink()
    with pytest.raises(BadInput, match=r"model.ckpt-7.index is missing"):
        tensorflow.find(Path(f"{checkpoint}.data-00000-of-00003"))


def test_a_missing_shard_is_named(checkpoint: Path):
    Path(f"{checkpoint}.data-00001-of-00003").unlink()
    with pytest.raises(BadInput, match=r"data-00001-of-00003 cannot be read .* holds inpaint_net/conv2/bias"):
        tensorflow.read(checkpoint)


@pytest.mark.parametrize("ending", ["index", "data-00001-of-00003"])
def test_no_changed_byte_changes_a_tensor(checkpoint: Path, ending: str):
    """Bytes that may change unnoticed hold no tensor: padding, TensorFlow's empty block of statistics, strings."""
    path = Path(f"{checkpoint}.{ending}")
    whole, rejected = path.read_bytes(), 0
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x41]) + whole[position + 1 :])
        try:
            assert same(tensorflow.read(checkpoint), EXPECTED), position
        except BadInput as error:
            rejected += 1
            assert "damaged" in str(error)
    assert rejected >= 0.9 * len(whole)


@pytest.mark.parametrize("ending", ["index", "data-00001-of-00003"])
def test_a_truncated_file_is_rejected(checkpoint: Path, ending: str):
    path = Path(f"{checkpoint}.{ending}")
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(BadInput, match="damaged"):
            tensorflow.read(checkpoint)


def crc32c(data: bytes) -> int:
    """Compute the CRC-32C bit by bit, as it is defined."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def masked(data: bytes) -> bytes:
    checksum = crc32c(data)
    rotated = checksum >> 15 | checksum << 17 & 0xFFFFFFFF
    return ((rotated + 0xA282EAD8) % 2**32).to_bytes(4, "little")


def block(entries: Iterable[tuple[bytes, bytes]], kind: int) -> bytes:
    """Write a block without shared prefixes of keys and with one restart."""
    body = b"".join(b"\0" + varint(len(key)) + varint(len(value)) + key + value for key, value in entries)
    body += bytes(4) + (1).to_bytes(4, "little") + bytes([kind])
    return body + masked(body)


def write(prefix: Path, header: bytes, entry: bytes, kind: int = 0) -> None:
    """Write a checkpoint of 40 one-element tensors in blocks of three. `entry` is appended to each tensor's entry."""
    data = np.arange(40, dtype="<f4").tobytes()
    Path(f"{prefix}.data-00000-of-00001").write_bytes(data)
    entries = [(b"", header)]
    for number in range(40):
        place = slice(4 * number, 4 * number + 4)
        message = b"\x08\x01\x12\x04\x12\x02\x08\x01" + b"\x20" + varint(place.start) + b"\x28\x04"
        entries.append((b"tensor_%02d" % number, message + b"\x35" + masked(data[place]) + entry))
    content, places = b"", []
    for start in range(0, len(entries), 3):
        written = block(entries[start : start + 3], kind)
        places.append((entries[start][0] + b"~", varint(len(content)) + varint(len(written) - 5)))
        content += written
    index = block(places, 0)
    footer = b"\0\0" + varint(len(content)) + varint(len(index) - 5)
    magic = 0xDB4775248B80FB57
    Path(f"{prefix}.index").write_bytes(content + index + footer.ljust(40, b"\0") + magic.to_bytes(8, "little"))


def test_an_index_of_many_blocks_is_read(tmp_path: Path):
    write(tmp_path / "many", b"\x08\x01", b"")
    found = tensorflow.read(tmp_path / "many")
    assert same(found, {f"tensor_{number:02d}": torch.tensor([float(number)]) for number in range(40)})


@pytest.mark.parametrize(
    ("header", "entry", "kind", "message"),
    [
        (b"\x08\x01\x10\x01", b"", 0, "big-endian"),
        (b"\x08\x01", b"\x3a\x00", 0, "partitioned variables"),
        (b"\x08\x01", b"\x08\x14", 0, "tensor_00 in .* of TensorFlow's type 20"),
        (b"\x08\x01", b"", 1, "compressed"),
        (b"\x10\x00", b"", 0, "no index"),
    ],
)
def test_an_unsupported_checkpoint_is_rejected(tmp_path: Path, header: bytes, entry: bytes, kind: int, message: str):
    write(tmp_path / "strange", header, entry, kind)
    with pytest.raises(BadInput, match=message):
        tensorflow.read(tmp_path / "strange")


def test_another_file_with_that_ending_is_rejected(tmp_path: Path):
    (tmp_path / "book.index").write_text("aardvark 1, abacus 2, " * 9)
    with pytest.raises(BadInput, match="no index of a TensorFlow checkpoint"):
        tensorflow.read(tmp_path / "book")


def test_without_the_checksum_package_the_error_names_the_extra(checkpoint: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tensorflow, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r'pip install "inpaint-bench\[tensorflow\]"'):
        readers.read(checkpoint)
