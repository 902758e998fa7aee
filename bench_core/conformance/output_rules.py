"""Rules on the predictions: range, finite values, sizes, and holes of every shape."""

import torch
from torch import Tensor

from bench_core.conformance import inputs
from bench_core.conformance.inputs import CheckInput
from bench_core.conformance.method_under_test import MethodUnderTest
from bench_core.conformance.report import Verdict
from bench_core.methods.inpaint import fill


def value_range(tested: MethodUnderTest) -> Verdict:
    """Check that predictions have the image's shape and dtype, and values in [0, 1]."""
    for name, sample in _images(tested).items():
        prediction = tested.predict(*sample)
        if prediction.shape != sample.image.shape or prediction.dtype != sample.image.dtype:
            return "fail", f"the prediction is {_kind(prediction)} for {_kind(sample.image)} ({name})"
        values = prediction[prediction.isfinite()]
        if values.numel() and not (values.min() >= 0 and values.max() <= 1):
            return "fail", f"values range from {values.min():.3g} to {values.max():.3g} on {name}, outside [0, 1]"
    return "pass", "in [0, 1] on black, white, noise and a photograph"


def finite(tested: MethodUnderTest) -> Verdict:
    """Check that no predicted value is NaN or infinite."""
    for name, sample in _images(tested).items():
        share = (~tested.predict(*sample).isfinite()).float().mean().item()
        if share:
            return "fail", f"{share:.0%} of the values are NaN or infinite on {name}"
    return "pass", "on black, white, noise and a photograph"


def sizes(tested: MethodUnderTest) -> Verdict:
    """Check that the declared sizes work, also if not square, and that all other sizes work by padding."""
    if tested.scale in tested.model.fixed_size:
        _require_same_shape(tested, tested.input())
        return "pass", f"{tested.side} x {tested.side} pixels, the only size declared"
    multiple = tested.multiple
    for rows, columns in ((0, 0), (0, 2 * multiple), (multiple, 0)):
        _require_same_shape(tested, tested.input(rows, columns))
    image, hole, guidance = tested.input(3, 5)
    filled = fill(tested.method, multiple, tested.postprocess, image, hole, *guidance)
    _require_shape(filled, image)
    padded = f"{image.shape[-1]} x {image.shape[-2]}"
    return "pass", f"multiples of {multiple}, square or not, and {padded} pixels by padding"


def masks(tested: MethodUnderTest) -> Verdict:
    """Check that holes of every shape give finite predictions, unless `supports_hole` excludes them."""
    refused: dict[str, str] = {}
    for name, hole in inputs.holes(tested.plugins, tested.side).items():
        if reason := tested.refusal(hole):
            refused[name] = reason
            continue
        photograph = inputs.photograph(tested.plugins, tested.channels, *hole.shape[-2:])
        if not tested.predict(*tested.with_guidance(photograph, hole)).isfinite().all():
            return "fail", f"the prediction has NaN or infinite values for the hole {name!r}"
    if refused:
        return "note", f"not supported: {', '.join(refused)}. It {next(iter(refused.values()))}"
    return "pass", "any: boxes, strokes, at the border, one pixel, all but one, none"


def _images(tested: MethodUnderTest) -> dict[str, CheckInput]:
    sample, size = tested.input(), (tested.channels, tested.side, tested.side)
    black = torch.zeros_like(sample.image)
    return {
        "a photograph": sample,
        "noise": tested.with_guidance(inputs.noise(*size), sample.hole),
        "black": tested.with_guidance(black, sample.hole),
        "white": tested.with_guidance(black + 1, sample.hole),
    }


def _require_same_shape(tested: MethodUnderTest, sample: CheckInput) -> None:
    _require_shape(tested.predict(*sample), sample.image)


def _require_shape(prediction: Tensor, image: Tensor) -> None:
    if prediction.shape != image.shape:
        raise ValueError(f"the prediction is {_kind(prediction)} for {_kind(image)}")


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
