"""Decode every file of a folder of masks before the first one is used. Unchanged files of large folders are cached."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from bench_core.data import listing_cache
from bench_core.data.digest_cache import cached_digests
from bench_core.errors import BadInput
from bench_core.images import read_image
from bench_core.masks.mask_folder import describe_errors
from bench_core.seeds import digest
from bench_core.system.progress import progress_bar

READER = 1
"""Increase whenever the same file gives other levels than before."""


class _Files:
    """Files below one folder, as a `bench_core.images.ImageFiles`."""

    def __init__(self, folder: Path, paths: Sequence[Path]) -> None:
        self.folder, self.paths = folder, paths
        self.names: Sequence[str] = [path.relative_to(folder).as_posix() for path in paths]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:
        return read_image(self.paths[index])

    def encoded(self, index: int) -> bytes:
        return self.paths[index].read_bytes()

    def stamps(self, indexes: np.ndarray) -> Iterator[str | None]:
        return (listing_cache.stamp(self.paths[index]) for index in indexes)


def decoded_digests(kind: str, folder: Path, paths: Sequence[Path], decode: Callable[[Path], bytes]) -> list[str]:
    """Return the digest of every file.

    Args:
        kind: name of the digested content.
        decode: returns the sha256 of a file's content. Raises BadInput.

    Raises:
        BadInput: lists files that cannot be decoded.
    """
    errors: list[str] = []

    def compute(indexes: np.ndarray) -> Iterator[tuple[int, tuple[bytes]]]:
        done = len(paths) - len(indexes)
        for index in indexes.tolist():
            try:
                yield index, (decode(paths[index]),)
            except BadInput as error:
                errors.append(str(error))
            done += 1
            progress(done)

    with progress_bar(f"checking masks of {folder.name}", len(paths), "masks") as progress:
        files = _Files(folder, paths)
        found = cached_digests(f"{kind}, {READER}", files, np.arange(len(paths)), compute, progress.skip_to)
    if errors:
        raise BadInput(describe_errors(errors))
    return [found[index] for index in range(len(paths))]


def folder_digest(folder: Path, paths: Sequence[Path], digests: Sequence[str]) -> str:
    """Return one digest of all names and digests."""
    names = (path.relative_to(folder).as_posix() for path in paths)
    return digest([list(each) for each in zip(names, digests, strict=True)])
