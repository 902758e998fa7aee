"""Import a folder of published mask images as a mask set, after a report on their polarity and levels."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath

from bench_core.errors import BadInput
from bench_core.masks import mask_file
from bench_core.masks.hole_stats import ratio_bucket
from bench_core.masks.inspection import MaskImage, inspect_mask_image
from bench_core.masks.mask_file import PackedHole, pack
from bench_core.masks.mask_folder import describe_errors, refuse_blank
from bench_core.masks.mask_images import read_mask
from bench_core.masks.polarity import UNDECIDED, Polarity, decide_polarity, nvidia_agreement
from bench_core.system.image_files import find_image_files
from bench_core.system.progress import progress_bar


@dataclass(frozen=True)
class MaskFolder:
    """Mask images of one folder, which share a polarity."""

    name: str
    """Path below the imported folder; "." for that folder itself."""
    images: Sequence[MaskImage]
    polarity: Polarity

    def report_lines(self) -> Iterator[str]:
        """Yield lines that describe the images and their polarity."""
        num_images, hole = len(self.images), self.polarity.hole
        sizes = _format_counts(Counter(f"{image.width} x {image.height}" for image in self.images))
        modes = _format_counts(Counter(image.mode for image in self.images))
        yield f"{self.name}: {num_images} images, {sizes}; {modes}"
        if grey := [image for image in self.images if image.grey_pixels]:
            share = sum(image.grey_pixels for image in grey) / sum(image.width * image.height for image in grey)
            levels = max(image.num_levels for image in grey)
            yield f"  not binary: {len(grey)}, with up to {levels} levels; {share:.2%} of their pixels are grey"
        if hole == UNDECIDED:
            yield f"  hole: undecided: give --hole-color ({self.polarity.reason})"
            return
        yield f"  hole: {hole} ({self.polarity.reason})"
        buckets = Counter(ratio_bucket(image.hole_ratio(hole)) for image in self.images)
        yield f"  hole ratios: {_format_counts(dict(sorted(buckets.items())))}"
        yield f"  border: {sum(image.border_contact(hole) for image in self.images)} touch it"
        if agreement := nvidia_agreement(self.images, hole):
            yield (
                f"  NVIDIA's numbers: {agreement.ratios} of {num_images} ratios and {agreement.contacts} border "
                "contacts agree with the file name"
            )


def inspect_folder(folder: Path, hole: str = "auto", threshold: int = 128) -> list[MaskFolder]:
    """Inspect all mask images in a folder and its subfolders.

    Args:
        hole: colour of the hole in all images, "white" or "black"; "auto" decides for each folder
            (`bench_core.masks.polarity`).
        threshold: levels from here on, of 0 to 255, are white.

    Raises:
        BadInput: there are no images, one cannot be read, or every one is all black or all white.
    """
    paths = find_image_files(folder, masks=True)
    images, errors = [], []
    with progress_bar("mask images", len(paths)) as progress:
        for number, path in enumerate(paths, 1):
            try:
                images.append(inspect_mask_image(folder, path, threshold))
            except BadInput as error:
                errors.append(str(error))
            progress(number)
    if errors:
        raise BadInput(describe_errors(errors))
    refuse_blank(folder, [f"{image.name} ({image.found})" for image in images if image.blank], len(images))
    folders = []
    for name, group in groupby(sorted(images, key=_parent), key=_parent):
        members = list(group)
        polarity = decide_polarity(members) if hole == "auto" else Polarity(hole, "as given")
        folders.append(MaskFolder(name, members, polarity))
    return folders


def _parent(image: MaskImage) -> str:
    return PurePosixPath(image.name).parent.as_posix()


def write_mask_set(path: Path, root: Path, folders: Sequence[MaskFolder], threshold: int, size: int | None) -> str:
    """Write inspected images as a mask set, sorted by name, and return its sha256.

    Args:
        root: folder that was inspected.
        size: height and width of the holes in pixels. Levels are resized before they are compared with the threshold:
            averaged over areas to shrink, repeated to enlarge. None requires square images of one size.

    Raises:
        BadInput: a polarity is undecided, or `size` is needed and not given.
    """
    if undecided := [folder.name for folder in folders if folder.polarity.hole == UNDECIDED]:
        raise BadInput(
            f"Which colour is the hole is undecided in {', '.join(undecided)}: give --hole-color white or black."
        )
    size = size or _common_size(folders)
    images = [(image, folder.polarity.hole) for folder in folders for image in folder.images]
    images.sort(key=lambda item: item[0].name)
    details = {
        "family": "imported",
        "parameters": {"threshold": threshold, "hole": {folder.name: folder.polarity.hole for folder in folders}},
        "names": [image.name for image, _ in images],
    }
    holes: list[PackedHole] = []
    with progress_bar("holes", len(images), "holes") as progress:
        for image, hole in images:
            holes.append(pack(read_mask(root / image.name).hole(hole, threshold, (size, size))))
            progress(len(holes))
    return mask_file.write(path, size, holes, details)


def _common_size(folders: Sequence[MaskFolder]) -> int:
    sizes = Counter((image.width, image.height) for folder in folders for image in folder.images)
    (width, height), _ = sizes.most_common(1)[0]
    if len(sizes) > 1 or width != height:
        found = _format_counts({f"{w} x {h}": count for (w, h), count in sizes.items()})
        raise BadInput(f"A mask set has square holes of one size; found {found}. Give --size to resize all of them.")
    return width


def _format_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(name if len(counts) == 1 else f"{name} ({count})" for name, count in counts.items())
