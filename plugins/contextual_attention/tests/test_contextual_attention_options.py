"""Options: each has its effect, and unknown values are refused."""

import inspect
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import elu_

from bench_contextual_attention import CONTEXTUAL_ATTENTION
from bench_contextual_attention.layers import Conv
from bench_contextual_attention.model import DeepFill, build
from bench_contextual_attention.wiring import clip
from bench_core.errors import BadInput

OTHER: dict[str, Any] = {
    "fuse": False,
    "mask_logit": "-inf",
    "overlap": "counted",
    "hole_steps": 1,
    "patch_length": "shifted",
    "tf_compat": False,
    "wiring": "mmagic",
}


def noisy_pair() -> tuple[Tensor, Tensor]:
    hole = (torch.rand(1, 1, 72, 88) < 0.03).double()
    return torch.rand(1, 3, 72, 88).double() * (1 - hole), hole


def layers(method: DeepFill) -> dict[str, Conv]:
    return {name: layer for name, layer in method.generator.named_modules() if isinstance(layer, Conv)}


def test_the_model_record_lists_the_defaults() -> None:
    signature = inspect.signature(build).parameters
    assert {name: p.default for name, p in signature.items() if p.kind is p.KEYWORD_ONLY} == (
        CONTEXTUAL_ATTENTION.options
    )
    assert OTHER.keys() == CONTEXTUAL_ATTENTION.options.keys()


@pytest.mark.parametrize("option", OTHER)
@torch.no_grad()
def test_every_option_changes_the_prediction(option: str, scramble) -> None:
    pair, predictions = noisy_pair(), []
    for options in ({}, {option: OTHER[option]}, {option: CONTEXTUAL_ATTENTION.options[option]}):
        torch.manual_seed(3)
        predictions.append(scramble(build("nano", 3, **options).double()).predict(*pair))
    usual, other, again = predictions
    assert (usual - other).abs().max() > 1e-7
    assert torch.equal(usual, again)


@pytest.mark.parametrize(
    ("option", "value"),
    [("mask_logit", "no"), ("overlap", "4"), ("hole_steps", 3), ("patch_length", "long"), ("wiring", "")],
)
def test_an_unknown_value_is_refused(option: str, value: Any) -> None:
    with pytest.raises(BadInput, match=f"There is no {option} '{value}'"):
        build("nano", 3, **{option: value})


def test_without_tf_compat_padding_is_even() -> None:
    for layer in layers(build("nano", 3, tf_compat=False)).values():
        assert not layer.lopsided
        assert (layer.padding_mode, layer.padding) == ("zeros", (layer.dilation[0] * (layer.kernel_size[0] // 2),) * 2)


@pytest.mark.parametrize("tf_compat", [True, False])
def test_mmagics_wiring_pads_with_mirrored_pixels_and_has_no_relu(tf_compat: bool) -> None:
    found = layers(build("nano", 3, wiring="mmagic", tf_compat=tf_compat))
    assert all(layer.padding_mode == "reflect" and layer.padding != (0, 0) for layer in found.values())
    assert {layer.activation for layer in found.values()} == {elu_, clip}


@pytest.mark.parametrize(("height", "width"), [(64, 72), (72, 64)])
def test_mmagics_wiring_refuses_small_images(height: int, width: int) -> None:
    with pytest.raises(BadInput, match=f"more than 64, not {height} x {width}"):
        build("nano", 3, wiring="mmagic").predict(torch.zeros(1, 3, height, width), torch.zeros(1, 1, height, width))
