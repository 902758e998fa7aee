"""A cell: one variant and one seed, trained, evaluated and stored."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rich.markup import escape

from bench_core.data.pairs import TestPairs, TrainPairs
from bench_core.errors import BadInput
from bench_core.evaluation.evaluator import evaluation_id
from bench_core.experiment.cell_key import cell_key, normalised_together
from bench_core.experiment.context import RunContext
from bench_core.experiment.evaluate_cell import CellEvaluation, mixed_images
from bench_core.experiment.load_or_train import load_or_train
from bench_core.masks.mask_set import MaskSet
from bench_core.methods.compatibility import refusal, unsupported_masks
from bench_core.methods.method import Guide
from bench_core.methods.notes import notes
from bench_core.methods.variants import Variant
from bench_core.plugins import Plugin
from bench_core.protocol import Protocol
from bench_core.specs import resolve
from bench_core.store.cell_folder import CellFolder
from bench_core.store.lock import LockLost
from bench_core.store.store import CellStatus
from bench_core.system.progress import console
from bench_core.training.trackers.dispatch import TrackerGroup, tracked_cell


@dataclass
class Cell:
    """One variant and seed. Its status says how far it came."""

    context: RunContext
    plugin: Plugin
    variant: Variant
    seed: int
    place: str = ""
    """Its place among all cells, such as ``3/12``."""
    status: CellStatus = field(init=False)

    def __post_init__(self) -> None:
        variant, runtime = self.variant, self.context.runtime
        computes = variant.model.recipe or variant.weights
        together = normalised_together(variant.model, self._protocol, runtime)
        unusual = [runtime.arithmetic] if computes and runtime.arithmetic != "32-true" else []
        unusual += [f"micro-batch {together}"] if together else []
        self._mixed = mixed_images(variant.model, runtime)
        unusual += [f"predict batch {self._mixed}"] if self._mixed > 1 else []
        name = f"{variant.name} ({', '.join(unusual)})" if unusual else variant.name
        self.status = CellStatus(variant.model.name, name, self.seed, backbones=variant.backbones)

    @property
    def title(self) -> str:
        return f"{self.place} {self.status.title}".strip()

    def run(self, around: Callable[["Cell"], AbstractContextManager[Any]] = nullcontext) -> None:
        """Train and evaluate what is missing, inside of `around`. A failure becomes the cell's status.

        The status stays "pending" while another process works on the cell.
        """
        self.status.reason = self._why_unsupported()
        if self.status.reason:
            self.status.state = "n/a"
            return
        with self._record_failure():
            self.context.group.gather(self._describe)
            with self.folder.lock() as ours, around(self) if ours else nullcontext(), self._record_failure():
                if not ours:
                    return
                evaluation = self._evaluation
                if pending := evaluation.pending():
                    console.print(self.title, markup=False)
                    self.folder.prepare()
                    self._trackers.start(tracked_cell(self.folder, self.status, self._protocol))
                    if pending.needs_predictions:
                        method = load_or_train(
                            self.context,
                            self.variant,
                            self._train_pairs,
                            self.folder,
                            self.guide,
                            self._trackers,
                            evaluation.evaluate_during_training,
                        )
                        pending = evaluation.pending()  # a training removes the rows of earlier weights
                        evaluation.predict(method, pending)
                    evaluation.finish(pending)
                self.status.state = "done"

    @contextmanager
    def _record_failure(self) -> Iterator[None]:
        """Turn an exception into the status "failed": a row of the table says so, and the other cells go on."""
        try:
            yield
        except LockLost as error:  # the cell stays pending, and its results are read when the other process is done
            console.print(f"{self.status.variant}: {error}", markup=False, soft_wrap=True)
        except Exception as error:
            self.status.state = "failed"
            self.status.reason = str(error) if isinstance(error, BadInput) else f"{type(error).__name__}: {error}"
            where = "before it had a folder"
            if self.status.folder:
                where = self.folder.path
                with suppress(OSError):  # that may be why it failed
                    self.folder.write_failure("".join(traceback.format_exception(error)))
            console.print(f"[red]{escape(self.status.variant)} failed:[/] {escape(f'{self.status.reason} ({where})')}")
        finally:
            self._trackers.finish(self.status.state, self.status.reason)

    def _describe(self) -> None:
        """Fill in the status: the cell's folder, notes for readers, and the names of its rows."""
        self.status.folder = self.folder.path.name
        names = [mask_set.name for mask_set in self._train_mask_sets]
        only = names if len(names) < len(self._protocol.train_masks) else []
        self.status.notes = notes(self.variant, self.status.variant, self.guide, only, self._mixed)
        digest, postprocess = self.context.images.test_digest, self.variant.model.postprocess
        self.status.evaluation_ids = {
            name: evaluation_id(pairs, digest, postprocess, self._mixed) for name, pairs in self._test_pairs.items()
        }

    def _why_unsupported(self) -> str:
        """Return the reason why the method cannot serve the protocol at all, or ""."""
        if reason := refusal(self.variant.model, self._protocol):
            return reason
        test_masks, unfit = self._protocol.test_masks, self._unsupported
        self.status.refused = {name: unfit[name] for name in test_masks if name in unfit}
        if len(self.status.refused) == len(test_masks):
            return unfit[test_masks[0]]
        if self.variant.model.recipe and not self._train_mask_sets:
            return f"can be trained with none of the training masks: it {unfit[self._protocol.train_masks[0]]}"
        return ""

    @property
    def _protocol(self) -> Protocol:
        return self.context.protocol

    @cached_property
    def _unsupported(self) -> dict[str, str]:
        """For each mask set that the method cannot fill, the reason."""
        return unsupported_masks(self.variant.model, self.context.mask_sets.values(), self._protocol)

    @property
    def _train_mask_sets(self) -> list[MaskSet]:
        return [self.context.mask_sets[name] for name in self._protocol.train_masks if name not in self._unsupported]

    @cached_property
    def guide(self) -> Guide | None:
        return resolve(self.variant.model.guide)(self.context.device) if self.variant.model.guide else None

    @cached_property
    def folder(self) -> CellFolder:
        runtime = self.context.runtime
        key = cell_key(self.plugin, self.variant, self._train_pairs, self.context.images, runtime, self.guide)
        return self.context.store.cell(key)

    @cached_property
    def _train_pairs(self) -> TrainPairs:
        images = self.context.images
        readable = images.train_digests.indexes if self.context.skip_bad else None
        return TrainPairs(self._protocol, images.train, self._train_mask_sets, self.seed, readable)

    @cached_property
    def _test_pairs(self) -> dict[str, TestPairs]:
        names = [name for name in self._protocol.test_masks if name not in self.status.refused]
        images, mask_sets = self.context.images.test, self.context.mask_sets
        return {name: TestPairs(self._protocol, images, mask_sets[name]) for name in names}

    @cached_property
    def _trackers(self) -> TrackerGroup:
        records = self.context.trackers if self.context.group.is_rank_zero else ()
        return TrackerGroup(records, self.context.store.root)

    @cached_property
    def _evaluation(self) -> CellEvaluation:
        return CellEvaluation(
            self.context, self.variant, self.status, self.folder, self._test_pairs, self.guide, self._trackers
        )
