"""Published layouts: random weights in each layout give here the predictions of the layout's own code.

The other implementations are written out from their descriptions, with their names and order of channels.
"""

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d, elu, interpolate, pad, relu, softmax, unfold

from bench_core.methods.convert_weights import compare
from bench_core.specs import Checkpoint, resolve
from bench_gated import CHECKPOINTS, GATED
from bench_gated.model import Gated, build

LAYOUTS = {checkpoint.name: checkpoint for checkpoint in CHECKPOINTS}
Shapes = dict[str, tuple[int, ...]]
State = dict[str, Tensor]

ENCODER = [(5, 1, 1), (3, 2, 1), (3, 1, 1), (3, 2, 1), (3, 1, 1), (3, 1, 1)]
"""Kernel size, stride and dilation of every layer."""
DILATED = [(3, 1, 2), (3, 1, 4), (3, 1, 8), (3, 1, 16)]
PLAIN = (3, 1, 1)


def is_output(names: list[str], place: int) -> bool:
    """Return True for the last layer of the two chains that end in a decoder."""
    return len(names) in (7, 17) and place == len(names) - 1


class CheckpointFile:
    """An implementation, chain by chain: the names of its layers and their computation."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.mmagic = name == "mmagic"
        self.tensorflow = name in ("official", "nipponjo_tf", "nipponjo_tf_bgr")
        self.blue_first = name in ("official", "nipponjo_tf_bgr", "mmagic")
        self.coarse, self.around, self.before, self.after, self.merged = NAMES[name]
        self.refinement_channels = 5 if self.mmagic else 3

    def widths(self, w: int) -> Iterable[tuple[list[str], int, list[int]]]:
        """Yield every chain's names, input channels and output channels without gates; the first layer has w."""
        encoder, decoder = [w, 2 * w, 2 * w, 4 * w, 4 * w, 4 * w], [4 * w, 4 * w, 2 * w, 2 * w, w, w // 2, 3]
        last = [u * 4 // 3 for u in decoder[:-1]] + [3] if self.mmagic else decoder
        yield self.coarse, 5, [*encoder, *[4 * w] * 4, *decoder]
        yield self.around, self.refinement_channels, [w, w, 2 * w, 2 * w, *[4 * w] * 6]
        yield self.before, self.refinement_channels, [w, w, 2 * w, *[4 * w] * 3]
        yield self.after, 4 * w, [4 * w] * 2
        yield self.merged, 8 * w, last

    def file(self, w: int) -> Shapes:
        """Return the name and shape of every tensor of the generator."""
        shapes: Shapes = {}
        for names, before, widths in self.widths(w):
            for place, (name, width) in enumerate(zip(names, widths, strict=True)):
                side = 5 if place == 0 and len(names) > 5 and before <= 5 else 3
                out = 3 if is_output(names, place) and not self.mmagic else 2 * width
                if self.name == "official":
                    shapes |= {f"{name}/kernel": (side, side, before, out), f"{name}/bias": (out,)}
                else:
                    shapes |= {f"{name}.weight": (out, before, side, side), f"{name}.bias": (out,)}
                before = width
        return shapes

    def predict(self, state: State, masked: Tensor, hole: Tensor) -> Tensor:
        """Return the second stage's output for RGB images in [0, 1], in the same range."""
        order = [2, 1, 0] if self.blue_first else [0, 1, 2]
        incomplete = (2 * masked[:, order] - 1) * (1 - hole)
        planes = [torch.ones_like(hole), hole]
        chain = partial(self.chain, state)
        x = chain(self.coarse, [*ENCODER, *DILATED, *[PLAIN] * 7], torch.cat([incomplete, *planes], dim=1)).tanh()
        x = x * hole + incomplete * (1 - hole)
        if self.mmagic:
            x = torch.cat([x, *planes], dim=1)
        around = chain(self.around, ENCODER + DILATED, x)
        x = chain(self.before[:5], ENCODER[:5], x)
        x = chain(self.before[5:], [PLAIN], x, elu if self.mmagic else relu)
        x = chain(self.after, [PLAIN] * 2, self.attention(x, hole))
        x = chain(self.merged, [PLAIN] * 7, torch.cat([around, x], dim=1)).tanh()
        return ((x + 1) / 2)[:, order]

    def chain(
        self, state: State, names: list[str], layers: list, x: Tensor, activation: Callable[[Tensor], Tensor] = elu
    ) -> Tensor:
        for place, (name, (side, stride, dilation)) in enumerate(zip(names, layers, strict=True)):
            if len(names) - place in (5, 3) and len(names) in (7, 17):  # the third and the fifth of a decoder
                x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
            if self.name == "official":
                weight, bias = torch.einsum("hwio->oihw", state[f"{name}/kernel"]), state[f"{name}/bias"]
            else:
                weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
            around = dilation * (side - 1) - (self.tensorflow and stride == 2)
            sides = (around // 2, around - around // 2) * 2
            y = conv2d(pad(x, sides, "reflect" if self.mmagic else "constant"), weight, bias, stride, 0, dilation)
            if is_output(names, place) and not self.mmagic:
                return y
            features, gate = y.split(y.shape[1] // 2, dim=1)
            x = (features if is_output(names, place) else activation(features)) / (1 + torch.exp(-gate))
        return x

    def shrunk(self, x: Tensor, factor: int) -> Tensor:
        if not self.tensorflow:
            return interpolate(x, scale_factor=1 / factor, mode="nearest")
        rows, columns = (
            [int(Fraction(i * (n - 1), n // factor - 1) + Fraction(1, 2)) for i in range(n // factor)]
            for n in x.shape[2:]
        )
        return x[:, :, rows][..., columns]

    def attention(self, x: Tensor, hole: Tensor) -> Tensor:
        if len(x) > 1:
            return torch.cat([self.attention(*one) for one in zip(x.split(1), hole.split(1), strict=True)])
        small_hole = self.shrunk(self.shrunk(hole, 4), 2) if self.name == "official" else self.shrunk(hole, 8)
        small, channels = self.shrunk(x, 2), x.shape[1]
        height, width = small.shape[2:]
        count = height * width
        keys = unfold(small, 3, padding=1)[0].T.reshape(count, channels, 3, 3)
        keys = keys / keys.square().sum(dim=(1, 2, 3), keepdim=True).sqrt().clamp(min=1e-4)
        scores = conv2d(small, keys, padding=1).reshape(1, 1, count, count)  # keys, then queries
        if self.name not in ("nipponjo_tf", "nipponjo_tf_bgr"):
            identity = torch.eye(3, dtype=x.dtype).reshape(1, 1, 3, 3)
            grid, turned = (height, width) * 2, (width, height) * 2
            scores = conv2d(scores, identity, padding=1).reshape(grid).permute(1, 0, 3, 2)
            scores = conv2d(scores.reshape(1, 1, count, count), identity, padding=1).reshape(turned)
            scores = scores.permute(1, 0, 3, 2)
        scores = scores.reshape(1, count, height, width)
        clear = (unfold(small_hole, 3, padding=1).sum(dim=1) == 0).to(x.dtype).reshape(1, count, 1, 1)
        scores = scores + clear.log() if self.mmagic else scores * clear
        weights = softmax(10 * scores, dim=1) * clear
        patches = unfold(x, 4, padding=1, stride=2)[0].T.reshape(count, channels, 4, 4)
        pasted = conv_transpose2d(weights, patches, stride=2, padding=1)
        if not self.mmagic:
            return pasted / 4
        covers = conv_transpose2d(torch.ones_like(weights[:, :1]), torch.ones_like(patches[:1, :1]), None, 2, 1)
        return pasted / covers


def tensorflow_names(prefix: str, wrap: Callable[[str], str]) -> tuple[list[str], ...]:
    downs = ["1", "2_downsample", "3", "4_downsample", "5", "6"]
    atrous = ["7_atrous", "8_atrous", "9_atrous", "10_atrous"]
    ups = ["11", "12", "13_upsample", "14", "15_upsample", "16", "17"]
    chains = {"conv": downs + atrous + ups, "xconv": downs + atrous, "pmconv": downs}
    chains |= {"pmconv ": ["9", "10"], "allconv": ups}
    return tuple([prefix + wrap(branch.strip() + one) for one in ones] for branch, ones in chains.items())


def fine_tuned_names() -> tuple[list[str], ...]:
    downs = [f"down_block{i}.{conv}" for i in (1, 2) for conv in ("conv1_downsample", "conv2")]
    ups = [f"up_block{i}.{conv}" for i in (1, 2) for conv in ("conv1_upsample.conv", "conv2")]
    deep = [f"conv_bn{i}" for i in range(1, 8)]
    chains = {
        "stage1.": ["conv1", *downs, *deep, *ups, "conv_to_rgb"],
        "stage2.conv_": ["conv1", *downs, *deep[:5]],
        "stage2.ca_": ["conv1", *downs, deep[0]],
        "stage2.ca_ ": deep[3:5],
        "stage2.": [*deep[5:], *ups, "conv_to_rgb"],
    }
    return tuple([f"{place.strip()}{one}.conv" for one in ones] for place, ones in chains.items())


def mmagic_names() -> tuple[list[str], ...]:
    def numbered(place: str, numbers: range) -> list[str]:
        return [f"generator.{place}{i}.conv.conv" for i in numbers]

    encoder, neck, decoder = range(1, 7), range(4), range(1, 8)
    return (
        numbered("stage1.encoder.enc", encoder)
        + numbered("stage1.dilation_neck.dilation_convs.", neck)
        + numbered("stage1.decoder.dec", decoder),
        numbered("stage2.encoder_conv.enc", encoder) + numbered("stage2.dilation_neck.dilation_convs.", neck),
        numbered("stage2.encoder_attention.enc", encoder),
        numbered("stage2.contextual_attention_neck.conv", range(1, 3)),
        numbered("stage2.decoder.dec", decoder),
    )


CONVERTED = tensorflow_names("", lambda name: f"{name}.conv.conv" if "up" in name else f"{name}.conv")
NAMES = {
    "official": tensorflow_names("inpaint_net/", lambda name: f"{name}/{name}_conv" if "up" in name else name),
    "nipponjo_tf": CONVERTED,
    "nipponjo_tf_bgr": CONVERTED,
    "nipponjo_pt": fine_tuned_names(),
    "mmagic": mmagic_names(),
}
FURTHER = {
    "official": [
        *(f"inpaint_net/conv1/kernel/{moment}" for moment in ("Adam", "Adam_1")),
        *(f"discriminator/sn_patch_gan/conv1/{end}" for end in ("kernel", "kernel/Adam", "bias", "kernel_sn/u")),
        *("beta1_power", "beta2_power", "lr", "global_step"),
    ],
    "mmagic": [
        "generator.stage2.contextual_attention_neck.contextual_attention.fuse_kernel",
        *(f"disc.conv1.conv.{end}" for end in ("bias", "weight_orig", "weight_u")),
    ],
}
"""Further tensors of the files."""


def converted(checkpoint: Checkpoint, method: Gated, file: State) -> State:
    """Convert a file to our generator's tensors."""
    origins = {name: resolve(checkpoint.translate)(name) for name in method.generator.state_dict()}
    return {name: origin.combine(*(file[one] for one in origin.names)) for name, origin in origins.items()}


@pytest.mark.parametrize("name", LAYOUTS)
@torch.no_grad()
def test_converted_weights_predict_what_their_own_code_predicts(name: str) -> None:
    checkpoint, theirs = LAYOUTS[name], CheckpointFile(name)
    torch.manual_seed(0)
    file = {key: torch.randn(shape).double() for key, shape in theirs.file(6).items()}
    for key, tensor in file.items():
        tensor *= 0.2 if key.startswith(theirs.before[-1]) else 1  # so that attention mixes several keys
        tensor *= 0.1 if tensor.ndim == 1 else 1.9 * (max(tensor.shape) / tensor.numel()) ** 0.5
    method = build("nano", 3, **checkpoint.options).double().eval()
    method.generator.load_state_dict(converted(checkpoint, method, file))
    hole = (torch.rand(2, 1, 72, 80) < 0.02).double()
    hole[:, :, 8:40, 16:48] = 1
    masked = torch.rand(2, 3, 72, 80).double() * (1 - hole)
    found = method.predict(masked, hole)
    torch.testing.assert_close(found, theirs.predict(file, masked, hole), rtol=0, atol=1e-9)
    assert found.std() > 0.02
    for option in checkpoint.options.keys() - {"wiring"}:  # whose shapes differ
        usual = build("nano", 3, **{**checkpoint.options, option: GATED.options[option]}).double().eval()
        usual.generator.load_state_dict(method.generator.state_dict())
        assert (usual.predict(masked, hole) - found).abs().max() > 1e-8, option


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_tensor_of_a_published_file_is_used_or_dropped(name: str) -> None:
    layout = LAYOUTS[name]
    with torch.device("meta"):
        file = {key: torch.empty(shape) for key, shape in CheckpointFile(name).file(24).items()}
        further = {key: torch.empty(1) for key in FURTHER.get(name, [])}
        inside = file | further
        (match,) = compare(GATED, layout, {layout.state_dict_key: inside, "D": {}} if layout.state_dict_key else inside)
    assert (match.missing, match.unexpected, match.wrong_shape) == ([], [], [])
    assert match.used == set(file) and match.dropped.keys() == further.keys()
    assert set(match.dropped.values()) == set(layout.dropped.values())


def test_the_official_file_is_as_described() -> None:
    file = CheckpointFile("official").file(24)
    assert file["inpaint_net/allconv11/kernel"] == (3, 3, 192, 192)
    assert file["inpaint_net/allconv17/kernel"] == (3, 3, 12, 3)
    assert "inpaint_net/conv13_upsample/conv13_upsample_conv/kernel" in file
