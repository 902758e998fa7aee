"""The networks against forward passes written out from the paper's tables."""

import pytest
import torch
from torch.nn.functional import conv2d, conv_transpose2d, linear

from bench_core.errors import BadInput
from bench_gradient_attention import mnist
from bench_gradient_attention.mnist import Autoencoder
from bench_gradient_attention.model import Generator, WassersteinCritic, build, build_adversarial

# output channels, stride, dilation; stride -2 doubles the size
TABLE = [
    (32, 1, 1), (64, 2, 1), (64, 1, 1), (128, 2, 1), (128, 1, 1), (128, 1, 1), (128, 1, 2), (128, 1, 4), (128, 1, 8),
    (128, 1, 16), (128, 1, 1), (128, 1, 1), (64, -2, 1), (64, 1, 1), (32, -2, 1), (32, 1, 1), (3, 1, 1),
]  # fmt: skip


def weights_of(module) -> list[tuple[torch.Tensor, torch.Tensor]]:
    values = list(module.state_dict().values())
    return list(zip(values[::2], values[1::2], strict=True))


def elu(x):
    return torch.where(x > 0, x, x.exp() - 1)


def published_generator(generator, x, upsampling):
    for number, ((_, stride, rate), (weight, bias)) in enumerate(zip(TABLE, weights_of(generator), strict=True)):
        if stride == -2 and upsampling == "transposed":
            x = conv_transpose2d(x, weight, bias, 2, padding=1, output_padding=1)
        else:
            x = x.repeat_interleave(2, 2).repeat_interleave(2, 3) if stride == -2 else x
            x = conv2d(x, weight, bias, max(stride, 1), padding=rate, dilation=rate)
        x = elu(x) if number < 16 else x
    return x


@pytest.mark.parametrize("in_channels", [3, 4, 5])
@pytest.mark.parametrize("output", ["clip", "tanh"])
@pytest.mark.parametrize("upsampling", ["nearest", "transposed"])
@torch.no_grad()
def test_the_generator_is_that_of_the_table(scramble, in_channels, output, upsampling):
    generator = scramble(Generator(4, 3, in_channels, output, upsampling))
    masked, hole = torch.randn(2, 3, 40, 72), torch.rand(2, 1, 40, 72).round()
    planes = {3: [masked], 4: [masked, hole], 5: [masked, hole * 0 + 1, hole]}[in_channels]
    wanted = published_generator(generator, torch.cat(planes, 1), upsampling)
    wanted = wanted.tanh() if output == "tanh" else wanted.clip(-1, 1)
    assert wanted.std() > 0.05 and wanted.abs().mean() < 0.9
    torch.testing.assert_close(generator(masked, hole), wanted, rtol=1e-4, atol=1e-5)


def test_the_generator_has_the_tables_widths():
    with torch.device("meta"):
        sizes = [tuple(weight.shape) for weight, _ in weights_of(Generator(32))]
    assert [size[0] for size in sizes] == [row[0] for row in TABLE]
    assert [size[1] for size in sizes] == [5, *(row[0] for row in TABLE[:-1])]
    assert {size[2:] for size in sizes} == {(3, 3)}


def published_maps(critic, x):
    for weight, bias in weights_of(critic)[:-1]:
        x = conv2d(x, weight, bias, 2, padding=1)
        x = torch.maximum(x, 0.2 * x)
    return x


@torch.no_grad()
def test_the_critic_is_four_strided_convolutions_and_a_score(scramble):
    critic, image = scramble(WassersteinCritic(4)), torch.randn(2, 3, 128, 128)
    maps = published_maps(critic, image)
    assert maps.shape == (2, 16, 8, 8)
    assert [weight.shape[0] for weight, _ in weights_of(critic)] == [4, 8, 16, 16, 1]
    torch.testing.assert_close(critic(image), linear(maps.flatten(1), *weights_of(critic)[-1]))


@torch.no_grad()
def test_at_other_sizes_the_critics_last_map_is_averaged_to_eight_by_eight(scramble):
    critic, image = scramble(WassersteinCritic(4)), torch.randn(2, 3, 256, 64)
    maps = published_maps(critic, image)
    assert maps.shape == (2, 16, 16, 4)
    pooled = maps.unflatten(2, (8, 2)).mean(3).repeat_interleave(2, 3)
    torch.testing.assert_close(critic(image), linear(pooled.flatten(1), *weights_of(critic)[-1]))


@torch.no_grad()
def test_the_autoencoder_is_fully_connected(scramble):
    autoencoder = scramble(Autoencoder((32, 16, 8, 4)))
    image, hole = torch.rand(2, 1, 28, 28), torch.rand(2, 1, 28, 28).round()
    x = torch.where(hole.bool(), 0, image).flatten(1)
    units = weights_of(autoencoder)
    for weight, bias in units[:-1]:
        x = linear(x, weight, bias).clip(min=0)
    weight, bias = units[-1]
    wanted = 1 / (1 + (-linear(x, weight, bias)).exp())
    torch.testing.assert_close(autoencoder(image, hole).flatten(1), wanted)
    assert wanted.std() > 0.02


def test_the_autoencoder_has_the_papers_widths():
    with torch.device("meta"):
        units = [weight.shape[0] for weight, _ in weights_of(mnist.build("paper", 1))]
    assert units == [256, 128, 64, 32, 64, 128, 256, 784]


def test_the_generator_gets_minus_one_to_one_and_zero_in_the_hole():
    method, inputs = build("nano", 3), []
    method.generator.register_forward_pre_hook(lambda module, given: inputs.append(given))
    image, hole = torch.rand(2, 3, 16, 24), torch.rand(2, 1, 16, 24).round()
    output = method(image * (1 - hole), hole)
    torch.testing.assert_close(inputs[0][0], torch.where(hole.bool(), 0, 2 * image - 1))
    assert inputs[0][1].equal(hole)
    assert output.prediction.equal((method.generator(*inputs[0]) + 1) / 2)


def test_a_clipped_pixel_has_no_gradient_and_tanh_always_has():
    for output, has_gradient in (("clip", [0, 1, 0]), ("tanh", [1, 1, 1])):
        raw = torch.tensor([-1.5, 0.5, 1.5], requires_grad=True)
        Generator(4, output=output).output(raw).sum().backward()
        assert raw.grad is not None and (raw.grad != 0).int().tolist() == has_gradient


@pytest.mark.parametrize(
    ("given", "text"),
    [({"in_channels": 6}, "'6'"), ({"output": "clips"}, "'clips'. Did you mean 'clip'"), ({"upsampling": "x"}, "'x'")],
)
def test_an_unknown_option_raises_bad_input(given, text):
    with pytest.raises(BadInput, match=text):
        build_adversarial("nano", 3, **given)


def test_initial_weights_are_glorots():
    for network in (*build_adversarial("paper", 3).children(), mnist.build("paper", 1).generator):
        for weight, bias in weights_of(network):
            assert bias.eq(0).all()
            fans = (weight.shape[0] + weight.shape[1]) * weight[0, 0].numel()
            bound = (6 / fans) ** 0.5
            assert weight.abs().max() <= bound
            if weight.numel() > 1000:
                assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.1)
