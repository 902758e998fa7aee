"""A cell: one variant and one seed, trained, judged and stored."""

import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from rich.markup import escape

from bench_core.data.pairs import TestPairs, TrainPairs
from bench_core.data.validate import Subset
from bench_core.errors import BadInput
from bench_core.evaluation.evaluator import Evaluator, evaluation_id
from bench_core.evaluation.examples import SavedExamples
from bench_core.experiment.cell_key import identity
from bench_core.experiment.context import RunContext
from bench_core.experiment.load_or_train import Readying
from bench_core.masks.mask_set import MaskSet
from bench_core.methods.compatibility import refusal, unsupported_masks
from bench_core.methods.method import Guide, Method
from bench_core.methods.notes import notes
from bench_core.methods.variants import Variant
from bench_core.plugins import Plugin
from bench_core.protocol import Protocol
from bench_core.specs import Metric, resolve
from bench_core.store.cell_folder import CellFolder
from bench_core.store.lock import folder_lock
from bench_core.store.store import CellStatus
from bench_core.system.progress import console, progress_bar
from bench_core.training.log import curve_points
from bench_core.training.trackers.dispatch import TrackerGroup
from bench_core.training.trackers.events import means, tell_judged, tracked


@dataclass
class Cell:
    """One variant and seed; `entry` tells how far it came."""

    setup: RunContext
    plugin: Plugin
    variant: Variant
    seed: int
    place: str = ""
    """Among all cells, as in "3/12"."""
    entry: CellStatus = field(init=False)

    def __post_init__(self) -> None:
        variant, arithmetic = self.variant, self.setup.machine.arithmetic
        plain = arithmetic == "32-true" or not (variant.model.recipe or variant.weights)
        shown = variant.name if plain else f"{variant.name} ({arithmetic})"
        self.entry = CellStatus(variant.model.name, shown, self.seed, backbones=variant.backbones)

    @property
    def protocol(self) -> Protocol:
        return self.setup.protocol

    @property
    def title(self) -> str:
        return f"{self.place} {self.entry.title}".strip()

    def run(self, around: Callable[["Cell"], AbstractContextManager[Any]] = nullcontext) -> None:
        """Do what is still to be done, inside of `around`; a failure is told in the entry.

        It stays pending if another process is doing it.
        """
        self.entry.reason = self._reason()
        if self.entry.reason:
            self.entry.state = "n/a"
            return
        distributed = self.setup.distributed
        try:
            distributed.gather(self._begin)
        except Exception as error:
            return self._fail(error)
        with folder_lock(self.folder.path) if distributed.is_rank_zero else nullcontext(True) as ours:
            if distributed.on_rank_zero(lambda: ours):
                with around(self):
                    self._attempt()

    def _begin(self) -> None:
        """Tell in the entry where the cell lies and what is to be known of it."""
        self.entry.folder = self.folder.path.name
        masks = [holes.name for holes in self._train_holes]
        some = masks if len(masks) < len(self.protocol.train_masks) else []
        self.entry.notes = notes(self.variant, self.entry.variant, self.guide, some)
        postprocess = self.variant.model.postprocess
        self.entry.evaluation_ids = {
            name: evaluation_id(pairs, self.setup.images.test_digest, postprocess)
            for name, pairs in self._test_pairs.items()
        }

    def _attempt(self) -> None:
        try:
            self._complete()
            self.entry.state = "done"
        except Exception as error:
            self._fail(error)
        finally:
            self._followers.ended(self.entry.state, self.entry.reason)

    def _fail(self, error: Exception) -> None:
        """One cell's failure is a row of the table; the others go on."""
        self.entry.state = "failed"
        self.entry.reason = str(error) if isinstance(error, BadInput) else f"{type(error).__name__}: {error}"
        if self.entry.folder and self.setup.distributed.is_rank_zero:
            with suppress(OSError):  # that may be why it failed
                self.folder.fail("".join(traceback.format_exception(error)))
        where = self.folder.path if self.entry.folder else "before it had a folder"
        console.print(f"[red]{escape(self.entry.variant)} failed:[/] {escape(f'{self.entry.reason} ({where})')}")

    def _reason(self) -> str:
        """Why the method cannot serve the protocol at all."""
        reason = refusal(self.variant.model, self.protocol)
        if reason:
            return reason
        self.entry.refused = {name: self.unfit[name] for name in self.protocol.test_masks if name in self.unfit}
        if len(self.entry.refused) == len(self.protocol.test_masks):
            return self.unfit[self.protocol.test_masks[0]]
        if self.variant.model.recipe and not self._train_holes:
            return f"can be trained with none of the training masks: it {self.unfit[self.protocol.train_masks[0]]}"
        return ""

    @cached_property
    def unfit(self) -> dict[str, str]:
        """For each mask set that the method cannot fill, why."""
        return unsupported_masks(self.variant.model, self.setup.holes.values(), self.protocol)

    @property
    def _train_holes(self) -> list[MaskSet]:
        return [self.setup.holes[name] for name in self.protocol.train_masks if name not in self.unfit]

    @cached_property
    def guide(self) -> Guide | None:
        return resolve(self.variant.model.guide)(self.setup.device) if self.variant.model.guide else None

    @cached_property
    def folder(self) -> CellFolder:
        guide = self.guide.name if self.guide else ""
        arithmetic = self.setup.machine.arithmetic
        return self.setup.store.cell(
            identity(self.plugin, self.variant, self._train_pairs, self.setup.images, arithmetic, guide)
        )

    @cached_property
    def _train_pairs(self) -> TrainPairs:
        images = self.setup.images
        sound = images.train_digests.indexes if self.setup.skip_bad else None
        return TrainPairs(self.protocol, images.train, self._train_holes, self.seed, sound)

    @cached_property
    def _test_pairs(self) -> dict[str, TestPairs]:
        names = [name for name in self.protocol.test_masks if name not in self.entry.refused]
        return {name: TestPairs(self.protocol, self.setup.images.test, self.setup.holes[name]) for name in names}

    def _complete(self) -> None:
        """Train the cell and measure what has not been measured yet. Rank zero reads and writes for all."""
        distributed, todo = self.setup.distributed, {}
        for name, evaluation_id in self.entry.evaluation_ids.items():
            known = distributed.on_rank_zero(partial(self.folder.measured, evaluation_id))
            todo[name] = [m for m in self.setup.suite.usable if (m.definition, m.version) not in known]
        unseen = distributed.on_rank_zero(
            lambda: {name: [m for m in of if not self._seen(name, m)] for name, of in todo.items()}
        )
        unkept = distributed.on_rank_zero(lambda: self._unkept(trains=any(unseen.values())))
        if not any(todo.values()) and not any(unkept.values()):
            return
        console.print(self.title, markup=False)
        distributed.on_rank_zero(self.folder.begin)
        self._followers.began(tracked(self.folder, self.entry, self.protocol))
        if any(unseen.values()) or any(unkept.values()):
            method = self._ready()
            for name, wanted in unseen.items():
                if wanted:
                    self._judge(method, name, wanted)
                elif unkept[name]:
                    self._paint(method, name, unkept[name])
        for name, wanted in todo.items():
            self.setup.compare_sets(
                self.folder, self.entry.evaluation_ids[name], wanted, self._test_pairs[name], self._about(name)
            )
            if self.setup.trackers:
                distributed.on_rank_zero(partial(tell_judged, self._followers, self.folder, self.entry, name, wanted))

    @cached_property
    def _followers(self) -> TrackerGroup:
        return TrackerGroup(self.setup.trackers if self.setup.distributed.is_rank_zero else (), self.setup.store.root)

    def _seen(self, mask_set: str, metric: Metric) -> bool:
        """Whether all that a metric needs of the pictures is stored already."""
        evaluation_id = self.entry.evaluation_ids[mask_set]
        return metric.per == "set" and self.folder.features(evaluation_id, metric.features) is not None

    def _unkept(self, trains: bool) -> dict[str, list[int]]:
        """For each mask set, the pairs that still lack a kept picture; none where that alone would take a training."""
        unkept = {name: self._samples(name).missing for name in self.entry.evaluation_ids}
        able = trains or self.variant.weights or not self.variant.model.recipe
        if not any(unkept.values()) or able or self.folder.trained_weights():
            return unkept
        console.print(f"No further pictures of {self.entry.title}: its weights are gone.", markup=False)
        return {name: [] for name in unkept}

    def _samples(self, mask_set: str) -> SavedExamples:
        folder = self.folder.samples_path(self.entry.evaluation_ids[mask_set])
        return SavedExamples(folder, len(self._test_pairs[mask_set]), self.setup.machine.save_images)

    def _paint(self, method: Method, mask_set: str, which: Sequence[int]) -> None:
        with progress_bar(f"painting {self.entry.variant} on {mask_set}", len(which)) as tell:
            evaluation = self._evaluation(method, self._test_pairs[mask_set], self._samples(mask_set))
            evaluation.evaluate([], tell, which)

    def _judge(self, method: Method, mask_set: str, wanted: list[Metric]) -> None:
        name = self.entry.evaluation_ids[mask_set]
        evaluation = self._evaluation(method, self._test_pairs[mask_set], self._samples(mask_set))
        with progress_bar(f"judging {self.entry.variant} on {mask_set}", len(evaluation.pairs)) as tell:
            began = time.perf_counter()
            evaluate = evaluation.evaluate(wanted, tell)
            taken = {"seconds_per_image": (time.perf_counter() - began) / len(evaluation.pairs)}
        zero = self.setup.distributed.on_rank_zero
        zero(lambda: self.folder.add_features(name, evaluate.features))
        zero(lambda: self.folder.add_rows(name, evaluate.rows(self._about(mask_set))))
        zero(lambda: self.folder.write_provenance(name, self.setup.provenance() | taken))

    def _evaluation(self, method: Method, pairs: TestPairs, samples: SavedExamples | None = None) -> Evaluator:
        postprocess = resolve(self.variant.model.postprocess) if self.variant.model.postprocess else None
        setup, machine = self.setup, self.setup.machine
        return Evaluator(
            setup.suite,
            method,
            pairs,
            machine.eval_batch,
            machine.workers,
            samples,
            self.guide,
            postprocess,
            setup.distributed,
        )

    def _about(self, mask_set: str) -> dict[str, Any]:
        entry = self.entry
        return {"method": entry.method, "variant": entry.variant, "seed": entry.seed, "mask_set": mask_set}

    def _ready(self) -> Method:
        readying = Readying(
            self.setup, self.variant, self.seed, self.folder, self._train_pairs, self.guide, self._followers
        )
        return readying.method(self.entry.variant, self._watch)

    def _watch(self, method: Method, step: int) -> None:
        """A line of the curves for each mask set: means over the first test images."""
        metrics = [metric for metric in self.setup.suite.usable if metric.per == "image"]
        for name, pairs in self._test_pairs.items():
            images = Subset(pairs.images, range(len(pairs.images))[: self.protocol.curve_images])
            few = TestPairs(self.protocol, images, pairs.mask_set)
            rows = self._evaluation(method, few).evaluate(metrics, lambda done: None).rows(self._about(name))
            found = means(rows)
            self.setup.distributed.on_rank_zero(partial(self.folder.add_to_curves, step, name, found))
            self._followers.logged(step, curve_points(name, found))
