"""The pairs that image files are evaluated on: a protocol's own, or ground truths and holes from files."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench_core.data.open import open_images
from bench_core.data.pairs import Pairs, TestPairs
from bench_core.data.validate import ValidatedImages, validate_images
from bench_core.errors import BadInput
from bench_core.evaluation import evaluator
from bench_core.experiment.options import ProtocolOptions
from bench_core.masks.mask_file import SUFFIX
from bench_core.masks.mask_set import open_sets
from bench_core.plugins import Plugins
from bench_core.protocol import Protocol
from bench_core.scoring.file_pairs import FilePairs, ImageFileList, open_holes
from bench_core.scoring.match_files import find, same_names
from bench_core.seeds import digest
from bench_core.system import sources
from bench_core.system.progress import console

GIVEN = "given"
"""Name of the mask set of given holes."""


@dataclass(frozen=True)
class EvaluationSet:
    """A protocol, its pairs, and the file name of each pair's image."""

    protocol: Protocol
    images: ValidatedImages
    pairs: Mapping[str, Pairs]
    """Pairs by mask set."""
    file_names: Sequence[str]
    """The name of each pair's file, without its suffix."""
    sizes: Collection[tuple[int, int]] = ()
    """Height and width of the images, if the protocol has no size."""

    def evaluation_id(self, mask_set: str) -> str:
        """Name the rows of a mask set."""
        pairs = self.pairs[mask_set]
        if isinstance(pairs, TestPairs):
            return evaluator.evaluation_id(pairs, self.images.test_digest)
        code = [sources.core_sources(evaluator.EVALUATES), sources.library_versions(*evaluator.LIBRARIES)]
        holes = self.protocol.masks[GIVEN].parameters
        return f"{mask_set}-{digest([self.images.test_digest, holes, code])[:12]}"

    def find_images(self, where: str, subset: bool = False) -> dict[str, list[Path]]:
        """Return the files of each mask set in the order of the pairs, from a folder or its subfolder of that name.

        Raises:
            BadInput: files are missing, or there are too many.
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


def own(plugins: Plugins, protocol: Protocol, options: ProtocolOptions, compared: int = 0) -> EvaluationSet:
    """Return the protocol's own pairs. Files are named as `bench export` names them.

    Args:
        compared: maximum number of training images to find copies of test images in.
    """
    if not protocol.size:
        raise BadInput(f"The protocol {protocol.name} takes images as they are: give --truth and --holes, or --size.")
    holes = open_sets(protocol.masks, plugins.records("masks"))
    for name in protocol.test_masks:
        holes[name].draw(protocol.size, "trial")  # masks that cannot be read are refused before images are decoded
    wanted = min(compared, protocol.steps * protocol.batch)
    try:
        images = open_images(plugins, protocol, options.data, wanted, options.skip_bad_images)
    except BadInput as error:
        if not wanted:
            raise
        # Training images may be missing or damaged here: they are not needed to evaluate.
        images = open_images(plugins, protocol, options.data, skip_bad=options.skip_bad_images)
        console.print(f"Test images are not compared with training images: {error}", markup=False, soft_wrap=True)
    pairs = {name: TestPairs(protocol, images.test, holes[name]) for name in protocol.test_masks}
    return EvaluationSet(
        protocol, images, pairs, [file_name(index) for index in range(len(images.test) * protocol.crops)]
    )


def file_name(index: int) -> str:
    """Name the file of a protocol's pair, without its suffix."""
    return f"{index:06}"


def given(
    protocol: Protocol,
    images: str,
    truth: str,
    holes: str,
    hole: str = "white",
    threshold: int = 128,
    subset: bool = False,
) -> EvaluationSet:
    """Return ground truths and holes from files, paired with images by name. The protocol's metrics still count.

    Raises:
        BadInput: names do not match, a ground truth cannot be read, or a hole has not its size.
    """
    wanted, truths = find(images), find(truth)
    same_names(wanted, truths, "truth", subset)
    names = list(wanted)
    paths = {} if holes.endswith(SUFFIX) else find(holes, masks=True)
    if paths:
        same_names(wanted, paths, "hole", subset=True)
    rules = protocol.model_dump() | {"image_set": "files", "size": 0, "resize": None, "crops": 1, "test_images": None}
    listed = ImageFileList([truths[name] for name in names], names)
    checked = validate_images(listed, listed, Protocol.model_validate(rules), 0, False)
    opened = open_holes(holes, [paths[n] for n in names] if paths else [], names, hole, threshold)
    pairs = FilePairs(checked.test, opened, protocol.channels)
    masks = {GIVEN: {"family": "files", "sha256": pairs.holes_digest()}}
    rules |= {"masks": masks, "train_masks": (GIVEN,), "test_masks": (GIVEN,)}
    return EvaluationSet(Protocol.model_validate(rules), checked, {GIVEN: pairs}, names, pairs.sizes)
