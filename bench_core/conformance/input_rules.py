"""Rules on the inputs: which pixels a prediction may depend on, and which tensors a method must not change."""

from collections.abc import Iterator

import torch
from torch import Tensor

from bench_core.conformance import inputs
from bench_core.conformance.inputs import CheckInput
from bench_core.conformance.method_under_test import MethodUnderTest, difference
from bench_core.conformance.report import Verdict
from bench_core.methods.method import Guidance, ImageTensor, composite

MIN_RESPONSE = 1e-6
"""A smaller response to inverting all known pixels is rounding."""


def hidden_pixels(tested: MethodUnderTest) -> Verdict:
    """Check that hidden pixels do not change the prediction, and that a guide draws no more than lines."""
    sample = tested.input()
    if leak := _guide_leak(sample.image, sample.guidance):
        return "fail", leak
    expected = tested.predict(*sample)
    for name, hidden in _fillings(sample.image):
        changed = torch.where(sample.hole.bool(), hidden, sample.image)
        error = difference(tested.predict(changed, sample.hole, sample.guidance), expected)
        if error > tested.tolerance:
            return "fail", f"hidden pixels leak: with {name} under the hole the prediction changes by {error:.2g}"
    if tested.guide:
        share = sample.guidance[0].mean().item()
        return "note", f"helped by {tested.guide.name}, drawn from the ground truth over {share:.0%} of the image"
    return "pass", "the prediction does not depend on hidden pixels"


def polarity(tested: MethodUnderTest) -> Verdict:
    """Check that the prediction inside the hole depends on known pixels, and is not the zero fill value."""
    image, hole, guidance = tested.input()
    inside = hole.bool().expand_as(image)
    prediction = tested.predict(image, hole, guidance)[inside]
    if not prediction.any():
        return "fail", "the prediction inside the hole is the zero fill value; is `hole` read as 1 = known?"
    inverted = tested.predict(1 - image, hole, guidance)[inside]
    if difference(prediction, inverted) <= MIN_RESPONSE:
        return "fail", "the prediction inside the hole ignores the known pixels; is `hole` read as 1 = known?"
    return "pass", "the prediction inside the hole depends on the known pixels"


def known_pixels(tested: MethodUnderTest) -> Verdict:
    """Check that a method does not change its inputs, and that the composite keeps every known pixel."""
    sample = tested.input()
    prediction, changed = _predict_and_compare_inputs(tested, sample)
    if changed:
        return "fail", f"{changed} in place, which would change the composite and the metrics"
    result = composite(sample.image, sample.hole, prediction)
    known = ~sample.hole.bool().expand_as(sample.image)
    if not result[known].equal(sample.image[known]):
        return "fail", "known pixels of the composite differ from the image"
    error = (prediction - sample.image)[known].abs().mean().item()
    return "pass", f"unchanged in the composite; the raw prediction is off by {error:.3f} there on average"


def _fillings(image: ImageTensor) -> Iterator[tuple[str, Tensor]]:
    yield "noise", inputs.noise(*image.shape[1:]).to(image)
    yield "white", torch.ones_like(image)
    yield "the negative", 1 - image


def _guide_leak(image: ImageTensor, guidance: tuple[Guidance, ...]) -> str:
    """Return how a guide passes on more of the ground truth than lines, or ""."""
    for lines in guidance:
        values = lines.unique()
        if not set(values.tolist()) <= {0.0, 1.0}:
            return f"the guide passes on {len(values)} values of the ground truth; lines have two, 0 and 1"
        if lines.shape[1] > image.shape[1]:
            return f"the guide draws {lines.shape[1]} channels of lines, more than the {image.shape[1]} of the image"
    return ""


@torch.inference_mode()
def _predict_and_compare_inputs(tested: MethodUnderTest, sample: CheckInput) -> tuple[Tensor, str]:
    """Return the prediction, and which function changed which of its input tensors."""
    given = sample.method_inputs
    prediction = tested.method.predict(*given)
    if changed := _changed(given, sample):
        return prediction, f"`predict` changes {changed}"
    if tested.postprocess:
        prediction = tested.postprocess(given[0], given[1], prediction)
        if changed := _changed(given, sample):
            return prediction, f"`postprocess` changes {changed}"
    return prediction, ""


def _changed(given: tuple[Tensor, ...], sample: CheckInput) -> str:
    named = zip(("masked", "hole", "guidance"), given, sample.method_inputs, strict=False)
    return ", ".join(f"`{name}`" for name, now, before in named if not now.equal(before))
