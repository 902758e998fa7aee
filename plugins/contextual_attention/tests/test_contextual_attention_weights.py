"""Published layouts: random weights in each layout give here the predictions of the layout's own code.

The other implementations are written out from their descriptions, with their names and order of channels.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d, elu, interpolate, pad, relu, softmax, unfold

from bench_contextual_attention import CHECKPOINTS, CONTEXTUAL_ATTENTION
from bench_contextual_attention.model import DeepFill, build
from bench_core.errors import BadInput
from bench_core.methods.convert_weights import compare, import_weights
from bench_core.specs import Checkpoint, resolve

LAYOUTS = {checkpoint.name: checkpoint for checkpoint in CHECKPOINTS}
Shapes = dict[str, tuple[int, ...]]
State = dict[str, Tensor]

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

    def predict(self, state: State, masked: Tensor, hole: Tensor) -> Tensor:
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
        self, state: State, names: list[str], layers: list, x: Tensor, last: Callable[[Tensor], Tensor] = elu
    ) -> Tensor:
        decodes = len(names) in (7, 17)
        for left, (name, (side, stride, dilation)) in zip(
            range(len(names), 0, -1), zip(names, layers, strict=True), strict=True
        ):
            if decodes and left in (5, 3):
                x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
            if self.name == "official":
                weight, bias = torch.einsum("hwio->oihw", state[f"{name}/kernel"]), state[f"{name}/bias"]
            else:
                weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
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


def official_names() -> Iterator[list[str]]:
    downs = ["1", "2_downsample", "3", "4_downsample", "5", "6"]
    atrous = ["7_atrous", "8_atrous", "9_atrous", "10_atrous"]
    ups = ["11", "12", "13_upsample/{0}13_upsample_conv", "14", "15_upsample/{0}15_upsample_conv", "16", "17"]
    for branch, ones in (
        ("conv", downs + atrous + ups),
        ("xconv", downs + atrous),
        ("pmconv", downs),
        ("pmconv", ["9", "10"]),
        ("allconv", ups),
    ):
        yield [f"inpaint_net/{branch}{one.format(branch)}" for one in ones]


def daa233_names(prefix: str) -> Iterator[list[str]]:
    downs = ["1", "2_downsample", "3", "4_downsample", "5", "6"]
    atrous = ["7_atrous", "8_atrous", "9_atrous", "10_atrous"]
    ups = [str(number) for number in range(11, 18)]
    for branch, ones in (
        ("coarse_generator.conv", downs + atrous + ups),
        ("fine_generator.conv", downs + atrous),
        ("fine_generator.pmconv", downs),
        ("fine_generator.pmconv", ["9", "10"]),
        ("fine_generator.allconv", ups),
    ):
        yield [f"{prefix}{branch}{one}.conv" for one in ones]


def mmagic_names() -> Iterator[list[str]]:
    def numbered(place: str, numbers: range) -> list[str]:
        return [f"generator.{place}{i}.conv" for i in numbers]

    encoder, neck, decoder = range(1, 7), range(4), range(1, 8)
    yield (
        numbered("stage1.encoder.enc", encoder)
        + numbered("stage1.dilation_neck.dilation_convs.", neck)
        + numbered("stage1.decoder.dec", decoder)
    )
    yield numbered("stage2.encoder_conv.enc", encoder) + numbered("stage2.dilation_neck.dilation_convs.", neck)
    yield numbered("stage2.encoder_attention.enc", encoder)
    yield numbered("stage2.contextual_attention_neck.conv", range(1, 3))
    yield numbered("stage2.decoder.dec", decoder)


NAMES = {
    "official": list(official_names()),
    "daa233": list(daa233_names("")),
    "daa233_tf": list(daa233_names("netG.")),
    "daa233_tf_bgr": list(daa233_names("netG.")),
    "mmagic": list(mmagic_names()),
}
CONVERTED_CRITICS = [
    f"{critic}.{layer}.{kind}"
    for critic in ("localD", "globalD")
    for layer in (*(f"dis_conv_module.conv{i}.conv" for i in range(1, 5)), "linear")
    for kind in ("weight", "bias")
]
FURTHER = {
    "official": [
        *(f"inpaint_net/conv1/kernel/{moment}" for moment in ("Adam", "Adam_1")),
        *(
            f"discriminator/{layer}/{kind}{slot}"
            for layer in (
                *(f"discriminator_{part}/conv{i}" for part in ("local", "global") for i in range(1, 5)),
                "dout_local_fc",
                "dout_global_fc",
            )
            for kind in ("kernel", "bias")
            for slot in ("", "/Adam", "/Adam_1")
        ),
        *("beta1_power", "beta2_power", "lr", "global_step"),
    ],
    "daa233_tf": CONVERTED_CRITICS,
    "daa233_tf_bgr": CONVERTED_CRITICS,
    "mmagic": [
        "generator.stage2.contextual_attention_neck.contextual_attention.fuse_kernel",
        *(f"disc.global_disc.conv1.conv.{kind}" for kind in ("weight", "bias")),
    ],
}
"""Further tensors of the files."""


def converted(checkpoint: Checkpoint, method: DeepFill, file: State) -> State:
    """Convert a file to our generator's tensors."""
    origins = {name: resolve(checkpoint.translate)(name) for name in method.generator.state_dict()}
    return {name: origin.combine(*(file[one] for one in origin.names)) for name, origin in origins.items()}


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
    method.generator.load_state_dict(converted(checkpoint, method, file))
    hole = (torch.rand(2, 1, 72, 80) < 0.02).double()
    hole[:, :, 8:40, 16:48] = 1
    masked = torch.rand(2, 3, 72, 80).double() * (1 - hole)
    found = method.predict(masked, hole)
    torch.testing.assert_close(found, theirs.predict(file, masked, hole), rtol=0, atol=1e-9)
    assert found.std() > 0.02
    assert ((found > 0) & (found < 1)).double().mean() > 0.5
    for option in checkpoint.options:
        usual = {**checkpoint.options, option: CONTEXTUAL_ATTENTION.options[option]}
        if usual.get("wiring") == "mmagic" and option == "tf_compat":
            usual["hole_steps"] = 2  # padding is the wiring's; shrinking alone changes
        other = build("nano", 3, **usual).double().eval()
        other.generator.load_state_dict(method.generator.state_dict())
        assert (other.predict(masked, hole) - found).abs().max() > 1e-8, option


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_tensor_of_a_published_file_is_used_or_dropped(name: str) -> None:
    layout = LAYOUTS[name]
    with torch.device("meta"):
        file = {key: torch.empty(shape) for key, shape in Implementation(name).file(32).items()}
        further = {key: torch.empty(1) for key in FURTHER.get(name, [])}
        inside = file | further
        (match,) = compare(
            CONTEXTUAL_ATTENTION, layout, {layout.state_dict_key: inside} if layout.state_dict_key else inside
        )
    assert (match.missing, match.unexpected, match.wrong_shape) == ([], [], [])
    assert match.used == set(file) and len(file) == 84
    assert match.dropped.keys() == further.keys()
    assert set(match.dropped.values()) == set(layout.dropped.values())


def test_the_official_file_is_as_described() -> None:
    file = Implementation("official").file(32)
    assert file["inpaint_net/conv1/kernel"] == (5, 5, 5, 32)
    assert file["inpaint_net/allconv11/kernel"] == (3, 3, 256, 128)
    assert file["inpaint_net/xconv4_downsample/kernel"] == (3, 3, 64, 64)
    assert file["inpaint_net/pmconv4_downsample/kernel"] == (3, 3, 64, 128)
    assert "inpaint_net/conv13_upsample/conv13_upsample_conv/kernel" in file
    assert "inpaint_net/allconv15_upsample/allconv15_upsample_conv/bias" in file


def test_a_file_is_imported_by_its_layout_and_a_wrong_one_refused(tmp_path: Path) -> None:
    file = {key: torch.randn(shape) for key, shape in Implementation("daa233").file(32).items()}
    torch.save(file, tmp_path / "gen_00430000.pt")
    found = import_weights(
        "contextual_attention", tmp_path / "gen_00430000.pt", tmp_path / "out.safetensors", None, None, False
    )
    assert (found.match.layout.name, found.match.num_mismatches) == ("daa233", 0)
    file["coarse_generator.conv13.conv.weight"] = torch.randn(64, 128, 5, 5)
    del file["fine_generator.pmconv9.conv.bias"]
    torch.save(file, tmp_path / "wrong.pt")
    with pytest.raises(BadInput, match=r"1 missing: fine_generator.pmconv9(.|\n)*1 of another shape: coarse_gen"):
        import_weights("contextual_attention", tmp_path / "wrong.pt", None, None, None, False)


def test_the_converted_official_file_needs_the_order_of_its_colours(tmp_path: Path) -> None:
    torch.save({key: torch.zeros(shape) for key, shape in Implementation("daa233_tf").file(32).items()}, tmp_path / "p")
    with pytest.raises(BadInput, match="fits several layouts of contextual_attention: daa233_tf, daa233_tf_bgr"):
        import_weights("contextual_attention", tmp_path / "p", None, None, None, False)
