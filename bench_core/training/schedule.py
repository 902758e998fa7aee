"""The steps of a training, shared out among the phases of its recipe."""

from bench_core.protocol import Protocol
from bench_core.recipe import Phase, Recipe


def schedule(recipe: Recipe, steps: int) -> list[tuple[Phase, int, int]]:
    """Return every phase with its first step and the step after its last, in proportion to its share of `steps`."""
    total = sum(phase.share for phase in recipe.phases)
    bounds, passed = [0], 0.0
    for phase in recipe.phases:
        passed += phase.share
        bounds.append(round(steps * passed / total))
    return list(zip(recipe.phases, bounds[:-1], bounds[1:], strict=True))


def num_images_drawn(recipe: Recipe, protocol: Protocol, steps: int) -> int:
    """Count the images that the first `steps` steps of a training draw."""
    parts = schedule(recipe, protocol.steps)
    batches = sum(len(phase.rounds) * max(0, min(steps, last) - first) for phase, first, last in parts)
    return batches * protocol.batch
