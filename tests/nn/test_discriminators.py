"""Discriminators and their parts against their definitions."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, leaky_relu

from bench_core.errors import BadInput
from bench_core.nn.conv import SpectralConv2d
from bench_core.nn.discriminators import Critic, PatchDiscriminator, PatchGAN, halving_convs, require_batch_statistics


@torch.no_grad()
def test_the_patch_discriminator_has_six_spectral_convolutions_with_leaky_relu() -> None:
    discriminator = PatchDiscriminator(5, 64)
    layers = list(discriminator.layers.children())
    assert [name for name, _ in discriminator.layers.named_children()] == [f"conv{i}" for i in range(1, 7)]
    assert [one.out_channels for one in layers if isinstance(one, SpectralConv2d)] == [64, 128, 256, 256, 256, 256]
    record: list[tuple[Tensor, Tensor]] = []

    def add(_: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> None:
        record.append((given[0], out))

    for layer in layers:
        layer.register_forward_hook(add)
    image, hole, sketch = torch.randn(2, 3, 32, 56), torch.rand(2, 1, 32, 56).round(), torch.rand(2, 1, 32, 56)
    scores = discriminator(image, hole, sketch)
    inputs, outputs = zip(*record, strict=True)
    assert torch.equal(inputs[0], torch.cat([image, hole, sketch * hole], dim=1))
    for (_, before), (after, _) in pairwise(record):
        assert torch.equal(after, leaky_relu(before, 0.2))
    assert torch.equal(scores, leaky_relu(outputs[-1], 0.2).flatten(1))
    assert (outputs[-1] < 0).any()
    assert [tuple(out.shape[2:]) for out in outputs] == [(16, 28), (8, 14), (4, 7), (2, 4), (1, 2), (1, 1)]


@torch.no_grad()
@pytest.mark.parametrize("plain_scores", [False, True])
def test_the_patch_gan_is_five_convolutions_that_also_return_their_maps(plain_scores: bool) -> None:
    discriminator, image = PatchGAN(2, 4, plain_scores).eval().double(), torch.randn(2, 2, 40, 32).double()
    state, x, wanted = discriminator.state_dict(), image, []
    for i, stride in enumerate((2, 2, 2, 1, 1)):
        name = f"layers.{i}.weight"
        if plain_scores and i == 4:
            x = conv2d(x, state[name], state["layers.4.bias"], padding=1)
        else:
            weight, u, v = (state[f"{name}_{kind}"] for kind in ("orig", "u", "v"))
            x = conv2d(x, weight / torch.einsum("o,of,f", u, weight.flatten(1), v), None, stride, 1)
        x = torch.where(x > 0, x, 0.2 * x) if i < 4 else x
        wanted.append(x)
    torch.testing.assert_close(discriminator.features(image), wanted)
    torch.testing.assert_close(discriminator(image), wanted[-1])
    assert [one.shape[1] for one in wanted] == [4, 8, 16, 32, 1]
    assert len(state) == (14 if plain_scores else 15)


def test_the_patch_gan_scores_30_x_30_patches_of_256_x_256() -> None:
    with torch.device("meta"):
        discriminator = PatchGAN(3, 64)
        assert discriminator(torch.empty(1, 3, 256, 256)).shape == (1, 1, 30, 30)
        assert discriminator(torch.empty(1, 3, 64, 64)).shape == (1, 1, 6, 6)
    assert sum(parameter.numel() for parameter in discriminator.parameters()) == 2_763_776


@torch.no_grad()
def test_halving_layers_are_convolution_batch_norm_and_activation() -> None:
    torch.manual_seed(0)
    layers, x = halving_convs((3, 4, 6), torch.tanh).eval(), torch.randn(2, 3, 20, 12)
    for value in layers.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5)
    state, wanted = layers.state_dict(), x
    for i in range(2):
        y = conv2d(wanted, state[f"{i}.conv.weight"], state[f"{i}.conv.bias"], stride=2, padding=2)
        kinds = ("running_mean", "running_var", "weight", "bias")
        mean, var, gain, shift = (state[f"{i}.norm.{kind}"].view(1, -1, 1, 1) for kind in kinds)
        wanted = torch.tanh((y - mean) / (var + 1e-5).sqrt() * gain + shift)
    torch.testing.assert_close(layers(x), wanted)
    assert wanted.shape == (2, 6, 5, 3)


def test_a_single_image_that_shrinks_to_a_pixel_is_refused_in_training() -> None:
    layers = halving_convs((3, 4, 4, 4))
    with pytest.raises(BadInput, match=r"toy's discriminator.*batch of two or more"):
        require_batch_statistics(layers, torch.rand(1, 3, 8, 8), "toy")
    require_batch_statistics(layers, torch.rand(2, 3, 8, 8), "toy")
    require_batch_statistics(layers, torch.rand(1, 3, 8, 9), "toy")
    require_batch_statistics(layers.eval(), torch.rand(1, 3, 8, 8), "toy")


class SumOfCubes(Critic):
    """A critic whose gradient is 3 scale x^2."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, image: Tensor) -> Tensor:
        return self.scale * image.pow(3).flatten(1).sum(1, keepdim=True)


def test_a_critics_input_gradient_can_be_differentiated_again() -> None:
    critic, image = SumOfCubes(), torch.rand(2, 3, 4, 4)
    gradient = critic.input_gradient(image)
    torch.testing.assert_close(gradient, 6 * image.square())
    gradient.sum().backward()
    torch.testing.assert_close(critic.scale.grad, 3 * image.square().sum())
    assert not image.requires_grad
