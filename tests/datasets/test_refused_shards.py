"""Tests of bad tar files: links, unsafe names, truncation and damage are refused with the file's name."""

import io
import random
import tarfile
from pathlib import Path

import pytest
from support.shards import pack, write_images

from bench_core.errors import BadInput
from bench_core.images import BadImage
from bench_datasets import shards, tar_index


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    write_images(tmp_path / "unpacked")
    return pack(tmp_path / "unpacked", tmp_path / "packed")


def tar_of(folder: Path, *members: tuple[str, bytes, dict[str, object]]) -> Path:
    folder.mkdir(exist_ok=True)
    with tarfile.open(folder / "odd.tar", "w") as tar:
        for name, content, fields in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for field, value in fields.items():
                setattr(member, field, value)
            tar.addfile(member, io.BytesIO(content))
    return folder


@pytest.mark.parametrize(
    ("name", "fields", "text"),
    [
        ("a.png", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "is a link or no plain file"),
        ("a.png", {"type": tarfile.LNKTYPE, "linkname": "b.png"}, "is a link or no plain file"),
        ("a", {"type": tarfile.SYMTYPE, "linkname": ".."}, "is a link or no plain file"),
        ("a.png", {"type": tarfile.FIFOTYPE}, "is a link or no plain file"),
        ("a.png", {"type": tarfile.CHRTYPE}, "is a link or no plain file"),
        ("../a.png", {}, "leads out of it"),
        ("b/../../a.png", {}, "leads out of it"),
        ("/etc/a.png", {}, "leads out of it"),
        ("b.png", {}, r"b\.png is there twice"),
        ("./b.png", {}, r"b\.png is there twice"),
        ("caf\udce9.png", {}, "not valid UTF-8"),
    ],
)
def test_unsafe_members_are_refused(tmp_path: Path, name: str, fields: dict[str, object], text: str) -> None:
    tar_of(tmp_path / "set", ("b.png", b"", {}), (name, b"", fields), ("c.png", b"", {}))
    with pytest.raises(BadInput, match=text) as refusal:
        shards.open_split(tmp_path / "set", "train")
    assert "odd.tar" in str(refusal.value)


def test_a_shard_truncated_anywhere_is_refused(packed: Path, tmp_path: Path) -> None:
    whole = (packed / "1.tar").read_bytes()
    with tarfile.open(packed / "1.tar") as tar:
        members = tar.getmembers()
    ends = [member.offset for member in members[1:]] + [tar.offset]
    (tmp_path / "cut").mkdir()
    for length in {0, 1, 511, 600, *ends, *(end + 100 for end in ends[:-1]), *(end - 700 for end in ends)}:
        (tmp_path / "cut" / "1.tar").write_bytes(whole[:length])
        with pytest.raises(BadInput, match=r"1\.tar is cut off"):
            shards.open_split(tmp_path / "cut", "train")


def test_files_that_are_not_tar_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"\x1f\x8b" + bytes(1000))
    with pytest.raises(BadInput, match=r"a\.tar is cut off, damaged, or no uncompressed tar"):
        shards.open_split(tmp_path, "train")
    (tmp_path / "a.tar").unlink()
    with pytest.raises(BadInput, match="holds no shard"):
        shards.open_split(tmp_path, "train")
    with pytest.raises(BadInput, match="hold no image"):
        shards.open_split(tar_of(tmp_path / "set", ("a.json", b"{}", {})), "train")


def test_damaged_bytes_raise_bad_input_only(packed: Path, tmp_path: Path) -> None:
    whole, draw = (packed / "0.tar").read_bytes(), random.Random(0)
    (tmp_path / "damaged").mkdir()
    headers = [at for at in range(0, len(whole), 512) if whole[at + 257 : at + 262] == b"ustar"]
    refused = 0
    for _ in range(150):
        content = bytearray(whole)
        for _ in range(3):
            content[draw.choice(headers) + draw.randrange(512)] = draw.randrange(256)
        (tmp_path / "damaged" / "0.tar").write_bytes(content)
        try:
            images = shards.open_split(tmp_path / "damaged", "train")
            images[0]
        except BadInput:
            refused += 1
    assert refused


def test_a_bad_member_raises_bad_image(tmp_path: Path) -> None:
    folder = tar_of(tmp_path / "set", *((f"{number}.png", b"no picture", {}) for number in range(9)))
    images = shards.open_split(folder, "train")
    with pytest.raises(BadImage, match=r"odd\.tar.\d\.png cannot be read as an image"):
        images[0]
    (folder / "odd.tar").unlink()
    with pytest.raises(BadImage, match=r"odd\.tar.\d\.png cannot be read: No such file"):
        images[0]


def test_an_index_of_no_images_is_empty(tmp_path: Path) -> None:
    folder = tar_of(tmp_path / "set", ("a.json", b"{}", {}))
    assert len(tar_index.image_members(folder, tar_index.shard_names(folder))) == 0
