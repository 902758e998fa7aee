"""The networks against forward passes written out from the paper's equations, with the same weights."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, linear, relu

import bench_dmfn
from bench_core.errors import BadInput
from bench_core.specs import resolve
from bench_dmfn.layers import BLOCKS, DMFB, build_block
from bench_dmfn.model import Discriminator, Generator, build


def assert_close(found, wanted):
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def norm(x):
    """Compute instance norm by its definition."""
    centred = x - x.mean((2, 3), keepdim=True)
    return centred / (centred.square().mean((2, 3), keepdim=True) + 1e-5).sqrt()


def conv(state, name, x, stride=1, dilation=1):
    weight = state[f"{name}.weight"]
    padding = dilation * (weight.shape[-1] // 2)
    return conv2d(x, weight, state[f"{name}.bias"], stride, padding, dilation)


def published_block(state, x, variant, at=""):
    if variant.startswith("rate"):
        rate = int(variant[4:])
        return x + norm(conv(state, f"{at}c2", relu(norm(conv(state, f"{at}d1", x, dilation=rate)))))
    x0 = relu(norm(conv(state, f"{at}c1", x)))
    dilated = [conv(state, f"{at}d{i}", x0, dilation=rate) for i, rate in ((1, 1), (2, 2), (3, 4), (4, 8))]
    if variant != "released":
        dilated = [relu(norm(view)) for view in dilated]
    sums = dilated[:1]
    for i, view in zip((2, 3, 4), dilated[1:], strict=True):
        total = view if variant == "no_combination" else sums[-1] + view
        sums.append(conv(state, f"{at}k{i}", total) if variant == "paper" else total)
    return x + norm(conv(state, f"{at}c2", relu(norm(torch.cat(sums, 1)))))


@pytest.mark.parametrize("variant", BLOCKS)
def test_the_block_is_the_one_of_the_equations(variant, scramble):
    block, x = scramble(build_block(variant, 32)), torch.randn(2, 32, 20, 12)
    with torch.no_grad():
        assert_close(block(x), published_block(block.state_dict(), x, variant))


@pytest.mark.parametrize(
    ("variant", "ks", "fusion"), [("paper", 3, 1), ("released", 0, 3), ("no_k", 0, 1), ("no_combination", 0, 1)]
)
def test_only_convolutions_hold_weights(variant, ks, fusion):
    state = DMFB(32, variant).state_dict()
    names = ["c1", "d1", "d2", "d3", "d4", *["k2", "k3", "k4"][:ks], "c2"]
    assert list(state) == [f"{name}.{kind}" for name in names for kind in ("weight", "bias")]
    assert state["c2.weight"].shape == (32, 32, fusion, fusion)


def test_only_the_first_dilated_convolution_enters_the_first_quarter(scramble):
    block, squeezed = scramble(DMFB(32)), torch.randn(1, 8, 16, 16)
    with torch.no_grad():
        before = block.combine(squeezed)
        for name in ("d2", "d3", "d4", "k2", "k3", "k4"):
            getattr(block, name).weight.mul_(-2)
        after = block.combine(squeezed)
    assert torch.equal(before[:, :8], after[:, :8])
    assert all((before[:, i : i + 8] - after[:, i : i + 8]).abs().mean() > 0.1 for i in (8, 16, 24))


def published_generator(state, x, variant):
    y = relu(conv(state, "encoder.0.conv", x))  # the first layer has no norm
    for i, stride in ((1, 2), (2, 1), (3, 2)):
        y = relu(norm(conv(state, f"encoder.{i}.conv", y, stride)))
    for i in range(8):
        y = published_block(state, y, variant, f"blocks.{i}.")
    y = relu(norm(conv(state, "decoder.0.conv", y)))
    for i in (1, 2):
        up = conv_transpose2d(y, state[f"decoder.{i}.deconv.weight"], state[f"decoder.{i}.deconv.bias"], 2, 1)
        y = relu(norm(conv(state, f"decoder.{i}.conv.conv", relu(norm(up)))))
    return torch.tanh(conv(state, "decoder.3.conv", y))


@pytest.mark.parametrize("block", BLOCKS)
def test_the_generator_is_encoder_blocks_and_decoder(block, scramble):
    generator, x = scramble(Generator(8, 3, block)), torch.randn(2, 4, 32, 48)
    wanted = published_generator(generator.state_dict(), x, block)
    with torch.no_grad():
        torch.testing.assert_close(generator(x), wanted, rtol=1e-3, atol=1e-3)


def official_file(base: int) -> dict[str, Tensor]:
    """Return random tensors with the names and shapes of the official file."""
    quarter, full = base, 4 * base
    shapes = {
        "encoder.0.conv": (base, 4, 5), "encoder.1.conv": (2 * base, base, 3),
        "encoder.2.conv": (2 * base, 2 * base, 3), "encoder.3.conv": (full, 2 * base, 3),
        "decoder.0.conv": (full, full, 3), "decoder.1.deconv": (full, 2 * base, 4),
        "decoder.1.conv.conv": (2 * base, 2 * base, 3), "decoder.2.deconv": (2 * base, base, 4),
        "decoder.2.conv.conv": (base, base, 3), "decoder.3.conv": (3, base, 3),
    }  # fmt: skip
    for i in range(8):
        shapes |= {f"blocks.{i}.c1": (quarter, full, 3), f"blocks.{i}.c2": (full, full, 3)}
        shapes |= {f"blocks.{i}.d{k}": (quarter, quarter, 3) for k in (1, 2, 3, 4)}
    state = {}
    for name, (first, second, side) in shapes.items():
        state[f"{name}.weight"] = torch.randn(first, second, side, side) / (second * side * side) ** 0.5
        state[f"{name}.bias"] = torch.randn(second if "deconv" in name else first)
    return state


def test_official_weights_predict_here_what_they_predict_there():
    (model,) = (model for model in bench_dmfn.bench_models() if model.checkpoints)
    (checkpoint,) = model.checkpoints
    assert model.name == "dmfn:released" and not checkpoint.dropped and not checkpoint.state_dict_key
    theirs, translate = official_file(16), resolve(checkpoint.translate)
    method = build("nano", 3, **{**model.options, **checkpoint.options})
    origins = {name: translate(name) for name in method.generator.state_dict()}
    assert {name for origin in origins.values() for name in origin.names} == set(theirs)
    method.generator.load_state_dict(
        {name: origin.combine(*(theirs[one] for one in origin.names)) for name, origin in origins.items()}
    )
    image, hole = torch.rand(2, 3, 32, 48), torch.rand(2, 1, 32, 48).round()
    # there: pixels in [-1, 1], the hole cut out of them, tanh at the end
    there = published_generator(theirs, torch.cat([(image * 2 - 1) * (1 - hole), hole], 1), "released")
    with torch.no_grad():
        here = method(image * (1 - hole), hole).prediction
    torch.testing.assert_close(here, (there + 1) / 2, rtol=1e-3, atol=1e-3)


def published_branch(state, name, x, layers):
    maps = []
    for i in range(layers):
        x = conv(state, f"{name}.{i}.conv", x, stride=2)
        kinds = ("running_mean", "running_var", "weight", "bias")
        mean, var, gain, shift = (state[f"{name}.{i}.norm.{kind}"].view(1, -1, 1, 1) for kind in kinds)
        x = (x - mean) / (var + 1e-5).sqrt() * gain + shift
        x = torch.where(x > 0, x, 0.2 * x)
        maps.append(x)
    return maps


def test_the_discriminator_puts_the_local_branch_first(scramble):
    discriminator = scramble(Discriminator(2))
    image, crop = torch.randn(2, 3, 256, 256), torch.randn(2, 3, 128, 128)
    state = discriminator.state_dict()
    local_maps = published_branch(state, "local_model", crop, 5)
    branches = [
        linear(x.flatten(1), state[f"{name}_classifier.weight"], state[f"{name}_classifier.bias"])
        for name, x in (("local", local_maps[-1]), ("global", published_branch(state, "global_model", image, 6)[-1]))
    ]
    joint = torch.cat(branches, 1)
    score = linear(torch.maximum(joint, 0.2 * joint), state["classifier.1.weight"], state["classifier.1.bias"])
    with torch.no_grad():
        found, maps = discriminator(image, crop)
    assert_close(found, score)
    for one, wanted in zip(maps, local_maps, strict=True):
        assert_close(one, wanted)


def test_at_other_sizes_the_last_maps_are_averaged_to_four_by_four(scramble):
    discriminator = scramble(Discriminator(2))
    image, crop = torch.randn(2, 3, 512, 64), torch.randn(2, 3, 256, 32)
    state = discriminator.state_dict()
    local_map, global_map = (
        published_branch(state, "local_model", crop, 5)[-1], published_branch(state, "global_model", image, 6)[-1]
    )  # fmt: skip
    assert local_map.shape[2:] == global_map.shape[2:] == (8, 1)
    given = []
    for classifier in (discriminator.local_classifier, discriminator.global_classifier):
        classifier.register_forward_pre_hook(lambda module, x: given.append(x[0]))
    with torch.no_grad():
        discriminator(image, crop)
    for one, wide in zip(given, (local_map, global_map), strict=True):
        pooled = wide.unflatten(2, (4, 2)).mean(3).expand(-1, -1, -1, 4)  # pairs of rows; the single column four times
        assert_close(one, pooled.flatten(1))


def test_images_of_a_batch_do_not_influence_each_other(nano, scramble):
    scramble(nano)
    masked, hole = torch.rand(2, 3, 64, 48), torch.rand(2, 1, 64, 48).round()
    one_by_one = [nano.predict(masked[i : i + 1], hole[i : i + 1]) for i in range(2)]
    assert_close(nano.predict(masked, hole), torch.cat(one_by_one))
    scores = [nano.discriminator(masked[i : i + 1], masked[i : i + 1, :, :32, :24])[0] for i in range(2)]
    assert_close(nano.discriminator(masked, masked[..., :32, :24])[0], torch.cat(scores))


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


def test_the_generator_gets_minus_one_to_one_and_zero_in_the_hole(nano):
    inputs = []
    nano.generator.register_forward_pre_hook(lambda module, given: inputs.append(given[0]))
    image, hole = torch.rand(2, 3, 16, 24), torch.rand(2, 1, 16, 24).round()
    output = nano(image * (1 - hole), hole)
    wanted = torch.where(hole.bool(), 0, 2 * image - 1)
    torch.testing.assert_close(inputs[0], torch.cat([wanted, hole], 1))
    assert torch.equal(output.prediction, (nano.generator(inputs[0]) + 1) / 2)
    assert torch.equal(nano(torch.where(hole.bool(), 0.7, image), hole).prediction, output.prediction)


def test_initial_weights_are_those_of_the_official_rule():
    """It reaches convolutions and batch norm. PyTorch draws others uniformly, with a bound of 1 / sqrt(fan-in)."""
    gains = []
    for name, layer in build("nano", 3).named_modules():
        if isinstance(layer, nn.Conv2d):
            assert layer.weight.mean().item() == pytest.approx(0, abs=0.004), name
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.15), name
            assert layer.bias is not None and layer.bias.eq(0).all(), name
        elif isinstance(layer, nn.BatchNorm2d):
            gains.append(layer.weight)
            assert layer.bias.eq(0).all(), name
        elif isinstance(layer, nn.ConvTranspose2d | nn.Linear):
            fan_in = layer.weight[0].numel()
            assert layer.weight.std().item() == pytest.approx((1 / fan_in / 3) ** 0.5, rel=0.15), name
            assert 0 < layer.weight.abs().max() <= fan_in**-0.5 * 1.0001, name
            assert layer.bias is not None and layer.bias.ne(0).all(), name
    assert torch.cat(gains).mean().item() == pytest.approx(1, abs=0.005)
    assert torch.cat(gains).std().item() == pytest.approx(0.02, rel=0.15)


def test_one_small_image_is_too_little_for_batch_norm(nano):
    small = torch.rand(1, 3, 64, 64)
    with pytest.raises(BadInput, match="batch of two or more"):
        nano.train().discriminator(small, small[..., :32, :32])
    for given in (small.expand(2, -1, -1, -1), torch.rand(1, 3, 64, 68)):
        height, width = (size // 2 for size in given.shape[-2:])
        assert nano.discriminator(given, given[..., :height, :width])[0].isfinite().all()
