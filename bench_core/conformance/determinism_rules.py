"""Rules on painting again: the same input, and with others beside it."""

from collections.abc import Iterator

import torch
from torch import Tensor

from bench_core.conformance.method_under_test import MethodUnderTest, difference
from bench_core.conformance.report import Verdict

SAMPLES = 8
"""Pictures that a method which draws at random is asked for."""
BATCH_TOLERANCE = 1e-4
"""Sums of float32 in another order stay below; statistics of a batch are hundreds of times larger."""


def determinism(subject: MethodUnderTest) -> Verdict:
    """The same input gives the same picture, or the method declares that it draws at random."""
    if not subject.draws_at_random:
        if subject.model.stochastic:
            return "told", "declared to draw at random, but paints one input the same way each time"
        return "pass", "the same input gives the same picture"
    if not subject.model.stochastic:
        return "fail", "two pictures of one input differ; a method that draws at random declares `stochastic=True`"
    return "told", f"draws at random: {_spread(subject)}; {_repeatable(subject)}"


def batch(subject: MethodUnderTest) -> Verdict:
    """No picture depends on those beside it, and painting leaves the method as it was."""
    before = {name: value.clone() for name, value in _tensors(subject)}
    case = subject.case(batch=2)
    ones = zip(*(tensor.split(1) for tensor in case.given), strict=True)
    with torch.inference_mode():
        together = subject.method.predict(*case.given)
        alone = torch.cat([subject.method.predict(*one) for one in ones])
    if changed := [name for name, value in _tensors(subject) if not value.equal(before[name])]:
        return "fail", f"painting changes the method itself: {', '.join(changed[:3])}"
    if subject.draws_at_random:
        return "skip", "it draws at random, so that no two batches are comparable"
    found = difference(together, alone)
    if found > BATCH_TOLERANCE:
        return "fail", f"pictures change by {found:.2g} with what is beside them; is a batch norm left in training?"
    return "pass", f"two together are as each alone, to {found:.0e}"


def _tensors(subject: MethodUnderTest) -> Iterator[tuple[str, Tensor]]:
    yield from subject.method.named_parameters()
    yield from subject.method.named_buffers()


def _spread(subject: MethodUnderTest) -> str:
    """Mean and spread over samples. The best of them against the truth is no measure of anything and is not told."""
    case = subject.case()
    inside = case.hole.bool().expand_as(case.image)
    samples = torch.stack([subject.paint(*case, seed=seed)[inside] for seed in range(SAMPLES)])
    errors = (samples - case.image[inside]).abs().mean(1)
    return (
        f"over {SAMPLES} samples the mean L1 in the hole is {errors.mean():.4f} with a standard deviation of "
        f"{errors.std():.4f}, and a pixel's is {samples.std(0).mean():.4f}"
    )


def _repeatable(subject: MethodUnderTest) -> str:
    case = subject.case()
    if difference(subject.paint(*case), subject.paint(*case)) <= subject.tolerance:
        return "torch's seed repeats a sample"
    return "no seed of torch's repeats a sample"
