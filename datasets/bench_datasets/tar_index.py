"""Index of the images in tar files. Nothing is unpacked, and only plain files are accepted."""

import os
import tarfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa

from bench_core.data import listing_cache
from bench_core.data.string_table import StringTable
from bench_core.errors import BadInput
from bench_core.system.image_files import image_suffixes
from bench_datasets.find_images import file_names

MEMBER = np.dtype([("shard", "i4"), ("offset", "i8"), ("size", "i8")])


def image_members(folder: Path, shards: StringTable) -> pa.Table:
    """List every image in some tar files of a folder.

    Images are recognised by their suffix; hidden members are left out. A long index is cached until a shard changes.

    Returns:
        ``name`` (``SHARD/MEMBER``), ``shard`` (its number), ``offset`` and ``size`` in bytes, sorted by name.

    Raises:
        BadInput: a shard is damaged or truncated, holds a link or device, a name twice, or a name that leads out of it.
    """
    key = ("shards", os.path.abspath(folder), *shards)
    if (cached := listing_cache.load(*key)) is not None:
        return cached
    began = time.time()
    table = _read_index(folder, shards)
    if len(table) >= listing_cache.MIN_FILES_TO_CACHE:
        listing_cache.save(table, [folder / shard for shard in shards], began, *key)
    return table


def shard_names(folder: Path) -> StringTable:
    """List all tar files below a folder. Raises BadInput if there are none."""
    shards = file_names(folder, ".tar")
    if not shards:
        raise BadInput(f"{folder} holds no shard. Expected files that end in tar, there or in its subfolders.")
    return shards


def _read_index(folder: Path, shards: StringTable) -> pa.Table:
    names, places = [StringTable.from_strings([]).block], [np.empty(0, MEMBER)]
    for number, shard in enumerate(shards):
        found = list(_images(folder / shard))
        try:
            names.append(StringTable.from_strings([f"{shard}/{name}" for name, _, _ in found]).block)
        except UnicodeEncodeError as error:
            raise BadInput(f"{folder} holds an image whose name is not valid UTF-8: {error.object!a}.") from error
        places.append(np.array([(number, offset, size) for _, offset, size in found], MEMBER))
    together = np.concatenate(places)
    columns = {column: np.ascontiguousarray(together[column]) for column in MEMBER.names or ()}
    table = pa.table({"name": pa.concat_arrays(names), **columns}).sort_by("name").combine_chunks()
    if len(table["name"].unique()) < len(table):
        twice = next(name for name, other in pairwise(StringTable(table["name"].combine_chunks())) if name == other)
        raise BadInput(f"{folder / twice} is there twice. Pack the shard again.")
    return table


def _images(path: Path) -> Iterator[tuple[str, int, int]]:
    """Yield name, offset and size of every image in a tar file."""
    for member in _members(path):
        inside = PurePosixPath(member.name)
        if inside.is_absolute() or ".." in inside.parts:
            raise BadInput(f"{path} holds {member.name!a}, which leads out of it. Pack it again with plain names.")
        if member.isdir():
            continue
        if not member.isreg() or member.issparse():
            raise BadInput(f"{path} holds {member.name!a}, which is a link or no plain file. Pack it again.")
        if inside.suffix.lower() in image_suffixes() and not any(part.startswith(".") for part in inside.parts):
            yield inside.as_posix(), member.offset_data, member.size


def _members(path: Path) -> Iterator[tarfile.TarInfo]:
    end = 0
    try:
        with tarfile.open(path, "r:") as tar:
            while (member := tar.next()) is not None:
                if member.size < 0 or tar.offset <= end:
                    raise tarfile.ReadError("a member has no proper size")
                end = tar.offset
                tar.members.clear()  # pyright: ignore[reportAttributeAccessIssue]  # tarfile keeps all members in memory
                yield member
        with path.open("rb") as file:
            file.seek(end)
            if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
                raise tarfile.ReadError(f"there is no end of it at byte {end}")
    except BadInput:
        raise
    except (tarfile.TarError, OSError, ValueError, OverflowError) as error:
        raise BadInput(
            f"The shard {path} is cut off, damaged, or no uncompressed tar file: {error}. Download or pack it again."
        ) from error
