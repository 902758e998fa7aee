"""The networks against forward passes written out from the equations, with the same weights."""

import pytest
import torch
from torch import Tensor

from bench_core.errors import BadInput
from bench_picnet import model
from bench_picnet.attention import attend
from bench_picnet.model import Discriminator, Generator, PICNet, build
from bench_picnet.weights import official


def assert_close(found, wanted):
    torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-8)


def official_state(generator: Generator) -> dict[str, Tensor]:
    return {official(name).names[0].partition(".")[2]: value.clone() for name, value in generator.state_dict().items()}


def official_discriminator(discriminator: Discriminator) -> dict[str, Tensor]:
    renamed = {"head": "block0", "attention": "attn2", "last": "block1", "score": "conv"}
    state = {}
    for name, value in discriminator.state_dict().items():
        block, _, rest = name.replace("downs.", "encoder").partition(".")
        *layer, kind = rest.replace("query", "query_conv").replace("fusion", "model").split(".")
        wrapped = [] if kind in ("gamma", "alpha") or "query_conv" in layer else ["module"]
        kind = kind.replace("weight_orig", "weight_bar")
        state[".".join([renamed.get(block, block), *layer, *wrapped, kind])] = value.clone()
    return state


@torch.no_grad()
def test_the_generative_path_is_that_of_the_equations(equations, nano, scramble, pair):
    image, hole = (plane.double() for plane in pair)
    published = equations(official_state(scramble(nano).double().generator))
    masked = (2 * image - 1) * (1 - hole)
    maps = published.features(masked)
    mean, deviation = published.prior(maps[-1])
    torch.manual_seed(5)
    z = mean + deviation * torch.randn_like(mean)
    wanted = published.images(z, maps[-1], maps[2], 1 - hole)
    torch.manual_seed(5)
    paths = nano.generator(masked, hole)
    assert_close(tuple(paths.prior), (mean, deviation))
    for found, expected in zip(paths.generated, wanted, strict=True):
        assert_close(found, expected)
        assert expected.std() > 0.05
    assert paths.reconstructed == [] and paths.posterior is None
    torch.manual_seed(5)
    assert_close(nano.predict(image * (1 - hole), hole), (wanted[-1] + 1) / 2)


@torch.no_grad()
def test_training_decodes_a_sample_of_the_posterior_and_one_of_the_prior(equations, nano, scramble, pair):
    image, hole = (plane.double() for plane in pair)
    published = equations(official_state(scramble(nano).double().generator))
    signed = 2 * image - 1
    known, hidden = (published.features(signed * part) for part in (1 - hole, hole))
    prior = published.prior(known[-1])
    posterior = published.mean_and_deviation("posterior", hidden[-1])
    torch.manual_seed(5)
    torch.randn(2)
    torch.manual_seed(5)
    samples = [mean + deviation * torch.randn_like(mean) for mean, deviation in (posterior, prior)]
    wanted = [published.images(z, known[-1], known[2], 1 - hole) for z in samples]
    torch.manual_seed(5)
    output = nano.train().training_output(image, image * (1 - hole), hole)
    assert_close(output.extras["posterior"], posterior)
    assert_close(output.extras["prior"], prior)
    assert_close(list(output.extras["reconstructed"]), wanted[0])
    assert_close(list(output.extras["generated"]), wanted[1])
    assert_close(output.prediction, (wanted[1][-1] + 1) / 2)


@torch.no_grad()
@pytest.mark.parametrize("size", [(96, 96), (128, 160)])
def test_the_discriminators_are_those_of_the_equations(equations, nano, scramble, size):
    image = torch.rand(2, 3, *size, dtype=torch.double) * 2 - 1
    for network in (nano.discriminator, nano.discriminator_rec):
        scramble(network).double()
        wanted = equations(official_discriminator(network)).scores(image)
        assert_close(network(image), wanted)
        assert wanted.shape[-2:] == (size[0] // 32 - 2, size[1] // 32 - 2)


@torch.no_grad()
def test_images_of_less_than_96_pixels_are_scored_with_a_padded_last_convolution(nano, scramble):
    network = scramble(nano.discriminator)
    for size, wanted in (((32, 32), (1, 1)), ((64, 64), (2, 2)), ((64, 128), (2, 4))):
        assert network(torch.rand(1, 3, *size)).shape == (1, 1, *wanted)


@torch.no_grad()
def test_attention_in_slabs_is_attention_at_once(monkeypatch):
    queries, values = torch.randn(2, 4, 6, 8), torch.randn(2, 5, 6, 8)
    wanted = attend(queries, values)
    monkeypatch.setattr("bench_picnet.attention.SCORES_IN_CACHE", 2 * 48 * 7)  # seven positions at a time
    torch.testing.assert_close(attend(queries, values), wanted)


@torch.no_grad()
def test_attention_computes_in_32_bits_under_autocast():
    queries, values = (10 * torch.randn(1, 8, 8, 8)).bfloat16(), torch.randn(1, 4, 8, 8).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        found = attend(queries, values)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, attend(queries.float(), values.float()))


@torch.no_grad()
def test_training_stores_one_power_iteration_and_prediction_none(nano, pair):
    image, hole = pair
    before = {name: value.clone() for name, value in nano.state_dict().items()}
    nano.eval().predict(image * (1 - hole), hole)
    assert all(torch.equal(value, before[name]) for name, value in nano.state_dict().items())
    nano.train().training_output(image, image * (1 - hole), hole)
    for name, u in nano.generator.state_dict().items():
        if name.endswith("weight_u"):
            kernel = before[f"generator.{name.replace('weight_u', 'weight_orig')}"]
            matrix = kernel.flatten(1).double()
            v = matrix.T @ before[f"generator.{name}"].double()
            wanted = matrix @ (v / v.norm())
            torch.testing.assert_close(u.double(), wanted / wanted.norm(), rtol=0, atol=1e-5)


@torch.no_grad()
def test_the_mean_of_the_prior_makes_predictions_deterministic(pair):
    image, hole = pair
    sampled, mean = build("nano", 3).eval(), build("nano", 3, latent="mean").eval()
    mean.load_state_dict(sampled.state_dict())
    once, again = (mean.predict(image * (1 - hole), hole) for _ in range(2))
    assert torch.equal(once, again)
    samples = torch.stack([sampled.predict(image * (1 - hole), hole) for _ in range(8)])
    assert samples.std(0).max() > 1e-3
    assert (samples.mean(0) - once).abs().mean() < samples.std(0).mean()


def test_an_unknown_latent_raises_bad_input():
    with pytest.raises(BadInput, match=r"picnet.latent 'means'\. Did you mean 'mean'"):
        build("nano", 3, latent="means")


@torch.no_grad()
def test_images_of_a_batch_do_not_influence_each_other(nano, scramble, pair, monkeypatch):
    monkeypatch.setattr(model, "draw", lambda distribution: distribution.mean)
    masked, hole = pair[0].double() * (1 - pair[1].double()), pair[1].double()
    scramble(nano).double()
    one_by_one = [nano.predict(masked[i : i + 1], hole[i : i + 1]) for i in range(2)]
    assert_close(nano.predict(masked, hole), torch.cat(one_by_one))


def test_gradients_are_those_of_the_equations(equations, nano, scramble, pair):
    """The fused convolutions and slabs have gradients of their own to get right."""
    image, hole = (plane.double() for plane in pair)
    generator = scramble(nano).double().generator
    state = official_state(generator)
    state |= {name: value.requires_grad_() for name, value in state.items() if not name.endswith(("_u", "_v"))}
    published, masked = equations(state), (2 * image - 1) * (1 - hole)
    torch.manual_seed(5)
    found = torch.stack([maps.square().mean() for maps in generator(masked, hole).generated]).sum()
    maps = published.features(masked)
    mean, deviation = published.prior(maps[-1])
    torch.manual_seed(5)
    z = mean + deviation * torch.randn_like(mean)
    wanted = torch.stack([x.square().mean() for x in published.images(z, maps[-1], maps[2], 1 - hole)]).sum()
    names = [name for name, _ in generator.named_parameters() if "posterior" not in name]
    ours = torch.autograd.grad(found, [generator.get_parameter(name) for name in names])
    theirs = torch.autograd.grad(wanted, [state[official(name).names[0].partition(".")[2]] for name in names])
    for name, one, other in zip(names, ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-10, msg=name)
        assert name.startswith("decoder.ups") or other.abs().max() > 1e-8, name  # norms cancel the biases before them


def test_nano_is_the_same_network_with_narrower_layers():
    with torch.device("meta"):
        paper, nano = (build(scale, 3).state_dict() for scale in ("paper", "nano"))
    assert list(paper) == list(nano)
    for name, small in nano.items():
        assert small.shape[2:] == paper[name].shape[2:], name
        assert all(narrow <= wide for narrow, wide in zip(small.shape, paper[name].shape, strict=True)), name


def test_the_generator_sees_no_hidden_pixel(nano, scramble, pair):
    image, hole = pair
    inputs: list[Tensor] = []
    nano.generator.register_forward_pre_hook(lambda module, given: inputs.extend(given))
    scramble(nano).predict(image * (1 - hole), hole)
    masked, given = inputs
    assert torch.equal(given, hole)
    assert masked[hole.expand_as(image) == 1].eq(0).all()  # mid-grey


def test_weights_begin_as_the_official_ones(nano):
    """The orthogonal rule reaches the queries only; all other layers keep PyTorch's own."""
    networks: PICNet = nano
    for attention in (networks.generator.decoder.attention, networks.discriminator.attention):
        rows = attention.query.weight.flatten(1)
        torch.testing.assert_close(rows @ rows.T, 0.02**2 * torch.eye(len(rows)), rtol=0, atol=1e-8)
        assert attention.query.bias is not None and attention.query.bias.eq(0).all()
        assert attention.gamma.item() == attention.alpha.item() == 0
    kernel = networks.generator.encoder.prior.conv2.weight_orig
    bound = kernel[0].numel() ** -0.5
    assert kernel.abs().max() <= bound and kernel.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
