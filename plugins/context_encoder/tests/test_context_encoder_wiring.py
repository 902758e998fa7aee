"""The networks against forward passes written out from the published tables, with the same weights."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d

from bench_context_encoder.model import ContextEncoder, Discriminator, Generator, build, build_random_region
from bench_core.errors import BadInput

State = dict[str, Tensor]
WIDTHS = {64: 6, 32: 5, 16: 7, 8: 9, 4: 11}


def norm(state: State, name: str, x: Tensor) -> Tensor:
    kinds = ("running_mean", "running_var", "weight", "bias")
    mean, var, gain, shift = (state[f"{name}.norm.{kind}"].view(1, -1, 1, 1) for kind in kinds)
    return (x - mean) / (var + 1e-5).sqrt() * gain + shift


def halve(state: State, x: Tensor, *sides: int) -> Tensor:
    for i, side in enumerate(sides):
        x = conv2d(x, state[f"conv{side}.conv.weight"], stride=2, padding=1)
        assert x.shape[-1] == side
        x = norm(state, f"conv{side}", x) if i else x
        x = torch.where(x > 0, x, 0.2 * x)
    return x


def decode(state: State, x: Tensor, down: tuple[int, ...], up: tuple[int, ...]) -> Tensor:
    x = norm(state, "bottleneck", conv2d(halve(state, x, *down), state["bottleneck.conv.weight"]))
    x = torch.where(x > 0, x, 0.2 * x)
    assert x.shape[2:] == (1, 1)
    x = norm(state, "deconv4", conv_transpose2d(x, state["deconv4.conv.weight"])).clamp(min=0)
    for side in up:
        x = conv_transpose2d(x, state[f"deconv{side}.conv.weight"], stride=2, padding=1)
        assert x.shape[-1] == side
        x = torch.tanh(x) if side == up[-1] else norm(state, f"deconv{side}", x).clamp(min=0)
    return x


@pytest.mark.parametrize(
    ("side", "output_side", "down", "up"),
    [
        (128, 64, (64, 32, 16, 8, 4), (8, 16, 32, 64)),
        (128, 128, (64, 32, 16, 8, 4), (8, 16, 32, 64, 128)),
        (64, 32, (32, 16, 8, 4), (8, 16, 32)),
        (64, 64, (32, 16, 8, 4), (8, 16, 32, 64)),
    ],
)
def test_the_generator_is_the_published_table(side, output_side, down, up, scramble):
    generator, x = scramble(Generator(side, output_side, 13, WIDTHS)), torch.randn(2, 3, side, side)
    with torch.no_grad():
        torch.testing.assert_close(generator(x), decode(generator.state_dict(), x, down, up), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("side", "down"), [(128, (64, 32, 16, 8, 4)), (64, (32, 16, 8, 4)), (32, (16, 8, 4))])
def test_the_discriminator_is_the_published_table(side, down, scramble):
    discriminator, x = scramble(Discriminator(side, WIDTHS)), torch.randn(2, 3, side, side)
    state = discriminator.state_dict()
    wanted = conv2d(halve(state, x, *down), state["score.weight"]).view(2, 1)
    with torch.no_grad():
        torch.testing.assert_close(discriminator(x), wanted, rtol=1e-4, atol=1e-5)


def test_scale_paper_has_the_published_widths():
    with torch.device("meta"):
        centre, whole = build("paper", 3), build_random_region("paper", 3)
    encoder = {"conv64": (64, 3), "conv32": (64, 64), "conv16": (128, 64), "conv8": (256, 128), "conv4": (512, 256)}
    middle = {"bottleneck": (4000, 512), "deconv4": (4000, 512)}  # transposed convolutions list the input first
    decoder = {"deconv8": (512, 256), "deconv16": (256, 128), "deconv32": (128, 64)}

    def shapes(network: torch.nn.Module) -> dict[str, tuple[int, ...]]:
        weights = {name: tuple(one.shape) for name, one in network.named_parameters() if one.dim() == 4}
        assert {shape[2:] for shape in weights.values()} == {(4, 4)}
        return {name.partition(".")[0]: shape[:2] for name, shape in weights.items()}

    assert shapes(centre.generator) == encoder | middle | decoder | {"deconv64": (64, 3)}
    assert shapes(whole.generator) == encoder | middle | decoder | {"deconv64": (64, 64), "deconv128": (64, 3)}
    discriminator = {"conv16": (128, 64), "conv8": (256, 128), "conv4": (512, 256), "score": (1, 512)}
    assert shapes(centre.discriminator) == {"conv32": (64, 3)} | discriminator
    assert shapes(whole.discriminator) == {"conv64": (64, 3), "conv32": (64, 64)} | discriminator


@pytest.mark.parametrize(
    ("make", "left_out"), [(build, {"conv64", "deconv64"}), (build_random_region, {"conv64", "deconv128"})]
)
def test_nano_leaves_out_layers_and_has_a_quarter_of_every_width(make, left_out):
    with torch.device("meta"):
        paper, nano = (make(scale, 3) for scale in ("paper", "nano"))
    names = {name for name, _ in paper.generator.named_children()}
    assert {name for name, _ in nano.generator.named_children()} == names - left_out
    wide = paper.state_dict()
    for name, narrow in nano.state_dict().items():
        if ".norm." in name and narrow.dim():
            assert wide[name].shape[0] == 4 * narrow.shape[0], name
    assert nano.generator.get_parameter("bottleneck.conv.weight").shape[0] == 1000


def test_the_patch_is_put_into_the_masked_image(nano, centre_hole):
    masked = torch.rand(2, 3, 64, 64) * (1 - centre_hole)
    recorded = []
    nano.generator.register_forward_hook(lambda module, given, out: recorded.append((given[0], out)))
    prediction = nano(masked, centre_hole).prediction
    ((filled, patch),) = recorded
    known = centre_hole.expand_as(masked) == 0
    torch.testing.assert_close(filled[known], 2 * masked[known] - 1)
    assert torch.equal(prediction[..., 16:48, 16:48], (patch + 1) / 2)
    assert torch.equal(prediction[known], masked[known])


def test_the_arbitrary_region_model_predicts_the_whole_image(random_region):
    masked, hole = torch.rand(2, 3, 64, 64), torch.rand(2, 1, 64, 64).round()
    recorded = []
    random_region.generator.register_forward_hook(lambda module, given, out: recorded.append(out))
    assert torch.equal(random_region(masked, hole).prediction, (recorded[0] + 1) / 2)


@pytest.mark.parametrize("make", [build, build_random_region])
def test_hidden_pixels_do_not_matter_wherever_they_are(make):
    method, image, hole = make("nano", 3, bottleneck=40).eval(), torch.rand(1, 3, 64, 64), torch.zeros(1, 1, 64, 64)
    hole[..., 4:40, 4:40] = 1
    hidden, removed = (method.predict(given, hole) for given in (image, image * (1 - hole)))
    assert torch.equal(hidden, removed)


@pytest.mark.parametrize(("fill", "value"), [("zero", 0.0), ("official", 2 * 117 / 255 - 1)])
def test_the_fill_is_an_option(fill, value, centre_hole):
    method, recorded = build("nano", 3, fill=fill, bottleneck=40), []
    method.generator.register_forward_pre_hook(lambda module, given: recorded.append(given[0]))
    method(torch.rand(2, 3, 64, 64), centre_hole)
    torch.testing.assert_close(recorded[0][:, 0, 16:48, 16:48], torch.full((2, 32, 32), value))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fill": "zeros"}, r"fill of hidden pixels 'zeros'\. Did you mean 'zero'"),
        ({"bottleneck": 3}, "4 channels or more"),
        ({"known_weight": -1.0}, "not negative"),
    ],
)
def test_invalid_options_raise_bad_input(options, message):
    with pytest.raises(BadInput, match=message):
        build("nano", 3, **options)


def test_training_refuses_a_batch_of_one_image(nano: ContextEncoder, centre_hole):
    one = torch.rand(1, 3, 64, 64)
    with pytest.raises(BadInput, match="batch of one image"):
        nano.train()(one, centre_hole[:1])
    assert nano.eval()(one, centre_hole[:1]).prediction.isfinite().all()
    assert nano.train()(one.expand(2, -1, -1, -1), centre_hole).prediction.isfinite().all()


@pytest.mark.parametrize("size", [(128, 128), (64, 96)])
def test_images_of_another_size_are_refused(size, nano: ContextEncoder):
    with pytest.raises(BadInput, match=f"{size[0]} x {size[1]} pixels; at this scale it takes 64 x 64 only"):
        nano(torch.rand(2, 3, *size), torch.zeros(2, 1, *size))


def test_initial_weights_are_normal_with_deviation_0_02():
    method = build("nano", 3)
    for name, value in method.named_parameters():
        if "conv.weight" in name or "score" in name:
            assert value.mean().item() == pytest.approx(0, abs=0.004), name
            assert value.std().item() == pytest.approx(0.02, rel=0.15), name
    named = dict(method.named_parameters())
    gains = torch.cat([value for name, value in named.items() if name.endswith("norm.weight")])
    assert gains.mean().item() == pytest.approx(1, abs=0.005)
    assert gains.std().item() == pytest.approx(0.02, rel=0.15)
    assert all(value.eq(0).all() for name, value in named.items() if name.endswith("bias"))
