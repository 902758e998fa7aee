"""Facts about the published method, one test each. The numbers are published or worked out by hand."""

import pytest
import torch
from torch import Tensor, nn

from bench_core.errors import BadInput
from bench_core.methods import LossContext, MethodOutput
from bench_core.nn.spectral_norm import SpectralNorm
from bench_edge_connect import losses
from bench_edge_connect.model import EdgeConnect, build


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_fact_01_networks_have_the_published_numbers_of_parameters(published: EdgeConnect):
    assert count(published.generator.edges) == 10_761_089
    assert count(published.generator.colours) == 10_774_595
    assert count(published.edge_discriminator) == 2_762_752
    assert count(published.discriminator) == 2_763_776
    assert len(published.generator.edges.state_dict()) == 70
    assert len(published.generator.colours.state_dict()) == 44


@torch.no_grad()
def test_fact_02_outputs_are_in_zero_to_one(nano: EdgeConnect, pair: tuple[Tensor, Tensor]):
    image, hole = pair
    for network in (nano.generator.edges, nano.generator.colours):
        network.get_parameter("decoder.last.weight").mul_(100)
    prediction, drawn = nano.generator(image * (1 - hole), hole, torch.zeros_like(hole))
    for output in (prediction, drawn):
        assert 0 <= output.min() < 0.1 and 0.9 < output.max() <= 1


@torch.no_grad()
def test_fact_03_inputs_are_grey_edges_hole_and_colours_edges(nano: EdgeConnect, pair: tuple[Tensor, Tensor]):
    image, hole = pair
    edges, inputs = (torch.rand_like(hole) > 0.5).float(), []
    for network in (nano.generator.edges, nano.generator.colours):
        network.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    _, drawn = nano.generator(image * (1 - hole), hole, edges)
    luminance = 0.2125 * image[:, :1] + 0.7154 * image[:, 1:2] + 0.0721 * image[:, 2:]
    white = hole.bool()
    torch.testing.assert_close(inputs[0], torch.cat([torch.where(white, 1, luminance), edges * (1 - hole), hole], 1))
    assert torch.equal(inputs[1], torch.cat([torch.where(white, 1, image), drawn], 1))


@torch.no_grad()
def test_fact_04_hidden_pixels_do_not_matter(nano: EdgeConnect, pair: tuple[Tensor, Tensor]):
    image, hole = pair
    wanted = nano.predict(image * (1 - hole), hole)
    for hidden in (torch.rand_like(image), torch.ones_like(image)):
        assert torch.equal(nano.predict(torch.where(hole.bool(), hidden, image) * (1 - hole), hole), wanted)
    changed = image.clone()
    changed[:, :, :4] = 1 - changed[:, :, :4]
    assert not torch.equal(nano.predict(changed * (1 - hole), hole), wanted)


def context(method: nn.Module, image: Tensor, prediction: Tensor, hole: Tensor, backbones) -> LossContext:
    return LossContext(image, hole, MethodOutput(prediction), method, backbones)


def test_fact_06_l1_is_divided_by_the_share_of_missing_pixels(nano: EdgeConnect, pair, random_backbones):
    image, hole = pair
    double = torch.zeros_like(hole)
    double[:, :, :20] = hole[:, :, :20] = 0
    double[:, :, :8] = 1
    hole[:, :, :4] = 1
    hole[:, :, 4:] = double[:, :, 8:] = 0
    one, other = (losses.l1(context(nano, image, 1 - image, m, random_backbones)) for m in (hole, double))
    torch.testing.assert_close(one, 2 * other)
    assert one.item() == pytest.approx((1 - 2 * image).abs().mean().item() / (4 / 32), rel=1e-5)


def test_fact_07_style_sees_the_holes_pixels_only(nano: EdgeConnect, pair, random_backbones):
    image, hole = pair
    outside = torch.where(hole.bool(), image, torch.rand_like(image))
    assert losses.style(context(nano, image, outside, hole, random_backbones)) == 0
    assert losses.style(context(nano, image, outside, 1 - hole, random_backbones)) > 0


def test_fact_08_discriminators_score_30_x_30_patches_of_256_and_have_five_features(published: EdgeConnect):
    for network, channels in ((published.edge_discriminator, 2), (published.discriminator, 3)):
        maps = network.features(torch.empty(1, channels, 256, 256, device="meta"))
        assert [tuple(one.shape[1:]) for one in maps] == [
            (64, 128, 128), (128, 64, 64), (256, 32, 32), (512, 31, 31), (1, 30, 30)
        ]  # fmt: skip
        assert network(torch.empty(1, channels, 64, 64, device="meta")).shape == (1, 1, 6, 6)


@torch.no_grad()
def test_fact_09_a_bias_before_a_norm_changes_nothing(nano: EdgeConnect, pair: tuple[Tensor, Tensor]):
    image, hole = pair
    wanted = nano.predict(image * (1 - hole), hole)
    biases = {name: p for name, p in nano.generator.named_parameters() if name.endswith("bias")}
    assert len(biases) == 6 + 6 + 4
    for name, bias in biases.items():
        before = bias.clone()
        bias.add_(0.3)
        found = nano.predict(image * (1 - hole), hole)
        assert torch.allclose(found, wanted, atol=1e-5) == ("last" not in name), name
        bias.copy_(before)


def test_spectral_norm_is_in_the_edge_model_except_its_last_layer(published: EdgeConnect):
    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    layers = {n: layer for n, layer in published.generator.named_modules() if isinstance(layer, kinds)}
    assert {name for name, layer in layers.items() if isinstance(layer, SpectralNorm)} == {
        name for name in layers if name.startswith("edges.") and "last" not in name
    }
    assert {name for name, layer in layers.items() if layer.bias is None} == {
        name for name in layers if name.startswith("edges.blocks")
    }


def test_images_have_12_pixels_a_side_or_more(nano: EdgeConnect):
    assert nano(torch.rand(1, 3, 12, 16), torch.ones(1, 1, 12, 16)).prediction.shape == (1, 3, 12, 16)
    with pytest.raises(BadInput, match=r"8 x 16 pixels.*12 or more"):
        nano(torch.rand(1, 3, 8, 16), torch.ones(1, 1, 8, 16))


@pytest.mark.parametrize(
    ("edges", "sigma", "said"), [("row", 2.0, "raw"), ("raw", 0.0, "to 20"), ("raw", 99.0, "to 20")]
)
def test_other_values_of_options_are_refused(edges: str, sigma: float, said: str):
    with pytest.raises(BadInput, match=said):
        build("nano", 3, edges, sigma)
