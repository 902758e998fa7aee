"""The U-Net against a forward pass written out from the paper's table, and its training phases."""

from inspect import signature
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, conv2d, interpolate
from torchvision.transforms import Normalize

import bench_pconv
from bench_core.errors import BadInput
from bench_core.methods import MethodOutput
from bench_core.specs import Model, resolve
from bench_pconv.model import OPTIONS, WIDTHS, Decoder, Encoder, PConv, UNet, build
from bench_pconv.recipe import RECIPE


def partial_convolution(
    x: Tensor, mask: Tensor, weight: Tensor, bias: Tensor | None, stride: int
) -> tuple[Tensor, Tensor]:
    """Compute Eq. 1 and 2 with a mask of the features' shape."""
    padding = weight.shape[-1] // 2
    total = conv2d(mask, torch.ones_like(weight), stride=stride, padding=padding)
    updated = (total > 0).to(mask.dtype)
    y = conv2d(x * mask, weight, stride=stride, padding=padding) * weight[0].numel() / total.clamp(min=1e-8) * updated
    return (y if bias is None else (y + bias.view(1, -1, 1, 1)) * updated), updated


def normalised(x: Tensor, norm: nn.Module | None) -> Tensor:
    if not isinstance(norm, nn.BatchNorm2d):
        return x
    assert norm.running_mean is not None and norm.running_var is not None
    return batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias)


def forward_as_printed(net: UNet, image: Tensor, hole: Tensor, single: bool = False) -> Tensor:
    x, mask = image, (1 - hole).expand_as(image)
    features, masks = [x], [mask]
    for layer in net.encoder:
        assert isinstance(layer, Encoder)
        x, mask = partial_convolution(x, mask, layer.conv.weight, layer.conv.bias, stride=2)
        x = normalised(x, layer.norm).relu()
        features.append(x)
        masks.append(mask)
    for level, layer in reversed(list(enumerate(net.decoder))):
        assert isinstance(layer, Decoder)
        x = torch.cat([interpolate(x, scale_factor=2, mode="nearest"), features[level]], 1)
        mask = torch.cat([interpolate(mask, scale_factor=2, mode="nearest"), masks[level]], 1)
        if single:
            mask = (mask.sum(1, keepdim=True) > 0).to(x.dtype).expand_as(x)
        x, mask = partial_convolution(x, mask, layer.conv.weight, layer.conv.bias, stride=1)
        if layer.norm is not None:
            x = normalised(x, layer.norm)
            x = torch.where(x > 0, x, 0.2 * x)
    return x


def scrambled(net: UNet) -> UNet:
    """Set statistics and biases to non-trivial values; set eval mode."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.bias)
        elif getattr(module, "bias", None) is not None:
            nn.init.normal_(module.bias)  # pyright: ignore[reportArgumentType]
    return net.double().eval()


def inputs() -> tuple[Tensor, Tensor]:
    """Return masked images and holes in float64, because such biases give colours in the hundreds."""
    image, hole = torch.rand(2, 3, 64, 96).double(), torch.zeros(2, 1, 64, 96).double()
    hole[0, :, 10:50, 20:60] = 1
    hole[1, :, :, 40:] = 1
    return image * (1 - hole), hole


@pytest.mark.parametrize("mask_channels", ["multi", "single"])
@pytest.mark.parametrize("bias", ["last", "unnormed", "all"])
def test_the_network_is_the_papers_table(mask_channels: str, bias: str):
    torch.manual_seed(0)
    net = scrambled(UNet(WIDTHS["nano"], mask_channels=mask_channels, bias=bias))
    masked, hole = inputs()
    wanted = forward_as_printed(net, masked, hole, mask_channels == "single")
    torch.testing.assert_close(net(masked, hole), wanted, rtol=1e-6, atol=1e-6)


def test_masks_of_one_channel_change_the_prediction():
    torch.manual_seed(0)
    multi, single = (scrambled(UNet(WIDTHS["nano"], mask_channels=channels)) for channels in ("multi", "single"))
    single.load_state_dict(multi.state_dict())
    masked, hole = inputs()
    assert (multi(masked, hole) - single(masked, hole)).abs().max() > 0.01


@pytest.mark.parametrize(
    ("input_range", "mean", "deviation"),
    [
        ("unit", [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]),
        ("signed", [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),
        ("imagenet", [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ],
)
def test_the_network_works_in_its_own_range(input_range: str, mean: list[float], deviation: list[float]):
    method = build("nano", 3, input_range=input_range)
    scrambled(method.generator)
    normalise = Normalize(mean, deviation)
    masked, hole = inputs()
    wanted = forward_as_printed(method.generator, normalise(masked), hole)
    gain, shift = (torch.tensor(values, dtype=wanted.dtype).view(3, 1, 1) for values in (deviation, mean))
    back = wanted * gain + shift
    torch.testing.assert_close(method(masked, hole).prediction, back, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("mask_channels", ["multi", "single"])
def test_a_hidden_pixel_is_0_in_every_range(mask_channels: str):
    method = build("nano", 3, mask_channels=mask_channels, input_range="imagenet")
    scrambled(method.generator)
    recorded = []
    method.generator.register_forward_pre_hook(lambda module, given: recorded.append(given[0]))
    masked, hole = inputs()
    assert method(masked, hole).prediction.equal(method(masked + hole, hole).prediction)
    assert recorded[0].masked_select(hole.bool()).eq(0).all()


def test_a_sigmoid_can_end_the_network():
    method = build("nano", 3, activation="sigmoid")
    scrambled(method.generator)
    masked, hole = inputs()
    wanted = 1 / (1 + (-forward_as_printed(method.generator, masked, hole)).exp())
    torch.testing.assert_close(method(masked, hole).prediction, wanted, rtol=1e-6, atol=1e-6)


def test_the_model_records_list_the_options_of_the_networks():
    plain, seven = bench_pconv.bench_models()
    defaults = {name: one.default for name, one in signature(PConv).parameters.items()}
    assert dict(plain.options) == dict(seven.options) == {name: defaults[name] for name in plain.options}
    assert all(value in OPTIONS[name] for name, value in plain.options.items())
    for name in plain.options:
        with pytest.raises(BadInput, match=rf"pconv\.{name} 'sinlge'"):
            build("nano", 3, **{name: "sinlge"})


@pytest.mark.parametrize("model", bench_pconv.bench_models(), ids=lambda model: model.name)
@pytest.mark.parametrize("scale", ["paper", "nano"])
def test_the_size_multiple_follows_from_the_number_of_layers(model: Model, scale: str):
    with torch.device("meta"):
        net = resolve(model.build)(scale, 3, **model.options).generator
    assert model.size_multiple[scale] == 2 ** len(net.encoder)
    assert len(net.encoder) == {"paper": 8, "nano": 5}[scale] - (model.name == "pconv:seven")


def test_scale_paper_has_the_papers_layers():
    with torch.device("meta"):
        net: Any = build("paper", 3).generator
    assert [layer.conv.weight.shape[-1] for layer in net.encoder] == [7, 5, 5, 3, 3, 3, 3, 3]
    assert [layer.conv.weight.shape[0] for layer in net.encoder] == [64, 128, 256, 512, 512, 512, 512, 512]
    assert [layer.conv.weight.shape[0] for layer in net.decoder] == [3, 64, 128, 256, 512, 512, 512, 512]
    assert [isinstance(layer.norm, nn.BatchNorm2d) for layer in net.encoder] == [False] + [True] * 7
    assert [layer.norm is not None for layer in net.decoder] == [False] + [True] * 7
    assert [layer.conv.bias is not None for layer in net.decoder] == [True] + [False] * 7
    assert net.decoder[0].conv.shares == (64, 3)


def test_fine_tuning_freezes_the_encoders_statistics_and_nothing_else():
    method = build("nano", 3)
    assert [phase.name for phase in RECIPE.phases] == ["train", "finetune"]
    for phase, encoder_moves in (("train", True), ("finetune", False)):
        method.start_phase(phase)
        before = {name: value.clone() for name, value in method.generator.named_buffers() if "running_mean" in name}
        output = method(torch.rand(2, 3, 32, 32), torch.zeros(2, 1, 32, 32))
        assert isinstance(output, MethodOutput)
        after = dict(method.generator.named_buffers())
        moved = {name for name, value in before.items() if not value.equal(after[name])}
        assert any(name.startswith("encoder") for name in moved) == encoder_moves
        assert any(name.startswith("decoder") for name in moved)
        assert all(parameter.requires_grad for parameter in method.generator.parameters())


def test_the_recipe_is_the_papers():
    train, finetune = RECIPE.phases
    assert dict(train.updates[0].losses) == {"valid_l1": 1, "hole_l1": 6, "perceptual": 0.05, "style": 120, "tv": 0.1}
    assert finetune.updates[0].losses == train.updates[0].losses
    assert [phase.updates[0].optimiser.settings["lr"] for phase in RECIPE.phases] == [2e-4, 5e-5]


def test_the_last_layer_has_no_activation():
    method = PConv(WIDTHS["nano"]).eval()
    nn.init.constant_(method.generator.decoder[0].conv.bias, 7.0)  # pyright: ignore
    image, hole = torch.rand(1, 3, 32, 32), torch.zeros(1, 1, 32, 32)
    assert method(image, hole).prediction.max() > 1
    assert method.predict(image, hole).max() == 1
