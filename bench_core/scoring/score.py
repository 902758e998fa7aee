"""Pictures from any program, judged as those of a method would be, and entered in the same store."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench_core import __version__
from bench_core.data.open import open_protocol
from bench_core.data.pairs import Pair, to_floats
from bench_core.errors import BadInput
from bench_core.evaluation.examples import SavedExamples
from bench_core.evaluation.measure import EvaluationResult, PredictionBatch
from bench_core.experiment.context import RunContext, RuntimeConfig
from bench_core.images import Array, as_channels, read_image
from bench_core.metrics import select_metrics
from bench_core.plugins import Plugins
from bench_core.scoring.pairs_source import EvaluationSet, given, own
from bench_core.scoring.sanity_checks import Inspection, in_words
from bench_core.specs import Metric
from bench_core.store.cell_folder import CellFolder
from bench_core.store.store import CellStatus, Run, Store
from bench_core.system import files
from bench_core.system.progress import progress_bar


@dataclass(frozen=True)
class Scoring:
    """One method's pictures for every mask set of a contest. Several folders are samples of a method that draws."""

    setup: RunContext
    contest: EvaluationSet
    name: str
    samples: Sequence[Mapping[str, Sequence[Path]]]
    """For each sample and mask set, the pictures' files in the order of the pairs."""
    notes: Sequence[str] = ()

    def run(self) -> tuple[Run, Path]:
        """Check all pictures, then measure them; returns the run and its folder.

        Raises:
            BadInput: a picture is unreadable or not of its truth's size, or the holes are the wrong way round; nothing
                has been measured then.
        """
        inspected = [self._inspect(sample, name) for sample in self.samples for name in sample]
        remarks = [*in_words(self.name, inspected), *self.notes]
        entries = [self._measured(seed, sample, remarks) for seed, sample in enumerate(self.samples)]
        setup = self.setup
        num_pairs = len(next(iter(self.contest.pairs.values())))
        run = Run(setup.protocol, setup.images.test_digest, num_pairs, entries, setup.suite.missing)
        return run, setup.store.write_run(run)

    def _inspect(self, sample: Mapping[str, Sequence[Path]], mask_set: str) -> Inspection:
        pairs, inspection = self.contest.pairs[mask_set], Inspection()
        with progress_bar(f"looking at {self.name} on {mask_set}", len(pairs)) as tell:
            for index, path in enumerate(sample[mask_set]):
                pair = pairs[index]
                truth, hole = pair["image"].numpy().transpose(1, 2, 0), pair["hole"][0].numpy()
                picture = self._read(path, truth)
                inspection.add(picture, truth, hole)
                tell(index + 1, "")
        inspection.refuse_inverted()
        return inspection

    def _read(self, path: Path, truth: Array) -> Array:
        picture = as_channels(read_image(path), truth.shape[2])
        if picture.shape != truth.shape:
            raise BadInput(
                f"{path} is {picture.shape[1]} x {picture.shape[0]} pixels, but its truth is {truth.shape[1]} x "
                f"{truth.shape[0]}. Resizing would change every metric; give pictures of that size."
            )
        return picture

    def _measured(self, seed: int, sample: Mapping[str, Sequence[Path]], remarks: list[str]) -> CellStatus:
        digests = {name: [files.sha256(path) for path in paths] for name, paths in sample.items()}
        folder = self.setup.store.cell(
            {"inpaint-bench": __version__, "variant": self.name, "seed": seed, "pictures": digests}
        )
        evaluation_ids = {name: self.contest.judgement(name) for name in sample}
        for mask_set, judgement in evaluation_ids.items():
            known = folder.measured(judgement)
            wanted = [m for m in self.setup.suite.usable if (m.definition, m.version) not in known]
            if wanted:
                self._judge(folder, seed, mask_set, sample[mask_set], wanted)
            samples = self._samples(folder, mask_set)
            for painted in self._painted(mask_set, sample[mask_set], samples.missing):
                samples.keep(painted)
        return CellStatus(
            self.name, self.name, seed, "done", folder.path.name, notes=remarks, evaluation_ids=evaluation_ids
        )

    def _samples(self, folder: CellFolder, mask_set: str) -> SavedExamples:
        where = folder.samples_path(self.contest.judgement(mask_set))
        return SavedExamples(where, len(self.contest.pairs[mask_set]), self.setup.machine.save_images)

    def _judge(self, folder: CellFolder, seed: int, mask_set: str, paths: Sequence[Path], wanted: list[Metric]) -> None:
        name, pairs = self.contest.judgement(mask_set), self.contest.pairs[mask_set]
        about: dict[str, Any] = {"method": self.name, "variant": self.name, "seed": seed, "mask_set": mask_set}
        judgement = EvaluationResult(self.setup.suite, wanted)
        folder.begin()
        with progress_bar(f"judging {self.name} on {mask_set}", len(pairs)) as tell, torch.inference_mode():
            for painted in self._painted(mask_set, paths, range(len(pairs))):
                judgement.add(painted, [pairs.name(index) for index in painted.indexes])
                tell(painted.indexes[-1] + 1, "")
        folder.add_features(name, judgement.features)
        folder.add_rows(name, judgement.rows(about))
        self.setup.compare_sets(folder, name, wanted, pairs, about)
        folder.write_provenance(name, self.setup.provenance() | {"pictures": [path.name for path in paths]})

    def _painted(self, mask_set: str, paths: Sequence[Path], which: Sequence[int]) -> Iterator[PredictionBatch]:
        pairs = self.contest.pairs[mask_set]
        for index in which:
            pair = pairs[index]
            image, hole, _ = (x.to(self.setup.device) for x in to_floats(_batch(pair)))
            picture = self._read(paths[index], pair["image"].numpy().transpose(1, 2, 0))
            planes = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]
            yield PredictionBatch([index], image, hole, planes.to(self.setup.device).float() / 255)


def score(
    plugins: Plugins,
    name: str,
    predictions: Sequence[str],
    protocol_name: str,
    out: Path,
    device: str,
    options: Mapping[str, Any],
) -> tuple[Store, Run, Path]:
    """Judge the pictures in folders; returns the store, the run and its folder.

    Raises:
        BadInput: something cannot be used; no number has been stored then.
    """
    _refuse_taken(name, plugins)
    protocol = open_protocol(protocol_name, plugins, options)
    contest = given(protocol, predictions[0], options) if options["truth"] else own(plugins, protocol, options)
    samples = [contest.pictures(where) for where in predictions]
    metrics = select_metrics(protocol.metrics, plugins.records("metrics"))
    store = Store(files.require_writable_folder(out))
    setup = RunContext(
        contest.protocol, contest.images, {}, metrics, store, RuntimeConfig(device, save_images=options["samples"])
    )
    notes = [f"{name} was painted outside this harness: how it was trained is not known here."]
    if len(samples) > 1:
        notes.append(f"{name} draws: means over {len(samples)} samples of each picture, shown as seeds.")
    if options["subset"]:
        notes.append(f"Judged on those {len(contest.file_names)} truths of which {name} has pictures.")
    run, folder = Scoring(setup, contest, name, samples, notes).run()
    return store, run, folder


def _refuse_taken(name: str, plugins: Plugins) -> None:
    plugins.load_all()
    if name in plugins.records("models"):
        raise BadInput(f"{name!r} is an installed method; give another --name, so that rows are not mixed.")


def _batch(pair: Pair) -> Pair:
    return Pair(index=pair["index"], image=pair["image"][None], hole=pair["hole"][None])
