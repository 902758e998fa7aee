"""The image set ``shards``: images in tar files, such as WebDataset writes.

WebDataset's own library streams a tar file and shuffles within a buffer, so its order depends on the workers. Here each
tar file is indexed once, and every image is one read at a known offset. Order, resuming and split are as for a folder.
Nothing is unpacked, and no file stays open that a worker process could inherit.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench_core.data import listing_cache
from bench_core.data.string_table import StringTable
from bench_core.errors import BadInput
from bench_core.images import BadImage, decode_image
from bench_datasets.find_images import Split, existing_folder, known_split
from bench_datasets.split_rules import by_hash, own_split_or
from bench_datasets.tar_index import image_members, shard_names


@dataclass
class ShardImages:
    """Images in the tar files of one folder. An image is read and decoded when it is indexed."""

    folder: Path
    names: Sequence[str]
    """``SHARD/MEMBER``, as if every shard were a subfolder."""
    shards: Sequence[str]
    members: pa.Table
    """For each image the columns ``shard`` (its number), ``offset`` and ``size`` (in bytes)."""

    def __post_init__(self) -> None:
        self._columns = [self.members[column].to_numpy() for column in ("shard", "offset", "size")]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> np.ndarray:
        """Return uint8 (height, width, 3 or 1). Raises BadImage if the member cannot be read or decoded."""
        try:
            return decode_image(self.encoded(index), f"{self.folder / self.names[index]}")
        except OSError as error:
            raise BadImage(f"{self.folder / self.names[index]} cannot be read: {error.strerror}") from error

    def encoded(self, index: int) -> bytes:
        shard, offset, size = (int(column[index]) for column in self._columns)
        with open(os.path.join(self.folder, self.shards[shard]), "rb", buffering=0) as file:
            file.seek(offset)
            return file.read(size)

    def stamps(self, indexes: np.ndarray) -> Iterator[str | None]:
        shard_stamps = [listing_cache.stamp(self.folder / shard) for shard in self.shards]
        for shard, offset, size in zip(*(column[indexes].tolist() for column in self._columns), strict=True):
            stamp = shard_stamps[shard]
            yield stamp and f"{stamp} {offset} {size}"


def open_split(folder: Path | None, split: Split) -> ShardImages:
    """Open one split of a folder of tar files. The split is that of a folder in which every tar file is a subfolder.

    Raises:
        BadInput: the folder does not exist, a shard is damaged or holds links, or there are too few images.
    """
    existing, known = existing_folder(folder, "shards"), known_split(split)
    shards = shard_names(existing)
    members = image_members(existing, shards)
    block = members["name"].combine_chunks()

    def list_images(folder: Path, within: str = "") -> StringTable:
        under = pc.starts_with(block, within and f"{within}/")  # pyright: ignore[reportAttributeAccessIssue]
        inside = StringTable(block.filter(under))
        if not inside:
            raise BadInput(f"The shards in {folder / within} hold no image. Expected members such as 000042.jpg.")
        return inside

    rule = own_split_or(partial(by_hash, list_images=list_images), list_images)
    names = StringTable.from_strings(rule(existing, known))
    rows = pc.index_in(names.block, value_set=block)  # pyright: ignore[reportAttributeAccessIssue]
    return ShardImages(existing, names, shards, members.select(["shard", "offset", "size"]).take(rows))
