"""A cell's method with its weights: given ones, those in its folder, or trained now."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bench_core import seeds
from bench_core.data.pairs import TrainPairs
from bench_core.experiment.cell_changes import why_trained_again
from bench_core.experiment.context import RunContext
from bench_core.methods.method import Guide, Method
from bench_core.methods.variants import Variant
from bench_core.specs import resolve
from bench_core.store.cell_folder import CellFolder
from bench_core.store.lock import require_lock
from bench_core.system import files
from bench_core.system.progress import console, format_losses, progress_bar
from bench_core.training.schedule import num_images_drawn
from bench_core.training.trackers.tracker import CellTracker
from bench_core.training.trainer import Trainer
from bench_core.weights import weight_file

MAX_WAITING = 0.1
"""Share of the time that a GPU may wait for images before you are advised to load them faster."""


def load_or_train(
    context: RunContext,
    variant: Variant,
    pairs: TrainPairs,
    folder: CellFolder,
    guide: Guide | None,
    tracker: CellTracker,
    on_curve: Callable[[Method, int], None],
) -> Method:
    """Build a variant's method and load its weights, or train it and store them.

    Args:
        pairs: the training pairs, whose seed also fixes the initialisation.
        on_curve: called with the method and the step, to evaluate it during training.

    Returns:
        The method, on its device and ready to predict.
    """
    recipe = variant.model.recipe
    weights = variant.weights or (folder.trained_weights() if recipe else None)
    method = context.group.run_all(lambda: _build(context, variant, pairs.seed, weights))
    if weights:
        method.generator = context.open_fabric().setup_module(method.generator)
    elif recipe:
        if reason := context.group.on_rank_zero(lambda: why_trained_again(context.store, folder)):
            console.print(reason, markup=False, soft_wrap=True)
        runtime, protocol = context.runtime, context.protocol
        trainer = Trainer(
            context.open_fabric(),
            method,
            variant,
            pairs,
            context.backbones,
            folder.path,
            context.workers,
            guide,
            on_log=tracker.log,
            micro_batch=runtime.micro_batch,
            auto_micro_batch=runtime.auto_micro_batch,
            sync_batchnorm=runtime.sync_batchnorm,
        )
        if protocol.curve_every:
            trainer.on_curve = partial(on_curve, method)
        images_per_step = num_images_drawn(recipe, protocol, protocol.steps) / max(protocol.steps, 1)
        title = f"training {variant.name}, seed {pairs.seed}"
        with progress_bar(title, protocol.steps, each=images_per_step) as update:
            trainer.fit(lambda step, losses: update(step, format_losses(losses)))
        for note in _notes(trainer, context.device):
            console.print(f"The training of {variant.name}, seed {pairs.seed}, {note}", markup=False, soft_wrap=True)
        _store(context, variant, folder, trainer)
    return method


def _notes(trainer: Trainer, device: torch.device) -> Iterator[str]:
    """Yield what a user should know of a finished training."""
    if device.type == "cuda" and trainer.waiting_share > MAX_WAITING:
        yield f"spent {trainer.waiting_share:.0%} of its time waiting for images; give more --workers."
    if skipped := trainer.state.skipped_updates:
        yield f"left out {skipped} updates, because gradients of 16 bits were infinite."


def _build(context: RunContext, variant: Variant, seed: int, weights: Path | None) -> Method:
    """Build a method on its device, with the given weights or those that training starts from."""
    model, protocol = variant.model, context.protocol
    torch.manual_seed(seeds.seed_of("initialisation", seed))
    method: Method = resolve(model.build)(protocol.scale, protocol.channels, **model.options)
    if context.runtime.compiled and (weights or model.recipe):
        method.generator.compile()  # in place, so that its weights keep their names
    if weights:
        weight_file.load_weights(weights, method)
    return method.to(context.device)


def _store(context: RunContext, variant: Variant, folder: CellFolder, trainer: Trainer) -> None:
    """Store trained weights with their provenance, and then remove the checkpoint. All ranks must call it.

    Rows of earlier weights are removed: training again may give other weights, and a row must not mix two networks.
    """
    # one step after the other: a collective call inside of rank zero's own work would leave the ranks out of step
    learned = context.group.on_rank_zero(lambda: _save(context, variant, folder, trainer))
    if folder.remove_evaluations():
        console.print(
            f"The weights of {variant.name}, seed {trainer.pairs.seed}, were gone and have been trained again: all of "
            "its metrics are measured again.",
            markup=False,
        )
    folder.write_provenance("training", context.provenance() | learned)
    context.group.on_rank_zero(lambda: (folder.path / "checkpoint.pt").unlink(missing_ok=True))


def _save(context: RunContext, variant: Variant, folder: CellFolder, trainer: Trainer) -> dict[str, Any]:
    """Save trained weights and return what their provenance adds."""
    model, protocol, method = variant.model, context.protocol, trainer.method
    facts = {
        "method": model.shares_weights_with or model.name,
        "scale": protocol.scale,
        "channels": protocol.channels,
        "options": dict(model.options),
    }
    weights = folder.path / "weights.safetensors"
    require_lock(folder.path)
    weight_file.save_weights(weights, method, facts)
    return {
        "weights": files.sha256(weights),
        "parameters": sum(each.numel() for each in method.generator.parameters()),
        "waiting_share": round(trainer.waiting_share, 4),
        "seconds_per_step": trainer.seconds_per_step,
        "skipped_updates": trainer.state.skipped_updates,
    }
