"""Open the image set of a protocol and decode its images."""

from pathlib import Path

from bench_core.data.pixel_cache import PixelCache
from bench_core.data.validate import Subset, ValidatedImages, validate_images
from bench_core.errors import BadInput, unknown
from bench_core.plugins import Plugins
from bench_core.protocol import Protocol
from bench_core.specs import resolve


def open_images(
    plugins: Plugins,
    protocol: Protocol,
    data: Path | None,
    num_images: int = 0,
    skip_bad: bool = False,
    cache: PixelCache | None = None,
    workers: int = 0,
) -> ValidatedImages:
    """Open the protocol's image set and decode what a run needs of it.

    Args:
        data: folder of the image set, if it needs one.
        num_images: number of training positions whose images are decoded; 0 needs no training images. All test images
            are decoded.
        skip_bad: leave out images that cannot be decoded.
        cache: pixel cache for decoded images.
        workers: number of worker processes; 0 decodes in this process.

    Raises:
        BadInput: the image set is unknown, lacks its folder, or holds images that cannot be decoded.
    """
    sets = plugins.records("image_sets")
    if protocol.image_set not in sets:
        raise unknown("image set", protocol.image_set, sets)
    chosen = sets[protocol.image_set]
    if chosen.needs_folder and data is None:
        raise BadInput(f"The image set {chosen.name!r} needs --data FOLDER. {chosen.source}")
    test = resolve(chosen.open)(data, "test")
    train = resolve(chosen.open)(data, "train") if num_images else Subset(test, ())
    return validate_images(train, test, protocol, num_images, skip_bad, cache, workers)
