"""Random weights in published layouts give here the predictions of the layouts' own code.

The other implementations are written out from their equations, independently of ours.
"""

from collections.abc import Callable
from fnmatch import fnmatch

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d

import bench_pconv
from bench_core.specs import Checkpoint, resolve
from bench_pconv.model import PConv, build_seven

State = dict[str, Tensor]
Layer = Callable[[State, str, Tensor, Tensor, int], tuple[Tensor, Tensor]]
MODEL = bench_pconv.bench_models()[1]
NAOTO0804, MMAGIC = MODEL.checkpoints
WIDTHS = (8, 12, 16, 20)
MEAN, DEVIATION = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def layers(widths: tuple[int, ...]) -> dict[str, tuple[int, int, int]]:
    """Return input channels, output channels and kernel size of every layer, by half and number."""
    skips = (3, *widths[:-1])
    table = {}
    for number, (skip, width, kernel) in enumerate(zip(skips, widths, (7, 5, 5, 3, 3, 3, 3), strict=False), start=1):
        table[f"enc{number}"] = (skip, width, kernel)
        table[f"dec{number}"] = (width + skip, skip, 3)
    return table


def make_state(
    widths: tuple[int, ...], convolution: Callable[[str], str], norm: Callable[[str], str], ones: str, biases: set[str]
) -> State:
    state = {}
    for name, (below, above, kernel) in layers(widths).items():
        state[f"{convolution(name)}.weight"] = torch.randn(above, below, kernel, kernel) / (below * kernel**2) ** 0.5
        state[ones.format(convolution(name).rpartition(".")[0])] = torch.ones(above, below, kernel, kernel)
        if name in biases:
            state[f"{convolution(name)}.bias"] = torch.randn(above)
        if name not in ("enc1", "dec1"):
            state |= {f"{norm(name)}.{kind}": torch.randn(above) for kind in ("weight", "bias", "running_mean")}
            state |= {f"{norm(name)}.running_var": torch.rand(above) + 0.5}
            state |= {f"{norm(name)}.num_batches_tracked": torch.tensor(7)}
    return state


def of_naoto0804(widths: tuple[int, ...]) -> State:
    """The ratio's numerator is missing there, so weights that work are as many times larger as a window is wide."""

    def at(name: str) -> str:
        return f"{name[:3]}_{name[3:]}"

    state = make_state(
        widths,
        lambda name: f"{at(name)}.conv.input_conv",
        lambda name: f"{at(name)}.bn",
        "{}.mask_conv.weight",
        {"dec1"},
    )
    return {name: value * value[0].numel() if "input_conv.weight" in name else value for name, value in state.items()}


def of_mmagic(widths: tuple[int, ...]) -> State:
    def at(name: str) -> str:
        return f"generator.{'encoder' if name[:3] == 'enc' else 'decoder'}.{name}"

    state = make_state(
        widths,
        lambda name: f"{at(name)}.conv",
        lambda name: f"{at(name)}.bn",
        "{}.conv.weight_mask_updater",
        {"enc1", "dec1"},
    )
    return state | {"loss_percep.vgg.vgg_layers.0.weight": torch.randn(2, 3, 3, 3)}


def their_network(state: State, image: Tensor, mask: Tensor, layer: Layer, depth: int) -> Tensor:
    """Compute their U-Net for an image and a mask of its shape, 1 = valid."""
    passed = [(image, mask)]
    for number in range(1, depth + 1):
        y, m = layer(state, f"enc{number}", *passed[-1], 2)
        passed.append((y.clamp(min=0), m))
    x, m = passed.pop()
    for number in range(depth, 0, -1):
        skip, skip_mask = passed.pop()
        x, m = (torch.cat([one.repeat_interleave(2, 2).repeat_interleave(2, 3), other], 1)
                for one, other in ((x, skip), (m, skip_mask)))  # fmt: skip
        x, m = layer(state, f"dec{number}", x, m, 1)
        x = x if number == 1 else torch.maximum(x, 0.2 * x)
    return x


def normed(state: State, at: str, y: Tensor) -> Tensor:
    if f"{at}.weight" not in state:
        return y
    kinds = ("running_mean", "running_var", "weight", "bias")
    mean, variance, gain, shift = (state[f"{at}.{kind}"].view(1, -1, 1, 1) for kind in kinds)
    return (y - mean) / (variance + 1e-5).sqrt() * gain + shift


def naoto_layer(state: State, name: str, x: Tensor, mask: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """W^T (X * M) / sum(M) + b."""
    at = f"{name[:3]}_{name[3:]}"
    weight, bias = state[f"{at}.conv.input_conv.weight"], state.get(f"{at}.conv.input_conv.bias", torch.zeros(1))
    padding = weight.shape[-1] // 2
    total = conv2d(mask, state[f"{at}.conv.mask_conv.weight"], None, stride, padding)
    y = conv2d(x * mask, weight, None, stride, padding) / total.clamp(min=1) + bias.view(1, -1, 1, 1)
    return normed(state, f"{at}.bn", torch.where(total > 0, y, 0.0)), (total > 0).float()


def mmagic_layer(state: State, name: str, x: Tensor, mask: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """((C(X * M) - b) * r + b) * u, where C adds b and r = N / (s + 1e-8) * u."""
    at = f"generator.{'encoder' if name[:3] == 'enc' else 'decoder'}.{name}"
    weight, bias = (
        state[f"{at}.conv.weight"],
        state.get(f"{at}.conv.bias", torch.zeros(len(state[f"{at}.conv.weight"]))),
    )
    padding = weight.shape[-1] // 2
    total = conv2d(mask, state[f"{at}.conv.weight_mask_updater"], None, stride, padding)
    updated = total.clamp(0, 1)
    ratio = weight[0].numel() / (total + 1e-8) * updated
    shift = bias.view(1, -1, 1, 1)
    y = ((conv2d(x * mask, weight, bias, stride, padding) - shift) * ratio + shift) * updated
    return normed(state, f"{at}.bn", y), updated


def naoto_predicts(state: State, masked: Tensor, valid: Tensor) -> Tensor:
    """Predict with inputs normalised as for ImageNet, and outputs converted back."""
    y = their_network(state, (masked - MEAN) / DEVIATION, valid.expand_as(masked), naoto_layer, len(WIDTHS))
    return y * DEVIATION + MEAN


def mmagic_predicts(state: State, masked: Tensor, valid: Tensor) -> Tensor:
    """Predict with inputs and outputs in blue, green, red and [-1, 1]."""
    blue_first = masked[:, [2, 1, 0]] * 2 - 1
    y = their_network(state, blue_first, valid.expand_as(masked), mmagic_layer, len(WIDTHS))
    return (y[:, [2, 1, 0]] + 1) / 2


def load_converted(method: PConv, theirs: State, checkpoint: Checkpoint) -> PConv:
    """Load a file, and assert that each of its tensors is used or named as dropped."""
    translate = resolve(checkpoint.translate)
    origins = {name: translate(name) for name in method.generator.state_dict()}
    used = {name for origin in origins.values() for name in origin.names}
    dropped = {name for name in theirs if any(fnmatch(name, pattern) for pattern in checkpoint.dropped)}
    assert used | dropped == set(theirs) and not used & dropped
    method.generator.load_state_dict(
        {name: origin.combine(*(theirs[one] for one in origin.names)) for name, origin in origins.items()}
    )
    return method.eval()


@pytest.mark.parametrize(
    ("checkpoint", "layout", "predict"),
    [(NAOTO0804, of_naoto0804, naoto_predicts), (MMAGIC, of_mmagic, mmagic_predicts)],
)
def test_converted_weights_predict_here_what_they_predict_there(checkpoint: Checkpoint, layout, predict):
    torch.manual_seed(0)
    theirs = layout(WIDTHS)
    image, valid = torch.rand(2, 3, 32, 48), torch.ones(2, 1, 32, 48)
    valid[0, :, 3:29, 10:38] = 0
    valid[1, :, :, 20:] = 0
    method = load_converted(PConv(WIDTHS, **{**MODEL.options, **checkpoint.options}), theirs, checkpoint)
    with torch.no_grad():
        here = method(image * valid, 1 - valid).prediction
    there = predict(theirs, image * valid, valid)
    assert there.std() > 0.1
    torch.testing.assert_close(here, there, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("checkpoint", "layout"), [(NAOTO0804, of_naoto0804), (MMAGIC, of_mmagic)])
def test_every_tensor_of_a_published_file_is_used_or_dropped(checkpoint: Checkpoint, layout):
    with torch.device("meta"):
        method = build_seven("paper", 3, **{**MODEL.options, **checkpoint.options})
        theirs = layout((64, 128, 256, 512, 512, 512, 512))
        load_converted(method, theirs, checkpoint)
    if checkpoint is NAOTO0804:  # its parameters include the kernels of ones
        statistics = ("running_mean", "running_var", "num_batches_tracked")
        assert sum(value.numel() for name, value in theirs.items() if not name.endswith(statistics)) == 51_550_757
