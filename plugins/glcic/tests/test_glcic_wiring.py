"""The networks against forward passes written out from the paper's tables, with the same weights."""

import pytest
import torch
from torch.nn.functional import adaptive_avg_pool2d, conv2d, conv_transpose2d, interpolate, linear

from bench_core.errors import BadInput
from bench_core.specs import resolve
from bench_glcic.model import BRANCHES, Discriminator, Generator, build

DILATIONS = {7: 2, 8: 4, 9: 8, 10: 16}


def assert_close(found, wanted):
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def normed(state, name, x):
    """Compute batch norm with its stored statistics."""
    mean, var, gain, shift = (
        state[f"{name}.norm.{kind}"].view(1, -1, 1, 1) for kind in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / (var + 1e-5).sqrt() * gain + shift


def completion(state, x, relu_first=False):
    """Compute Table 1: layers 1 to 16, and the output without its sigmoid."""
    for number in range(1, 17):
        name, rate = f"layers.{number - 1}", DILATIONS.get(number, 1)
        weight, bias = state[f"{name}.conv.weight"], state[f"{name}.conv.bias"]
        if number in (13, 15):
            x = conv_transpose2d(x, weight, bias, stride=2, padding=1)
        else:
            padding = 2 if number == 1 else rate
            x = conv2d(x, weight, bias, 2 if number in (2, 4) else 1, padding, rate)
        x = normed(state, name, x.clamp(min=0)) if relu_first else normed(state, name, x).clamp(min=0)
    return conv2d(x, state["layers.16.weight"], state["layers.16.bias"], padding=1)


def branch(state, name, depth, side, x):
    """Compute Table 2: 5x5 convolutions of stride 2, pooling, one fully connected layer with ReLU."""
    for i in range(depth):
        at = f"{name}.layers.{i}"
        x = conv2d(x, state[f"{at}.conv.weight"], state[f"{at}.conv.bias"], 2, 2)
        x = normed(state, at, x).clamp(min=0)
    x = adaptive_avg_pool2d(x, side).flatten(1)
    return linear(x, state[f"{name}.connected.weight"], state[f"{name}.connected.bias"]).clamp(min=0)


@torch.no_grad()
@pytest.mark.parametrize("batch_norm", ["before_relu", "after_relu"])
def test_the_completion_network_is_the_table(scramble, batch_norm):
    generator = scramble(Generator(3, 8, batch_norm))
    generator.mean.copy_(torch.tensor([0.2, 0.5, 0.9]))
    image, hole = torch.rand(2, 3, 72, 80), torch.rand(2, 1, 72, 80).round()
    filled = image * (1 - hole) + hole * torch.tensor([0.2, 0.5, 0.9]).view(3, 1, 1)
    wanted = completion(generator.state_dict(), torch.cat([filled, hole], 1), batch_norm == "after_relu")
    assert_close(generator(image, hole), 1 / (1 + (-wanted).exp()))


@torch.no_grad()
def test_other_pixel_ranges(scramble, pair):
    image, hole = pair
    mean = torch.tensor([0.2, 0.5, 0.9]).view(1, 3, 1, 1)
    for pixels, known, missing in (("centred", image - mean, 0 * mean), ("signed", 2 * image - 1, 2 * mean - 1)):
        generator = scramble(Generator(3, 8, pixels=pixels))
        generator.mean.copy_(mean.flatten())
        generator.get_parameter("layers.16.weight").mul_(3)
        y = completion(generator.state_dict(), torch.cat([torch.where(hole.bool(), missing, known), hole], 1))
        assert_close(generator(image, hole), (y.clamp(-1, 1) + 1) / 2 if pixels == "signed" else y.sigmoid())
        assert pixels != "signed" or y.abs().max() > 1


@torch.no_grad()
@pytest.mark.parametrize("kind", BRANCHES)
@pytest.mark.parametrize("size", [(32, 32), (64, 48), (288, 160)])
def test_the_discriminator_joins_both_branches_to_one_score(scramble, kind, size):
    discriminator = scramble(Discriminator(3, 16, kind))
    image, patch = torch.rand(2, 3, *size), torch.rand(2, 3, *(side // 2 for side in size))
    state = discriminator.state_dict()
    (local_depth, local_side), (global_depth, global_side) = {
        "places2": ((5, 4), (6, 4)), "celeba": ((5, 3), (5, 5)), "cifar10": ((5, 1), (6, 1))
    }[kind]  # fmt: skip
    local = branch(state, "local_branch", local_depth, local_side, patch)
    whole = branch(state, "global_branch", global_depth, global_side, image)
    assert_close(
        discriminator(image, patch),
        linear(torch.cat([local, whole], 1), state["verdict.weight"], state["verdict.bias"]),
    )


@torch.no_grad()
def test_the_local_patch_can_be_resized_to_the_image(scramble):
    plain, stretched = scramble(Discriminator(3, 16, "cifar10")), Discriminator(3, 16, "cifar10", local_resized=True)
    stretched.load_state_dict(plain.state_dict())
    image, patch = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 16, 16)
    wanted = plain(image, interpolate(patch, (32, 32), mode="bilinear"))
    torch.testing.assert_close(stretched.eval()(image, patch), wanted)


def test_options_reach_the_networks(models):
    method = build("nano", 3, batch_norm="after_relu", pixels="signed", discriminator="celeba", local_resized=True)
    assert list(models["glcic"].options) == ["batch_norm", "pixels", "discriminator", "local_resized"]
    assert method.generator.layers[0].norm_last and method.generator.pixels == "signed"
    assert method.discriminator.global_branch.side == 5 and method.discriminator.local_resized
    for option in ("batch_norm", "pixels", "discriminator"):
        with pytest.raises(BadInput, match="'else'"):
            resolve(models["glcic"].build)("nano", 3, **{option: "else"})


def test_nano_is_the_same_network_with_a_quarter_of_every_width(nano):
    with torch.device("meta"):
        paper = build("paper", 3).state_dict()
    small = nano.state_dict()
    assert list(paper) == list(small)
    fixed = {3, 4, 1}  # colours, colours and hole, score
    for name, value in small.items():
        sizes = zip(paper[name].shape[:2], value.shape[:2], strict=True)
        assert all(wide == 4 * narrow or wide == narrow in fixed for wide, narrow in sizes), name
        assert paper[name].shape[2:] == value.shape[2:]


def test_the_mean_colour_is_that_of_the_first_thousand_images(nano):
    assert nano.generator.mean.tolist() == [0.5] * 3
    given = iter(torch.full((300, 3, 2, 2), value) for value in (0.1, 0.2, 0.3, 0.4, 0.9))
    nano.calibrate(given)
    assert nano.generator.mean.tolist() == pytest.approx([0.25] * 3)
    assert next(given).mean() == pytest.approx(0.9)  # reads no more images than it uses
    nano.calibrate(iter([]))
    assert nano.generator.mean.tolist() == pytest.approx([0.25] * 3)
    assert "generator.mean" in nano.state_dict()


def test_only_the_phase_of_the_discriminators_freezes_the_generator(nano):
    for phase, moves in (("completion", True), ("discriminators", False), ("joint", True)):
        nano.start_phase(phase)
        assert nano.generator.training is moves and nano.discriminator.training
        assert all(module.training is moves for module in nano.generator.modules())


def test_one_small_image_is_too_little_for_batch_norm(nano):
    small = torch.rand(1, 3, 64, 64)
    with pytest.raises(BadInput, match="batch of two or more"):
        nano.train().discriminator(small, small[..., :32, :32])
    for given in (small.expand(2, -1, -1, -1), torch.rand(1, 3, 64, 68)):
        height, width = (size // 2 for size in given.shape[-2:])
        assert nano.discriminator(given, given[..., :height, :width])[0].isfinite().all()
