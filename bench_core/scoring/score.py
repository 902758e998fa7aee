"""Evaluation of images from any program, stored beside the results of methods."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench_core import __version__
from bench_core.data.pairs import Pair, to_floats
from bench_core.errors import BadInput
from bench_core.evaluation.examples import SavedExamples
from bench_core.evaluation.measure import EvaluationResult, PredictionBatch
from bench_core.experiment.context import RunContext
from bench_core.experiment.options import ProtocolOptions, RuntimeConfig
from bench_core.experiment.plan import open_protocol
from bench_core.images import Array, as_channels, read_image
from bench_core.metrics import select_metrics
from bench_core.metrics.code import measured_by
from bench_core.plugins import Plugins
from bench_core.scoring.pairs_source import EvaluationSet, given, own
from bench_core.scoring.sanity_checks import Inspection, in_words
from bench_core.scoring.stored_names import replaced_images, require_free
from bench_core.specs import Metric
from bench_core.store.cell_folder import CellFolder
from bench_core.store.store import CellStatus, Run, Store
from bench_core.system import files
from bench_core.system.progress import console, progress_bar

MAX_COMPARED = 2_000
"""Maximum number of training images that are decoded to find copies of test images in them."""


@dataclass(frozen=True)
class Scoring:
    """Evaluation of one method's image files on every mask set. Several folders are samples of a stochastic method."""

    context: RunContext
    pairs: EvaluationSet
    name: str
    samples: Sequence[Mapping[str, Sequence[Path]]]
    """For each sample and mask set, the image files in the order of the pairs."""
    notes: Sequence[str] = ()

    def run(self) -> tuple[Run, Path]:
        """Check all images, then measure them. Return the run and its folder.

        Raises:
            BadInput: an image is unreadable or has not its ground truth's size, or the holes are inverted. Nothing has
                been measured then.
        """
        inspected = [self._inspect(sample, name) for sample in self.samples for name in sample]
        notes = [*in_words(self.name, inspected), *self.notes]
        entries = [self._evaluate(seed, sample, notes) for seed, sample in enumerate(self.samples)]
        context = self.context
        num_pairs = len(next(iter(self.pairs.pairs.values())))
        images = context.images
        run = Run(
            context.protocol,
            images.test_digest,
            num_pairs,
            entries,
            context.suite.missing,
            list(images.skipped),
            image_notes=list(images.notes),
            copies=dict(images.copies),
        )
        if replaced := replaced_images(run, context.store):
            console.print(replaced, markup=False, soft_wrap=True)
        return run, context.store.write_run(run)

    def _inspect(self, sample: Mapping[str, Sequence[Path]], mask_set: str) -> Inspection:
        pairs, inspection = self.pairs.pairs[mask_set], Inspection()
        with progress_bar(f"checking {self.name} on {mask_set}", len(pairs)) as update:
            for index, path in enumerate(sample[mask_set]):
                pair = pairs[index]
                ground_truth, hole = pair["image"].numpy().transpose(1, 2, 0), pair["hole"][0].numpy()
                image = self._read(path, ground_truth)
                inspection.add(image, ground_truth, hole)
                update(index + 1, "")
        inspection.refuse_inverted()
        return inspection

    def _read(self, path: Path, ground_truth: Array) -> Array:
        image = as_channels(read_image(path), ground_truth.shape[2])
        if image.shape != ground_truth.shape:
            raise BadInput(
                f"{path} is {image.shape[1]} x {image.shape[0]} pixels, but its ground truth is "
                f"{ground_truth.shape[1]} x {ground_truth.shape[0]}. Resizing would change every metric; give images "
                "of that size."
            )
        return image

    def _evaluate(self, seed: int, sample: Mapping[str, Sequence[Path]], notes: list[str]) -> CellStatus:
        """Measure one sample, and save examples. The sample's number stands for a seed."""
        digests = {name: [files.sha256(path) for path in paths] for name, paths in sample.items()}
        folder = self.context.store.cell(
            {"inpaint-bench": __version__, "variant": self.name, "seed": seed, "pictures": digests}
        )
        ids = {name: self.pairs.evaluation_id(name) for name in sample}
        for mask_set, evaluation_id in ids.items():
            known = folder.measured_metrics(evaluation_id)
            missing = [m for m in self.context.suite.usable if measured_by(m) not in known]
            if missing:
                self._measure(folder, seed, mask_set, sample[mask_set], missing)
            num_pairs = len(self.pairs.pairs[mask_set])
            examples = SavedExamples(folder.examples_folder(evaluation_id), num_pairs, self.context.runtime.save_images)
            for batch in self._batches(mask_set, sample[mask_set], examples.missing):
                examples.save(batch)
        return CellStatus(self.name, self.name, seed, "done", folder.path.name, notes=notes, evaluation_ids=ids)

    def _measure(
        self, folder: CellFolder, seed: int, mask_set: str, paths: Sequence[Path], metrics: list[Metric]
    ) -> None:
        evaluation_id, pairs = self.pairs.evaluation_id(mask_set), self.pairs.pairs[mask_set]
        about: dict[str, Any] = {"method": self.name, "variant": self.name, "seed": seed, "mask_set": mask_set}
        result = EvaluationResult(self.context.suite, metrics)
        folder.prepare()
        with progress_bar(f"evaluating {self.name} on {mask_set}", len(pairs)) as update, torch.inference_mode():
            for batch in self._batches(mask_set, paths, range(len(pairs))):
                result.add(result.start(batch, [pairs.name(index) for index in batch.indexes]).fetch())
                update(batch.indexes[-1] + 1, "")
        folder.write_features(evaluation_id, result.features)
        folder.add_rows(evaluation_id, result.rows(about))
        self.context.evaluate_set_metrics(folder, evaluation_id, metrics, pairs, about)
        folder.write_provenance(evaluation_id, self.context.provenance() | {"pictures": [path.name for path in paths]})

    def _batches(self, mask_set: str, paths: Sequence[Path], indexes: Sequence[int]) -> Iterator[PredictionBatch]:
        """Yield the images at some indexes one by one, because they may differ in size."""
        device, pairs = self.context.device, self.pairs.pairs[mask_set]
        for index in indexes:
            pair = pairs[index]
            image, hole, _ = (x.to(device) for x in to_floats(_batch(pair)))
            array = self._read(paths[index], pair["image"].numpy().transpose(1, 2, 0)).transpose(2, 0, 1)
            prediction = torch.from_numpy(np.ascontiguousarray(array))[None].to(device).float() / 255
            yield PredictionBatch([index], image, hole, prediction, pair["image"][None])


@dataclass(frozen=True, kw_only=True)
class ScoreOptions(ProtocolOptions):
    """Options of `bench score`, with its defaults."""

    name: str
    """Name of the method in tables."""
    predictions: tuple[str, ...]
    """Folders or patterns of images. Several are samples of a method that draws at random."""
    truth: str | None = None
    """Ground truths; None takes the protocol's own images."""
    holes: str | None = None
    """Mask images or a mask file; None takes the protocol's own holes."""
    hole: str = "white"
    """Colour of missing pixels in mask images."""
    threshold: int = 128
    """Lowest level of white."""
    subset: bool = False
    """Evaluate the images that are there, even if there are more ground truths."""
    save_images: int | None = 4
    out: Path = Path("results")
    device: str = "auto"


def score(plugins: Plugins, options: ScoreOptions) -> tuple[Store, Run, Path]:
    """Evaluate the images in folders, and return the store, the run and its folder.

    Raises:
        BadInput: something cannot be used. No number has been stored then.
    """
    name = options.name
    require_free(name, plugins, Store(options.out))
    protocol = open_protocol(plugins, options)
    if options.truth and options.holes:
        pairs = given(
            protocol,
            options.predictions[0],
            options.truth,
            options.holes,
            options.hole,
            options.threshold,
            options.subset,
        )
    else:
        pairs = own(plugins, protocol, options, MAX_COMPARED)
    samples = [pairs.find_images(where) for where in options.predictions]
    metrics = select_metrics(protocol.metrics, plugins.records("metrics"))
    store = Store(files.require_writable_folder(options.out))
    runtime = RuntimeConfig(options.device, save_images=options.save_images)
    context = RunContext(pairs.protocol, pairs.images, {}, metrics, store, runtime, sizes=pairs.sizes)
    notes = [f"{name} was evaluated from image files: its training is not known here."]
    if len(samples) > 1:
        notes.append(f"{name} is stochastic: means over {len(samples)} samples of each image, shown as seeds.")
    if options.subset:
        notes.append(f"Evaluated on the {len(pairs.file_names)} ground truths that {name} has images of.")
    run, folder = Scoring(context, pairs, name, samples, notes).run()
    return store, run, folder


def _batch(pair: Pair) -> Pair:
    return Pair(index=pair["index"], image=pair["image"][None], hole=pair["hole"][None])
