"""The installed image sets, and folders of empty files for them to list."""

from pathlib import Path

import bench_datasets
from bench_core.images import Images
from bench_core.specs import resolve

SETS = {image_set.name: image_set for image_set in bench_datasets.bench_image_sets()}
PAPERS = ("celeba", "celeba_hq", "ffhq", "places2", "paris_streetview")


def open_split(name: str, folder: Path | None, split: str) -> Images:
    return resolve(SETS[name].open)(folder, split)


def touch(folder: Path, *names: str) -> Path:
    """Make empty files, for tests that decode nothing."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def split_names(name: str, folder: Path) -> tuple[list[str], list[str]]:
    """Return the names of the training and of the test images."""
    return list(open_split(name, folder, "train").names), list(open_split(name, folder, "test").names)


def lay_out_celeba(folder: Path, images: str = "img_align_celeba", lists: str = "") -> Path:
    touch(folder, *(f"{images}/{i:06d}.jpg" for i in range(1, 7)))
    (folder / lists).mkdir(exist_ok=True)
    lines = (f"{i:06d}.jpg {word}" for i, word in zip(range(1, 7), "001122", strict=True))
    (folder / lists / "list_eval_partition.txt").write_text("\n".join(lines) + "\n")
    return folder
