"""Taking over mask pictures that others have published: what they are, and how they become a mask set."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from bench_core.errors import BadInput
from bench_core.masks import mask_file as mask_file
from bench_core.masks.hole_stats import bucket
from bench_core.masks.mask_file import PackedHole, pack
from bench_core.masks.mask_images import SUFFIXES, MaskImage, look, read_levels
from bench_core.masks.polarity import UNDECIDED, Polarity, decide, numbered
from bench_core.system.progress import progress_bar


@dataclass(frozen=True)
class Source:
    """The pictures of one folder, which share a polarity."""

    folder: str
    """Its path below the imported folder; "." for that one itself."""
    pictures: Sequence[MaskImage]
    polarity: Polarity

    def lines(self) -> Iterator[str]:
        """What was found, for people."""
        sizes = Counter(f"{seen.width} x {seen.height}" for seen in self.pictures)
        modes = Counter(seen.mode for seen in self.pictures)
        yield f"{self.folder}: {len(self.pictures)} pictures, {_told(sizes)}; {_told(modes)}"
        yield from self._levels()
        if self.polarity.hole == UNDECIDED:
            yield f"  hole: undecided: give --hole-color ({self.polarity.reason})"
            return
        yield f"  hole: {self.polarity.hole} ({self.polarity.reason})"
        buckets = Counter(bucket(seen.hole_ratio(self.polarity.hole)) for seen in self.pictures)
        yield f"  hole ratios: {_told(dict(sorted(buckets.items())))}"
        yield f"  border: {sum(seen.contact[self.polarity.hole == 'black'] for seen in self.pictures)} touch it"
        if agreed := numbered(self.pictures, self.polarity.hole):
            yield (
                f"  NVIDIA's numbers: {agreed.ratios} of {len(self.pictures)} ratios and {agreed.contacts} border "
                "contacts are as the number says"
            )

    def _levels(self) -> Iterator[str]:
        grey = [seen for seen in self.pictures if seen.between]
        if grey:
            share = sum(seen.between for seen in grey) / sum(seen.width * seen.height for seen in grey)
            most = max(seen.distinct for seen in grey)
            yield f"  not binary: {len(grey)}, with up to {most} levels; {share:.2%} of their pixels lie between"


def survey(folder: Path, hole: str = "auto", threshold: int = 128) -> list[Source]:
    """Look at every picture in a folder and below it.

    Args:
        hole: "white" or "black" for all, or "auto" to decide for each folder, see `bench_core.masks.polarity`.
        threshold: white is at this level, of 0 to 255, and above.

    Raises:
        BadInput: there are no pictures, or one cannot be read.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not paths:
        raise BadInput(f"{folder} holds no pictures ({', '.join(sorted(SUFFIXES))}).")
    seen = []
    with progress_bar("mask pictures", len(paths), "pictures") as tell:
        for number, path in enumerate(paths, start=1):
            seen.append(look(folder, path, threshold))
            tell(number, "")
    groups = groupby(sorted(seen, key=_parent), key=_parent)
    return [_source(name, list(pictures), hole) for name, pictures in groups]


def _parent(seen: MaskImage) -> str:
    return PurePosixPath(seen.name).parent.as_posix()


def _source(folder: str, pictures: list[MaskImage], hole: str) -> Source:
    return Source(folder, pictures, decide(pictures) if hole == "auto" else Polarity(hole, "as given"))


def write(path: Path, folder: Path, sources: Sequence[Source], threshold: int, size: int | None) -> str:
    """Write the surveyed pictures as a mask set, in the order of their names, and return its sha256.

    With `size`, grey levels are averaged over areas to a square of that side (repeated where it is larger than the
    picture), and only then compared with the threshold.

    Raises:
        BadInput: a polarity is undecided, or the pictures are not squares of one size and `size` is None.
    """
    if open_ones := [source.folder for source in sources if source.polarity.hole == UNDECIDED]:
        raise BadInput(
            f"Which colour is the hole is undecided in {', '.join(open_ones)}: give --hole-color white or black."
        )
    side = size or _common_side(sources)
    every = [(seen, source.polarity.hole) for source in sources for seen in source.pictures]
    listed = sorted(every, key=lambda entry: entry[0].name)
    about = {
        "family": "imported",
        "parameters": {"threshold": threshold, "hole": {each.folder: each.polarity.hole for each in sources}},
        "names": [seen.name for seen, _ in listed],
    }
    made = []
    with progress_bar("holes", len(listed), "holes") as tell:
        for seen, hole in listed:
            made.append(_hole(folder / seen.name, hole, threshold, side))
            tell(len(made), "")
    return mask_file.write(path, side, made, about)


def _common_side(sources: Sequence[Source]) -> int:
    sizes = Counter((seen.width, seen.height) for source in sources for seen in source.pictures)
    (width, height), _ = sizes.most_common(1)[0]
    if len(sizes) > 1 or width != height:
        told = _told({f"{w} x {h}": count for (w, h), count in sizes.items()})
        raise BadInput(f"A mask set has square holes of one size; found {told}. Give --size, to which all are brought.")
    return width


def _hole(path: Path, hole: str, threshold: int, side: int) -> PackedHole:
    levels, _ = read_levels(path)
    if levels.shape != (side, side):
        shrinks = max(levels.shape) > side
        levels = cv2.resize(levels, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_NEAREST)
    white = levels >= threshold
    return pack((white if hole == "white" else ~white).astype(np.uint8))


def _told(counts: dict[str, int]) -> str:
    return ", ".join(name if len(counts) == 1 else f"{name} ({count})" for name, count in counts.items())
