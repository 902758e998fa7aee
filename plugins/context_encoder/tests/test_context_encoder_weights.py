"""Weights in BoyuanJiang's layout give the same predictions here as in their code."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import batch_norm, conv2d, conv_transpose2d, leaky_relu

import bench_context_encoder
from bench_context_encoder.model import NARROWING, build
from bench_context_encoder.weights import translate
from bench_core.methods.convert_weights import compare
from bench_core.weights import readers

CENTRE = bench_context_encoder.bench_models()[0]
(LAYOUT,) = CENTRE.checkpoints

CONVS, DECONVS = (0, 2, 5, 8, 11, 14), (17, 20, 23, 26, 29)
NORMS = (3, 6, 9, 12, 15, 18, 21, 24, 27)
CHANNELS = (3, 4, 4, 8, 16, 32, 250, 32, 16, 8, 4, 3)
"""Channels from the image through every layer to the patch, 1/16 of the published ones."""


def their_checkpoint() -> dict[str, Any]:
    """Return a checkpoint as their training saves it, with smaller widths."""
    state = {}
    for place, (before, after) in zip(CONVS + DECONVS, pairwise(CHANNELS), strict=True):
        shape = (after, before) if place in CONVS else (before, after)
        state[f"main.{place}.weight"] = torch.randn(*shape, 4, 4) / (4 * before**0.5)
        if place + 1 in NORMS:
            for kind in ("weight", "bias", "running_mean"):
                state[f"main.{place + 1}.{kind}"] = torch.randn(after)
            state[f"main.{place + 1}.running_var"] = torch.rand(after) + 0.5
            state[f"main.{place + 1}.num_batches_tracked"] = torch.tensor(7)
    return {"epoch": 200, "state_dict": state}


def their_forward(state: dict[str, Tensor], x: Tensor) -> Tensor:
    for place in CONVS + DECONVS:
        weight = state[f"main.{place}.weight"]
        stride, padding = (1, 0) if place in (14, 17) else (2, 1)
        x = (conv2d if place in CONVS else conv_transpose2d)(x, weight, stride=stride, padding=padding)
        if place + 1 in NORMS:
            kinds = ("running_mean", "running_var", "weight", "bias")
            mean, var, gain, shift = (state[f"main.{place + 1}.{kind}"] for kind in kinds)
            x = batch_norm(x, mean, var, gain, shift)
        x = leaky_relu(x, 0.2) if place in CONVS else x.clamp(min=0) if place != 29 else torch.tanh(x)
    return x


def test_their_file_gives_the_same_prediction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(NARROWING, "paper", 16)
    saved, path = their_checkpoint(), tmp_path / "netG_streetview.pth"
    torch.save(saved, path)
    (match,) = compare(CENTRE, LAYOUT, readers.read(path).content)
    assert (match.missing, match.unexpected, match.wrong_shape, match.dropped) == ([], [], [], {})
    generator, x = match.method.generator.eval(), torch.randn(2, 3, 128, 128)
    generator.load_state_dict(match.state)
    with torch.no_grad():
        torch.testing.assert_close(generator(x), their_forward(saved["state_dict"], x), rtol=1e-4, atol=1e-5)


def test_the_layout_is_that_of_scale_paper():
    with torch.device("meta"):
        ours = build("paper", 3, **LAYOUT.options).generator.state_dict()
    found = {name: value.shape for key, value in ours.items() for name in translate(key).names}
    for name, value in their_checkpoint()["state_dict"].items():
        wide = [side * 16 if side not in (3, 1) else side for side in value.shape[:2]]
        assert found.pop(name) == (*wide, *value.shape[2:]), name
    assert not found


def test_a_layer_that_their_network_lacks_has_no_origin():
    with pytest.raises(KeyError):
        translate("deconv128.conv.weight")
