"""The default image set: photographs that come with scikit-image, so that everything runs with no download.

The division is by image, never by crop: no part of a test photograph is trained on.
"""

from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from bench_core.errors import BadInput
from bench_datasets.file_images import FileImages
from bench_datasets.listing import Split, known_split

NAMES: dict[Split, tuple[str, ...]] = {
    "train": (
        "brick.png",
        "chelsea.png",
        "clock_motion.png",
        "coins.png",
        "grass.png",
        "hubble_deep_field.jpg",
        "ihc.png",
        "moon.png",
        "motorcycle_left.png",  # with motorcycle_right one scene from two sides: they must not be divided
        "motorcycle_right.png",
        "retina.jpg",
    ),
    "test": ("astronaut.png", "camera.png", "coffee.png", "gravel.png", "rocket.jpg"),
}


def open_split(folder: Path | None, split: Split) -> FileImages:
    """Open the photographs of one split; `folder` must be None.

    Raises:
        BadInput: a folder is given, or the installed scikit-image lacks a photograph.
    """
    if folder is not None:
        raise BadInput(
            f"The image set 'photos' comes with scikit-image and takes no folder, but {folder} was given. "
            "Leave the folder out, or name the image set 'folder' to use your own images."
        )
    names = NAMES[known_split(split)]
    carried = Path(str(files("skimage"))) / "data"
    missing = [name for name in names if not (carried / name).is_file()]
    if missing:
        raise BadInput(
            f"scikit-image {version('scikit-image')} does not carry {', '.join(missing)} in {carried}. The image set "
            "'photos' needs them: install scikit-image again, or another version (0.26 has them all)."
        )
    return FileImages(carried, names)
