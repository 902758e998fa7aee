"""Rules on the pictures that come back."""

import torch
from torch import Tensor

from bench_core.conformance import test_inputs
from bench_core.conformance.method_under_test import MethodUnderTest, TestInput
from bench_core.conformance.report import Verdict
from bench_core.methods.inpaint import fill


def value_range(subject: MethodUnderTest) -> Verdict:
    """Pictures have the image's shape and type, and values in [0, 1]."""
    for name, case in _pictures(subject).items():
        found = subject.paint(*case)
        if found.shape != case.image.shape or found.dtype != case.image.dtype:
            return "fail", f"{_kind(found)} come back for {_kind(case.image)} ({name})"
        values = found[found.isfinite()]
        if values.numel() and not (values.min() >= 0 and values.max() <= 1):
            return "fail", f"values range from {values.min():.3g} to {values.max():.3g} on {name}, outside [0, 1]"
    return "pass", "in [0, 1] on black, white, noise and a photograph"


def finite(subject: MethodUnderTest) -> Verdict:
    """Every value of a picture is a number."""
    for name, case in _pictures(subject).items():
        wrong = (~subject.paint(*case).isfinite()).float().mean().item()
        if wrong:
            return "fail", f"{wrong:.0%} of the values are no numbers on {name}"
    return "pass", "on black, white, noise and a photograph"


def sizes(subject: MethodUnderTest) -> Verdict:
    """The declared sizes work, wide and tall ones too, and by padding all others."""
    if subject.scale in subject.model.fixed_size:
        _expect_whole(subject, subject.case())
        return "pass", f"{subject.side} x {subject.side} pixels, and declared to take no other size"
    more = subject.multiple
    for rows, columns in ((0, 0), (0, 2 * more), (more, 0)):
        _expect_whole(subject, subject.case(rows, columns))
    image, hole, guidance = subject.case(3, 5)
    filled = fill(subject.method, subject.multiple, subject.postprocess, image, hole, *guidance)
    _expect_shape(filled, image)
    return "pass", f"multiples of {more}, square or not, and {image.shape[-1]} x {image.shape[-2]} pixels by padding"


def masks(subject: MethodUnderTest) -> Verdict:
    """Holes of every shape are filled with numbers, or refused by what the method declares to serve."""
    refused: dict[str, str] = {}
    for name, hole in test_inputs.shapes(subject.plugins, subject.side).items():
        if reason := subject.refusal(hole):
            refused[name] = reason
            continue
        case = subject.shown(test_inputs.photograph(subject.plugins, subject.channels, *hole.shape[-2:]), hole)
        if not subject.paint(*case).isfinite().all():
            return "fail", f"the picture holds what is no number where the hole is {name!r}"
    if refused:
        return "told", f"refused: {', '.join(refused)}. It {next(iter(refused.values()))}"
    return "pass", "any: boxes, strokes, at the border, one pixel, all but one, none"


def _pictures(subject: MethodUnderTest) -> dict[str, TestInput]:
    case, size = subject.case(), (subject.channels, subject.side, subject.side)
    flat = torch.zeros_like(case.image)
    return {
        "a photograph": case,
        "noise": subject.shown(test_inputs.noise(*size), case.hole),
        "black": subject.shown(flat, case.hole),
        "white": subject.shown(flat + 1, case.hole),
    }


def _expect_whole(subject: MethodUnderTest, case: TestInput) -> None:
    _expect_shape(subject.paint(*case), case.image)


def _expect_shape(found: Tensor, image: Tensor) -> None:
    if found.shape != image.shape:
        raise ValueError(f"{_kind(found)} come back for {_kind(image)}")


def _kind(picture: Tensor) -> str:
    return f"{str(picture.dtype).removeprefix('torch.')} {tuple(picture.shape)}"
