"""The network against its plain form, which masks, concatenates and normalises features as in the printed equations."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, leaky_relu, relu

from bench_pconv.layers import PartialConv2d
from bench_pconv.model import KERNELS, UNet

MULTI = {"mask_channels": "multi", "bias": "last"}
Result = tuple[Tensor, Tensor]


class PlainConv(nn.Module):
    """Eq. 1 and 2, with valid pixels counted by a convolution with ones."""

    def __init__(self, shares: tuple[int, ...], out_channels: int, kernel: int, stride: int, bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_channels, sum(shares), kernel, kernel))
        self.bias = nn.Parameter(torch.empty(out_channels)) if bias else None
        self.shares, self.stride = shares, stride

    def forward(self, x: Tensor, *valid: Tensor) -> Result:
        mask = torch.cat([m.expand(-1, n, -1, -1) for m, n in zip(valid, self.shares, strict=True)], dim=1)
        known = self.convolved(mask, torch.ones_like(self.weight[:1]))
        updated = known.clamp(0, 1)
        y = self.convolved(x * mask, self.weight) * self.weight[0].numel() / (known + 1e-8) * updated
        return (y if self.bias is None else y + self.bias.view(1, -1, 1, 1) * updated), updated

    def convolved(self, x: Tensor, weight: Tensor) -> Tensor:
        return conv2d(x, weight, None, self.stride, self.weight.shape[-1] // 2)


class PlainBlock(nn.Module):
    def __init__(self, shares: tuple[int, ...], width: int, kernel: int, stride: int, norm: bool, bias: bool) -> None:
        super().__init__()
        self.conv = PlainConv(shares, width, kernel, stride, bias)
        self.norm = nn.BatchNorm2d(width) if norm else nn.Identity()


class PlainUNet(nn.Module):
    """The plain network. Parameters and statistics have the same names as in the real one."""

    def __init__(self, widths: tuple[int, ...], channels: int, mask_channels: str, bias: str) -> None:
        super().__init__()
        self.single, levels = mask_channels == "single", list(enumerate(zip((channels, *widths), widths, strict=False)))
        self.encoder = nn.ModuleList(
            PlainBlock((s,), w, KERNELS[i], 2, i > 0, bias == "all" or (bias == "unnormed" and i == 0))
            for i, (s, w) in levels
        )
        self.decoder = nn.ModuleList(
            PlainBlock((w + s,) if self.single else (w, s), s, 3, 1, i > 0, bias == "all" or i == 0)
            for i, (s, w) in levels
        )

    def forward(self, masked: Tensor, hole: Tensor) -> Tensor:
        x, valid, skips = masked, 1 - hole, []
        for layer in self.encoder:
            assert isinstance(layer, PlainBlock)
            skips.append((x, valid))
            y, valid = layer.conv(x, valid)
            x = relu(layer.norm(y))
        for layer in reversed(self.decoder):
            assert isinstance(layer, PlainBlock)
            skip, skip_valid = skips.pop()
            masks = interpolate(valid, scale_factor=2), skip_valid
            masks = (torch.maximum(*masks),) if self.single else masks
            y, valid = layer.conv(torch.cat([interpolate(x, scale_factor=2), skip], dim=1), *masks)
            x = leaky_relu(layer.norm(y), 0.2) if isinstance(layer.norm, nn.BatchNorm2d) else y
        return x


def scramble(net: UNet) -> UNet:
    for name, value in net.state_dict().items():
        if value.is_floating_point():
            fan_in = value[0].numel() if value.dim() > 1 else 4
            value.copy_(torch.rand_like(value) + 0.5 if "var" in name else torch.randn_like(value) / fan_in**0.5)
    return net


def make_hole(kind: str, height: int, width: int) -> Tensor:
    hole = {"none": torch.zeros, "pixels": torch.rand}.get(kind, torch.ones)(1, height, width).round()
    if kind == "box":
        hole[:, : height // 3] = hole[:, :, width // 2 :] = 0
    if kind == "all but one":
        hole[:, 3, 5] = 0
    return hole


CASES = {
    "seed": st.integers(0, 99),
    "mask_channels": st.sampled_from(["multi", "multi", "single"]),
    "bias": st.sampled_from(["last", "unnormed", "all"]),
    "widths": st.sampled_from([(5, 8), (6, 4, 9)]),
    "channels": st.sampled_from([1, 3]),
    "size": st.tuples(*[st.sampled_from([16, 32, 48])] * 2),
    "holes": st.lists(st.sampled_from(["none", "all", "pixels", "box", "all but one"]), min_size=1, max_size=3),
    "phase": st.sampled_from(["train", "finetune", "eval"]),
}


def make_case(
    seed: int, phase: str, size: tuple[int, int], holes: list[str], channels: int, **options: Any
) -> tuple[UNet, PlainUNet, Tensor, Tensor]:
    """Return two networks with the same weights, masked images and holes."""
    torch.manual_seed(seed)
    fast, plain = scramble(UNet(channels=channels, **options)), PlainUNet(channels=channels, **options)
    plain.load_state_dict(fast.state_dict())
    for net in (fast, plain):
        net.train(phase != "eval")
        for module in net.encoder.modules() if phase == "finetune" else ():
            module.train(not isinstance(module, nn.BatchNorm2d))
    hole = torch.stack([make_hole(kind, *size) for kind in holes])
    return fast, plain, torch.randn(len(hole), channels, *size) * (1 - hole), hole


def assert_close(found: Tensor, wanted: Tensor, tolerance: float) -> None:
    assert (found - wanted).abs().max() <= tolerance * wanted.abs().max().clamp(min=1e-3)


@given(st.fixed_dictionaries(CASES))
@settings(deadline=None, max_examples=40)
def test_the_network_predicts_the_same_as_its_plain_form(case: dict[str, Any]):
    fast, plain, masked, hole = make_case(**case)
    with torch.inference_mode():
        assert_close(fast(masked, hole), plain(masked, hole), 1e-5)


def test_statistics_of_many_pixels_are_exact():
    """Torch's batch norm loses three digits here with channels last."""
    fast, plain, masked, hole = make_case(0, "train", (256, 256), ["pixels"] * 4, 3, widths=(8, 12), **MULTI)
    with torch.no_grad():
        assert_close(fast(masked, hole).double(), plain.double()(masked.double(), hole.double()), 3e-6)


@given(st.fixed_dictionaries(CASES))
@settings(deadline=None, max_examples=40)
def test_gradients_and_statistics_are_those_of_the_plain_form(case: dict[str, Any]):
    fast, plain, masked, hole = make_case(**case)
    results = []
    for net in (fast.double(), plain.double()):
        x = masked.double().requires_grad_()
        y = net(x, hole.double())
        (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y).cos()).sum().backward()
        assert x.grad is not None
        # hidden pixels are not compared
        results.append([y, x.grad * (1 - hole), *(p.grad for p in net.parameters()), *net.state_dict().values()])
    for found, wanted in zip(*results, strict=True):
        assert_close(found, wanted, 1e-8)


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(7, 2, 3), (5, 2, 2), (3, 1, 1), (3, 1, 0)])
@pytest.mark.parametrize("shares", [(4,), (512, 256), (64, 3), (1, 1, 1)])
def test_valid_pixels_are_counted(kernel: int, stride: int, padding: int, shares: tuple[int, ...]):
    conv = PartialConv2d(sum(shares), 1, kernel, stride, padding, shares=shares)
    valid = torch.rand(2, len(shares), 24, 17).round()
    every = torch.cat([valid[:, i : i + 1].expand(-1, n, -1, -1) for i, n in enumerate(shares)], dim=1).double()
    known = conv2d(every, torch.ones(1, sum(shares), kernel, kernel).double(), None, stride, padding)
    ratio, updated = conv.count(valid)
    assert updated.equal((known > 0).float())
    size = sum(shares) * kernel**2
    torch.testing.assert_close(ratio.double(), torch.where(known > 0, size / known, 0.0), rtol=1e-6, atol=0)
