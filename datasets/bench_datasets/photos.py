"""The default image set: photographs that come with scikit-image, so everything runs without a download.

The split is by image, never by crop: no part of a test photograph is trained on.
"""

from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from bench_core.errors import BadInput
from bench_datasets.find_images import Split, known_split
from bench_datasets.folder import FileImages

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
        "motorcycle_left.png",  # the same scene as motorcycle_right, so both must be in one split
        "motorcycle_right.png",
        "retina.jpg",
    ),
    "test": ("astronaut.png", "camera.png", "coffee.png", "gravel.png", "rocket.jpg"),
}


def open_split(folder: Path | None, split: Split) -> FileImages:
    """Open one split of the photographs; `folder` must be None.

    Raises:
        BadInput: a folder is given, or the installed scikit-image lacks a photograph.
    """
    if folder is not None:
        raise BadInput(
            f"The image set 'photos' comes with scikit-image and takes no folder, but {folder} was given. "
            "Leave the folder out, or use the image set 'folder' for your own images."
        )
    names = NAMES[known_split(split)]
    installed = Path(str(files("skimage"))) / "data"
    missing = [name for name in names if not (installed / name).is_file()]
    if missing:
        raise BadInput(
            f"scikit-image {version('scikit-image')} does not contain {', '.join(missing)} in {installed}. "
            "The image set 'photos' needs them: install scikit-image again, or another version (0.26 has them all)."
        )
    return FileImages(installed, names)
