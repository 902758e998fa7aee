"""Rules on what a method may look at, and what it must leave alone."""

from collections.abc import Iterator

import torch
from torch import Tensor

from bench_core.conformance import test_inputs
from bench_core.conformance.method_under_test import MethodUnderTest, TestInput, difference
from bench_core.conformance.report import Verdict
from bench_core.methods.method import Guidance, ImageTensor, composite

RESPONSE = 1e-6
"""A smaller one to the negative of all known pixels is rounding."""


def hidden_pixels(subject: MethodUnderTest) -> Verdict:
    """What lies under the hole must not change the picture. A guide, which sees it, draws no more than lines."""
    case = subject.case()
    if told := _hands_over(case.image, case.guidance):
        return "fail", told
    expected = subject.paint(*case)
    for name, hidden in _fillings(case.image):
        changed = torch.where(case.hole.bool(), hidden, case.image)
        found = difference(subject.paint(changed, case.hole, case.guidance), expected)
        if found > subject.tolerance:
            return "fail", f"with {name} under the hole, which no method may see, the picture changes by {found:.2g}"
    if subject.guide:
        share = case.guidance[0].mean().item()
        return "told", f"helped by {subject.guide.name}, drawn from the truth over {share:.0%} of the image"
    return "pass", "the picture stays the same whatever lies under the hole"


def polarity(subject: MethodUnderTest) -> Verdict:
    """What is painted in the hole follows the known pixels, and is not the emptiness that stands for the hidden."""
    image, hole, guidance = subject.case()
    inside = hole.bool().expand_as(image)
    found = subject.paint(image, hole, guidance)[inside]
    if not found.any():
        return "fail", "the hole is left as black as it was given: is `hole` taken to be 1 where a pixel is known?"
    other = subject.paint(1 - image, hole, guidance)[inside]
    if difference(found, other) <= RESPONSE:
        return "fail", "what is painted ignores the known pixels: is `hole` taken to be 1 where one is known?"
    return "pass", "what is painted in the hole follows the known pixels"


def known_pixels(subject: MethodUnderTest) -> Verdict:
    """Nothing that a method was given changes in its hands, and the composite keeps every known pixel."""
    case = subject.case()
    prediction, changed = _in_its_hands(subject, case)
    if changed:
        return "fail", f"{changed} in place, which would change what is composited and measured"
    result = composite(case.image, case.hole, prediction)
    known = ~case.hole.bool().expand_as(case.image)
    if not result[known].equal(case.image[known]):
        return "fail", "known pixels of the composite differ from the image"
    error = (prediction - case.image)[known].abs().mean().item()
    return "pass", f"kept in the composite bit for bit; the raw prediction is off by {error:.3f} there on average"


def _fillings(image: ImageTensor) -> Iterator[tuple[str, Tensor]]:
    yield "noise", test_inputs.noise(*image.shape[1:]).to(image)
    yield "white", torch.ones_like(image)
    yield "the negative", 1 - image


def _hands_over(image: ImageTensor, guidance: tuple[Guidance, ...]) -> str:
    """How a guide gives more of the truth away than a drawing of lines could."""
    for drawn in guidance:
        values = drawn.unique()
        if not set(values.tolist()) <= {0.0, 1.0}:
            return f"the guide hands over {len(values)} values of the truth, where lines have two, 0 and 1"
        if drawn.shape[1] > image.shape[1]:
            return f"the guide draws {drawn.shape[1]} layers of lines, more than the {image.shape[1]} of the image"
    return ""


@torch.inference_mode()
def _in_its_hands(subject: MethodUnderTest, case: TestInput) -> tuple[Tensor, str]:
    """The prediction, and who changed which of the tensors that were given."""
    given = case.given
    prediction = subject.method.predict(*given)
    if changed := _changed(given, case):
        return prediction, f"`predict` changes {changed}"
    if subject.postprocess:
        prediction = subject.postprocess(given[0], given[1], prediction)
        if changed := _changed(given, case):
            return prediction, f"`finish` changes {changed}"
    return prediction, ""


def _changed(given: tuple[Tensor, ...], case: TestInput) -> str:
    named = zip(("masked", "hole", "guidance"), given, case.given, strict=False)
    return ", ".join(f"`{name}`" for name, now, before in named if not now.equal(before))
