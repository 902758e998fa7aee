"""Published layouts: random weights in each layout give here the predictions of the layout's own code.

The other implementations are written out from their descriptions, with their names and order of channels.
"""

from collections.abc import Callable
from fractions import Fraction
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d, elu, interpolate, pad, relu, softmax, unfold

from bench_contextual_attention import CHECKPOINTS, CONTEXTUAL_ATTENTION
from bench_contextual_attention.model import build
from bench_core.methods.convert_weights import compare
from bench_core.specs import resolve

LAYOUTS = {checkpoint.name: checkpoint for checkpoint in CHECKPOINTS}
Shapes = dict[str, tuple[int, ...]]

ENCODER = [(5, 1, 1), (3, 2, 1), (3, 1, 1), (3, 2, 1), (3, 1, 1), (3, 1, 1)]
"""Kernel size, stride and dilation of every layer."""
DILATED = [(3, 1, 2), (3, 1, 4), (3, 1, 8), (3, 1, 16)]
PLAIN = (3, 1, 1)


def shrunk(x: Tensor, factor: int, aligned: bool) -> Tensor:
    if not aligned:
        return interpolate(x, scale_factor=1 / factor, mode="nearest")
    rows, columns = (
        [int(Fraction(i * (n - 1), n // factor - 1) + Fraction(1, 2)) for i in range(n // factor)] for n in x.shape[2:]
    )
    return x[:, :, rows][..., columns]


class Implementation:
    """An implementation, chain by chain: the names of its layers and their computation."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.mmagic = name == "mmagic"
        self.tensorflow = name in ("official", "daa233_tf", "daa233_tf_bgr")
        self.blue_first = name in ("official", "daa233_tf_bgr", "mmagic")
        self.chains = NAMES[name]

    def file(self, w: int) -> Shapes:
        """Return the name and shape of every tensor of a generator whose first layer has w channels."""
        encoder, decoder = [w, 2 * w, 2 * w, 4 * w, 4 * w, 4 * w], [4 * w, 4 * w, 2 * w, 2 * w, w, w // 2, 3]
        sizes = (
            (5, [*encoder, *[4 * w] * 4, *decoder]),
            (5, [w, w, 2 * w, 2 * w, *[4 * w] * 6]),
            (5, [w, w, 2 * w, *[4 * w] * 3]),
            (4 * w, [4 * w] * 2),
            (8 * w, decoder),
        )
        shapes: Shapes = {}
        for names, (before, widths) in zip(self.chains, sizes, strict=True):
            for name, width in zip(names, widths, strict=True):
                side = 5 if before == 5 else 3
                if self.name == "official":
                    shapes |= {f"{name}/kernel": (side, side, before, width), f"{name}/bias": (width,)}
                else:
                    shapes |= {f"{name}.weight": (width, before, side, side), f"{name}.bias": (width,)}
                before = width
        return shapes

    def predict(self, state: dict[str, Tensor], masked: Tensor, hole: Tensor) -> Tensor:
        """Return the second stage's output for RGB images in [0, 1], in the same range."""
        order = [2, 1, 0] if self.blue_first else [0, 1, 2]
        incomplete = (2 * masked[:, order] - 1) * (1 - hole)
        planes = [torch.ones_like(hole), hole]
        coarse, around, before, after, merged = (partial(self.chain, state, names) for names in self.chains)
        x = coarse([*ENCODER, *DILATED, *[PLAIN] * 7], torch.cat([incomplete, *planes], dim=1))
        x = torch.cat([x * hole + incomplete * (1 - hole), *planes], dim=1)
        hallucinated = around(ENCODER + DILATED, x)
        x = after([PLAIN] * 2, self.attention(before(ENCODER, x, elu if self.mmagic else relu), hole))
        x = merged([PLAIN] * 7, torch.cat([hallucinated, x], dim=1))
        return ((x + 1) / 2)[:, order]

    def chain(
        self,
        state: dict[str, Tensor],
        names: list[str],
        layers: list,
        x: Tensor,
        last: Callable[[Tensor], Tensor] = elu,
    ) -> Tensor:
        decodes = len(names) in (7, 17)
        for place, (name, (side, stride, dilation)) in enumerate(zip(names, layers, strict=True)):
            left = len(names) - place
            if decodes and left in (5, 3):
                x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
            weight, bias = (tensor for key, tensor in state.items() if key[: len(name) + 1] in (f"{name}/", f"{name}."))
            if self.name == "official":
                weight = torch.einsum("hwio->oihw", weight)
            around = dilation * (side - 1) - (self.tensorflow and stride == 2)
            sides = (around // 2, around - around // 2) * 2
            x = conv2d(pad(x, sides, "reflect" if self.mmagic else "constant"), weight, bias, stride, 0, dilation)
            if decodes and left == 1:
                return x.clip(-1, 1)
            x = (last if left == 1 else elu)(x)
        return x

    def attention(self, x: Tensor, hole: Tensor) -> Tensor:
        if len(x) > 1:
            return torch.cat([self.attention(*one) for one in zip(x.split(1), hole.split(1), strict=True)])
        small_hole = shrunk(shrunk(hole, 4, self.tensorflow), 2, self.tensorflow)
        small, channels = shrunk(x, 2, self.tensorflow), x.shape[1]
        height, width = small.shape[2:]
        count = height * width
        keys = unfold(small, 3, padding=1)[0].T.reshape(count, channels, 3, 3)
        if self.name == "daa233":
            keys = keys / (keys.square() + 1e-4).sum(dim=(1, 2, 3), keepdim=True).sqrt()
        else:
            keys = keys / keys.square().sum(dim=(1, 2, 3), keepdim=True).sqrt().clamp(min=1e-4)
        scores = conv2d(small, keys, padding=1).reshape(1, 1, count, count)  # keys, then queries
        identity = torch.eye(3, dtype=x.dtype).reshape(1, 1, 3, 3)
        grid, turned = (height, width) * 2, (width, height) * 2
        scores = conv2d(scores, identity, padding=1).reshape(grid).permute(1, 0, 3, 2)
        scores = conv2d(scores.reshape(1, 1, count, count), identity, padding=1).reshape(turned)
        scores = scores.permute(1, 0, 3, 2).reshape(1, count, height, width)
        clear = (unfold(small_hole, 3, padding=1).sum(dim=1) == 0).to(x.dtype).reshape(1, count, 1, 1)
        scores = scores + clear.log() if self.mmagic else scores * clear
        weights = softmax(10 * scores, dim=1) * clear
        patches = unfold(x, 4, padding=1, stride=2)[0].T.reshape(count, channels, 4, 4)
        pasted = conv_transpose2d(weights, patches, stride=2, padding=1)
        if not self.mmagic:
            return pasted / 4
        covers = conv_transpose2d(torch.ones_like(weights[:, :1]), torch.ones_like(patches[:1, :1]), None, 2, 1)
        return pasted / covers


DOWNS = ["1", "2_downsample", "3", "4_downsample", "5", "6"]
ATROUS = ["7_atrous", "8_atrous", "9_atrous", "10_atrous"]
UPS = ["11", "12", "13_upsample", "14", "15_upsample", "16", "17"]
CHAINS = [("conv", DOWNS + ATROUS + UPS), ("xconv", DOWNS + ATROUS), ("pmconv", DOWNS)]
CHAINS += [("pmconv", ["9", "10"]), ("allconv", UPS)]


def official_name(branch: str, layer: str) -> str:
    name = f"{branch}{layer}"
    return f"inpaint_net/{name}/{name}_conv" if layer.endswith("_upsample") else f"inpaint_net/{name}"


def daa233_name(branch: str, layer: str) -> str:
    stage = "coarse_generator" if branch == "conv" else "fine_generator"
    return f"{stage}.{branch.removeprefix('x')}{layer.removesuffix('_upsample')}.conv"


def mmagic_name(branch: str, layer: str) -> str:
    number, stage = int(layer.partition("_")[0]), "stage1" if branch == "conv" else "stage2"
    encoder = {"conv": "encoder", "xconv": "encoder_conv", "pmconv": "encoder_attention"}
    if number < 7:
        place = f"{encoder[branch]}.enc{number}"
    elif branch == "pmconv":
        place = f"contextual_attention_neck.conv{number - 8}"
    else:
        place = f"dilation_neck.dilation_convs.{number - 7}" if number < 11 else f"decoder.dec{number - 10}"
    return f"generator.{stage}.{place}.conv"


def named(name: Callable[[str, str], str], prefix: str = "") -> list[list[str]]:
    return [[prefix + name(branch, layer) for layer in layers] for branch, layers in CHAINS]


NAMES = {
    "official": named(official_name),
    "daa233": named(daa233_name),
    "daa233_tf": named(daa233_name, "netG."),
    "daa233_tf_bgr": named(daa233_name, "netG."),
    "mmagic": named(mmagic_name),
}
CRITICS = [f"discriminator_local/conv{i}" for i in range(1, 5)] + ["dout_local_fc"]
CRITICS += [name.replace("local", "global") for name in CRITICS]
FURTHER = {
    "official": [
        *(f"discriminator/{layer}/{kind}" for layer in CRITICS for kind in ("kernel", "bias", "kernel/Adam")),
        *("inpaint_net/conv1/kernel/Adam", "inpaint_net/conv1/kernel/Adam_1"),
        *("beta1_power", "beta2_power", "lr", "global_step"),
    ],
    "daa233_tf": ["localD.dis_conv_module.conv1.conv.bias", "globalD.linear.bias"],
    "daa233_tf_bgr": ["localD.dis_conv_module.conv1.conv.bias", "globalD.linear.bias"],
    "mmagic": ["generator.stage2.contextual_attention_neck.contextual_attention.fuse_kernel", "disc.fc.bias"],
}
"""Further tensors of the files."""


@pytest.mark.parametrize("name", LAYOUTS)
@torch.no_grad()
def test_converted_weights_predict_what_their_own_code_predicts(name: str) -> None:
    checkpoint, theirs = LAYOUTS[name], Implementation(name)
    file = {key: torch.randn(shape).double() for key, shape in theirs.file(8).items()}
    for key, tensor in file.items():
        tensor *= 0.03 if key.startswith(theirs.chains[2][-1]) else 1  # so that attention mixes several keys
        tensor *= 0.3 if key.startswith((theirs.chains[0][-1], theirs.chains[4][-1])) else 1  # so that few pixels clip
        tensor *= 0.1 if tensor.ndim == 1 else 1.2 * (max(tensor.shape) / tensor.numel()) ** 0.5
    method = build("nano", 3, **checkpoint.options).double().eval()
    origins = {name: resolve(checkpoint.translate)(name) for name in method.generator.state_dict()}
    ours = {name: origin.combine(*(file[one] for one in origin.names)) for name, origin in origins.items()}
    method.generator.load_state_dict(ours)
    hole = (torch.rand(2, 1, 72, 80) < 0.02).double()
    hole[:, :, 8:40, 16:48] = 1
    masked = torch.rand(2, 3, 72, 80).double() * (1 - hole)
    found = method.predict(masked, hole)
    torch.testing.assert_close(found, theirs.predict(file, masked, hole), rtol=0, atol=1e-9)
    assert found.std() > 0.02
    assert ((found > 0) & (found < 1)).double().mean() > 0.5
    for option in checkpoint.options:
        usual = {**checkpoint.options, option: CONTEXTUAL_ATTENTION.options[option]}
        other = build("nano", 3, **usual).double().eval()
        other.generator.load_state_dict(ours)
        assert (other.predict(masked, hole) - found).abs().max() > 1e-8, option


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_tensor_of_a_published_file_is_used_or_dropped(name: str) -> None:
    layout = LAYOUTS[name]
    with torch.device("meta"):
        file = {key: torch.empty(shape) for key, shape in Implementation(name).file(32).items()}
        further = {key: torch.empty(1) for key in FURTHER.get(name, [])}
        inside = file | further
        (match,) = compare(CONTEXTUAL_ATTENTION, layout, {"state_dict": inside} if name == "mmagic" else inside)
    assert (match.missing, match.unexpected, match.wrong_shape) == ([], [], [])
    assert match.used == set(file) and len(file) == 84
    assert match.dropped.keys() == further.keys()
    assert set(match.dropped.values()) == set(layout.dropped.values())


def test_the_official_file_is_as_described() -> None:
    file = Implementation("official").file(32)
    assert file["inpaint_net/conv1/kernel"] == (5, 5, 5, 32)
    assert file["inpaint_net/allconv11/kernel"] == (3, 3, 256, 128)
    assert file["inpaint_net/pmconv4_downsample/kernel"] == (3, 3, 64, 128)
    assert "inpaint_net/conv13_upsample/conv13_upsample_conv/kernel" in file


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_wrong_file_does_not_match(name: str) -> None:
    layout, kernel = LAYOUTS[name], "/kernel" if name == "official" else ".weight"
    absent, small, *_ = (layer + kernel for layer in NAMES[name][0])
    with torch.device("meta"):
        file = {key: torch.empty(shape) for key, shape in Implementation(name).file(32).items()}
        del file[absent]
        file[small] = torch.empty(1, 1, 1, 1)
        (match,) = compare(CONTEXTUAL_ATTENTION, layout, {"state_dict": file} if name == "mmagic" else file)
    assert match.missing == [f"{absent} (for coarse.conv1.weight)"]
    assert [one.partition(" ")[0] for one in match.wrong_shape] == [small]
