"""Any folder of images as an image set."""

from pathlib import Path

from bench_datasets.divisions import by_hash, own_or
from bench_datasets.file_images import FileImages
from bench_datasets.listing import Split, existing_folder, known_split


def open_split(folder: Path | None, split: Split) -> FileImages:
    """Open one split of a folder, with its subfolders.

    Divided by its subfolders ``train/`` and ``test/`` if both are there (images beside them are left out); else by
    ``split.csv``; else by the sha256 of each image's name, whatever the image shows.

    Raises:
        BadInput: there is no such folder, it holds fewer images than a division needs, or its split.csv is wrong.
    """
    existing = existing_folder(folder, "folder")
    return FileImages(existing, own_or(by_hash)(existing, known_split(split)))
