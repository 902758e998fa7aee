"""Rules on repeated predictions: of the same input, and within a batch."""

from collections.abc import Iterator

import torch
from torch import Tensor

from bench_core.conformance.method_under_test import MethodUnderTest, difference
from bench_core.conformance.report import Verdict

NUM_SAMPLES = 8
"""Samples to draw from a stochastic method."""
BATCH_TOLERANCE = 1e-4
"""Float32 sums in another order differ less; batch statistics differ hundreds of times more."""


def determinism(tested: MethodUnderTest) -> Verdict:
    """Check that the same input gives the same prediction, unless the method declares to be stochastic."""
    if not tested.is_random:
        if tested.model.stochastic:
            return "note", "declared to be stochastic, but the same input gives the same prediction"
        return "pass", "the same input gives the same prediction"
    if not tested.model.stochastic:
        return "fail", "two predictions of one input differ; a method that draws at random declares `stochastic=True`"
    return "note", f"draws at random: {_spread(tested)}; {_repeatable(tested)}"


def batch(tested: MethodUnderTest) -> Verdict:
    """Check that predictions depend on the rest of the batch only if declared, and that predicting changes no state."""
    before = {name: value.clone() for name, value in _tensors(tested)}
    sample = tested.input(batch=2)
    singles = zip(*(tensor.split(1) for tensor in sample.method_inputs), strict=True)
    with torch.inference_mode():
        together = tested.method.predict(*sample.method_inputs)
        alone = torch.cat([tested.method.predict(*single) for single in singles])
    if changed := [name for name, value in _tensors(tested) if not value.equal(before[name])]:
        return "fail", f"predicting changes the method itself: {', '.join(changed[:3])}"
    if tested.is_random:
        return "skip", "the method is stochastic, so two batches cannot be compared"
    error = difference(together, alone)
    if tested.model.batch_dependent:
        declared = "declared to depend on the rest of the batch"
        if error > BATCH_TOLERANCE:
            return "note", f"{declared}, with which predictions change by {error:.2g}; images are predicted one by one"
        return "note", f"{declared}, but a batch of two equals two batches of one"
    if error > BATCH_TOLERANCE:
        words = f"predictions change by {error:.2g} with the rest of the batch; is a batch norm training?"
        return "fail", f"{words} A method that means it declares `batch_dependent=True`"
    return "pass", f"a batch of two equals two batches of one, to {error:.0e}"


def _tensors(tested: MethodUnderTest) -> Iterator[tuple[str, Tensor]]:
    yield from tested.method.named_parameters()
    yield from tested.method.named_buffers()


def _spread(tested: MethodUnderTest) -> str:
    """Describe mean and spread of the samples.

    The best sample by the ground truth is left out: its error only measures how often one draws.
    """
    sample = tested.input()
    inside = sample.hole.bool().expand_as(sample.image)
    predictions = torch.stack([tested.predict(*sample, seed=seed)[inside] for seed in range(NUM_SAMPLES)])
    errors = (predictions - sample.image[inside]).abs().mean(1)
    return (
        f"over {NUM_SAMPLES} samples the mean L1 in the hole is {errors.mean():.4f} with a standard deviation of "
        f"{errors.std():.4f}, and a pixel's is {predictions.std(0).mean():.4f}"
    )


def _repeatable(tested: MethodUnderTest) -> str:
    sample = tested.input()
    if difference(tested.predict(*sample), tested.predict(*sample)) <= tested.tolerance:
        return "torch's seed repeats a sample"
    return "torch's seed does not repeat a sample"
