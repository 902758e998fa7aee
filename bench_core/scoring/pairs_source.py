"""What pictures from files are judged on: a protocol's own pairs, or truths and holes that are given too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench_core.data.open import open_images
from bench_core.data.pairs import Pairs, TestPairs
from bench_core.data.validate import ValidatedImages, validate_images
from bench_core.errors import BadInput
from bench_core.evaluation.evaluator import evaluation_id
from bench_core.experiment.options import ProtocolOptions
from bench_core.masks.mask_file import SUFFIX
from bench_core.masks.mask_set import open_sets
from bench_core.plugins import Plugins
from bench_core.protocol import Protocol
from bench_core.scoring.file_pairs import FilePairs, ImageFileList, open_holes
from bench_core.scoring.match_files import find, same_names
from bench_core.seeds import digest

GIVEN = "given"
"""The name of the mask set that given holes make."""


@dataclass(frozen=True)
class EvaluationSet:
    """Rules and pairs, and what each pair's picture is called in a folder of pictures."""

    protocol: Protocol
    images: ValidatedImages
    pairs: Mapping[str, Pairs]
    """By mask set."""
    file_names: Sequence[str]
    """Of each pair, without a suffix."""

    def judgement(self, mask_set: str) -> str:
        """The name of the rows of a mask set."""
        pairs = self.pairs[mask_set]
        if isinstance(pairs, TestPairs):
            return evaluation_id(pairs, self.images.test_digest)
        return f"{mask_set}-{digest([self.images.test_digest, self.protocol.masks[GIVEN].parameters])[:12]}"

    def pictures(self, where: str, subset: bool = False) -> dict[str, list[Path]]:
        """For each mask set, the files in a folder, or in its subfolder of that name, in the order of the pairs.

        Raises:
            BadInput: there are too few, or too many.
        """
        found = {}
        for mask_set in self.pairs:
            inner = Path(where).expanduser() / mask_set
            named = find(str(inner) if inner.is_dir() else where)
            same_names(named, dict.fromkeys(self.file_names, Path()), "pair", subset)
            found[mask_set] = [named[name] for name in self.file_names]
        if len({tuple(paths) for paths in found.values()}) < len(found):
            raise BadInput(f"{where} must hold one folder for each mask set: {', '.join(self.pairs)}.")
        return found


def own(plugins: Plugins, protocol: Protocol, options: ProtocolOptions) -> EvaluationSet:
    """The protocol's own pairs; pictures are called as `bench export` calls them."""
    if not protocol.size:
        raise BadInput(f"The protocol {protocol.name} takes images as they are: give --truth and --holes, or --size.")
    images = open_images(plugins, protocol, options.data, skip_bad=options.skip_bad_images)
    holes = open_sets(protocol.masks, plugins.records("masks"))
    pairs = {name: TestPairs(protocol, images.test, holes[name]) for name in protocol.test_masks}
    return EvaluationSet(
        protocol, images, pairs, [file_name(index) for index in range(len(images.test) * protocol.crops)]
    )


def file_name(index: int) -> str:
    """What a protocol's pair is called outside, without a suffix."""
    return f"{index:06}"


def given(
    protocol: Protocol,
    pictures: str,
    truth: str,
    holes: str,
    hole: str = "white",
    threshold: int = 128,
    subset: bool = False,
) -> EvaluationSet:
    """Truths and holes from files, paired with pictures by name; of the protocol the metrics and rules remain.

    Raises:
        BadInput: names do not match, a truth cannot be read, or a hole is not of its truth's size.
    """
    wanted, truths = find(pictures), find(truth)
    same_names(wanted, truths, "truth", subset)
    names = list(wanted)
    paths = {} if holes.endswith(SUFFIX) else find(holes)
    if paths:
        same_names(wanted, paths, "hole", subset=True)
    rules = protocol.model_dump() | {"image_set": "files", "size": 0, "resize": None, "crops": 1, "test_images": None}
    images = ImageFileList([truths[name] for name in names], names)
    checked = validate_images(images, images, Protocol.model_validate(rules), 0, False)
    opened = open_holes(holes, [paths[n] for n in names] if paths else [], names, hole, threshold)
    pairs = FilePairs(checked.test, opened, protocol.channels)
    masks = {GIVEN: {"family": "files", "sha256": pairs.holes_digest()}}
    rules |= {"masks": masks, "train_masks": (GIVEN,), "test_masks": (GIVEN,)}
    return EvaluationSet(Protocol.model_validate(rules), checked, {GIVEN: pairs}, names)
