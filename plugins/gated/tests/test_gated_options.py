"""Options: each has its effect, and unknown values are refused."""

import inspect
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import elu

from bench_core.errors import BadInput
from bench_core.nn.conv import PaddedConv2d
from bench_core.specs import resolve
from bench_gated import GATED, GUIDED
from bench_gated.layers import GatedConv2d
from bench_gated.model import Gated, build

OTHER: dict[str, Any] = {
    "fuse": False,
    "mask_logit": "-inf",
    "overlap": "counted",
    "hole_steps": 1,
    "tf_compat": False,
    "wiring": "mmagic",
}


def noisy_pair() -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    hole = (torch.rand(1, 1, 72, 88) < 0.03).float()
    return torch.rand(1, 3, 72, 88) * (1 - hole), hole


def built(**options: Any) -> Gated:
    """Build with weights large enough for attention to matter."""
    torch.manual_seed(0)
    method = build("nano", 3, **options).eval()
    with torch.no_grad():
        for parameter in method.generator.parameters():
            parameter.mul_(1.5)
    return method


def layers(method: Gated, kind: type[nn.Module]) -> dict[str, nn.Module]:
    return {name: layer for name, layer in method.generator.named_modules() if isinstance(layer, kind)}


def test_the_model_records_list_the_defaults() -> None:
    signature = inspect.signature(build).parameters
    assert {name: p.default for name, p in signature.items() if p.kind is p.KEYWORD_ONLY} == GATED.options
    assert GUIDED.options == GATED.options
    assert OTHER.keys() == GATED.options.keys()


@pytest.mark.parametrize("option", OTHER)
@pytest.mark.parametrize("model", [GATED, GUIDED], ids=lambda model: model.name)
def test_every_option_reaches_both_forms(model, option: str) -> None:
    for value in (OTHER[option], GATED.options[option]):
        method = resolve(model.build)("nano", 3, **{option: value})
        refinement = method.generator.refinement
        found = {
            "fuse": refinement.attention.fuse,
            "mask_logit": refinement.attention.mask_logit,
            "overlap": refinement.attention.overlap,
            "hole_steps": refinement.attention.hole_steps,
            "tf_compat": refinement.attention.align_corners,
            "wiring": {5: "mmagic", 3: "official"}[refinement.dilated[0].in_channels],
        }
        assert found == {**GATED.options, option: value}


@pytest.mark.parametrize("option", OTHER)
@torch.no_grad()
def test_every_option_changes_the_prediction(option: str) -> None:
    usual, other = built().double(), built(**{option: OTHER[option]}).double()
    masked, hole = (plane.double() for plane in noisy_pair())
    assert (usual.predict(masked, hole) - other.predict(masked, hole)).abs().max() > 1e-7


@pytest.mark.parametrize(
    ("option", "value"), [("mask_logit", "no"), ("overlap", "4"), ("hole_steps", 3), ("wiring", "")]
)
def test_an_unknown_value_is_refused(option: str, value: Any) -> None:
    with pytest.raises(BadInput, match=f"There is no {option} '{value}'"):
        build("nano", 3, **{option: value})


def test_without_tf_compat_padding_is_even() -> None:
    for layer in layers(built(tf_compat=False), PaddedConv2d).values():
        assert isinstance(layer, PaddedConv2d) and not layer.lopsided
        assert (layer.padding_mode, layer.padding) == ("zeros", (layer.dilation[0] * (layer.kernel_size[0] // 2),) * 2)


@pytest.mark.parametrize("tf_compat", [True, False])
def test_mmagics_wiring_pads_with_mirrored_pixels_and_uses_elu_only(tf_compat: bool) -> None:
    method = built(wiring="mmagic", tf_compat=tf_compat)
    outputs = ("coarse.conv17", "refinement.merged.allconv17")
    for layer in layers(method, PaddedConv2d).values():
        assert isinstance(layer, GatedConv2d) and layer.padding_mode == "reflect" and layer.padding != (0, 0)
    gated = layers(method, GatedConv2d)
    assert all(isinstance(gated.pop(name).activation, nn.Identity) for name in outputs)
    assert {layer.activation for layer in gated.values()} == {elu}


def test_mmagics_last_decoder_is_wider_by_a_third() -> None:
    with torch.device("meta"):
        merged = build("paper", 3, wiring="mmagic").generator.refinement.merged
    widths = [layer.out_channels // 2 for layer in merged if isinstance(layer, GatedConv2d)]
    assert widths == [128, 128, 64, 64, 32, 16, 3]


@torch.no_grad()
def test_mmagics_second_stage_gets_ones_and_hole() -> None:
    method, (masked, hole) = built(wiring="mmagic"), noisy_pair()
    inputs_of_branches = []
    for branch in (method.generator.refinement.dilated, method.generator.refinement.before):
        branch.register_forward_pre_hook(lambda _, inputs: inputs_of_branches.append(inputs[0]))
    output = method(masked, hole)
    assert output.coarse is not None
    filled = (2 * output.coarse - 1) * hole + (2 * masked - 1) * (1 - hole)
    for found in inputs_of_branches:
        torch.testing.assert_close(found, torch.cat([filled, torch.ones_like(hole), hole], dim=1))
    assert len(inputs_of_branches) == 2


@pytest.mark.parametrize(("height", "width"), [(64, 72), (72, 64)])
def test_mmagics_wiring_refuses_small_images(height: int, width: int) -> None:
    with pytest.raises(BadInput, match=f"more than 64, not {height} x {width}"):
        built(wiring="mmagic").predict(torch.zeros(1, 3, height, width), torch.zeros(1, 1, height, width))
