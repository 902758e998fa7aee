"""Facts about the published method, one test each. The numbers are published or worked out by hand."""

import pytest
import torch
from torch import nn

import bench_picnet
from bench_core.methods.method import composite
from bench_core.nn.spectral_norm import SpectralNorm
from bench_picnet.losses import target_deviation
from bench_picnet.model import PICNet, build


@pytest.fixture(scope="module")
def published() -> PICNet:
    with torch.device("meta"):
        return build("paper", 3)


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_fact_01_networks_have_the_published_numbers_of_parameters(published, nano):
    counts = {}
    for scale, method in (("paper", published), ("nano", nano)):
        generator = method.generator
        parts = (generator.encoder, generator.decoder, method.discriminator, method.discriminator_rec)
        counts[scale] = tuple(map(count, parts))
        assert count(generator) == bench_picnet.PICNET.num_parameters[scale] == sum(counts[scale][:2])
    assert counts["paper"] == (3_604_224, 2_374_016, 1_575_075, 1_575_075)
    assert counts["nano"] == (205_760, 148_152, 99_243, 99_243)
    assert count(published.discriminator.attention.fusion) == 475_520  # unused
    generator = published.generator
    tensors = [len(part.state_dict()) for part in (generator.encoder, generator.decoder, published.discriminator)]
    assert tensors == [156, 124, 92]


def test_fact_02_sizes_of_features_images_and_scores_of_256_pixels(published):
    image, hole = torch.empty(1, 3, 256, 256, device="meta"), torch.empty(1, 1, 256, 256, device="meta")
    shapes = [tuple(maps.shape[1:]) for maps in published.generator.encoder(image)]
    assert shapes == [(32, 128, 128), (64, 64, 64), (128, 32, 32), (128, 16, 16), (128, 8, 8)]
    paths = published.generator(image, hole)
    assert [tuple(maps.shape[1:]) for maps in paths.generated] == [(3, side, side) for side in (32, 64, 128, 256)]
    assert paths.prior.mean.shape == paths.prior.deviation.shape == (1, 128, 8, 8)
    assert published.discriminator(image).shape == (1, 1, 6, 6)
    assert published.discriminator(image[..., :96, :128]).shape == (1, 1, 1, 2)


@torch.no_grad()
def test_fact_03_two_samples_differ_in_the_hole_and_keep_known_pixels(nano, scramble, pair):
    image, hole = pair
    scramble(nano)
    one, other = (composite(image, hole, nano.predict(image * (1 - hole), hole)) for _ in range(2))
    known = hole.expand_as(image) == 0
    assert torch.equal(one[known], image[known]) and torch.equal(other[known], image[known])
    assert (one - other)[~known].abs().mean() > 0.01


@torch.no_grad()
def test_fact_04_at_first_attention_has_no_effect_and_the_hole_gets_no_long_term_features(nano):
    attention = nano.generator.decoder.attention
    x, encoded, known = torch.randn(1, 32, 8, 8), torch.randn(1, 32, 8, 8), torch.zeros(1, 1, 8, 8)
    known[..., :4] = 1
    inputs = []
    attention.eval().fusion.register_forward_pre_hook(lambda module, given: inputs.append(given[0]))
    wanted = attention.fuse(x, encoded, known)
    nn.init.normal_(attention.query.weight)
    assert torch.equal(attention.fuse(x, encoded, known), wanted)
    short, long = inputs[0].chunk(2, dim=1)
    assert torch.equal(short, x)
    assert long[..., 4:].eq(0).all() and torch.equal(long[..., :4], encoded[..., :4])
    assert torch.equal(attention(x), x)


@pytest.mark.parametrize(
    ("known", "wanted"), [(0, 0.99834), (0.25, 0.98787), (0.5, 0.91683), (0.75, 0.59871), (1, 0.16799)]
)
def test_fact_05_the_target_is_narrower_for_smaller_holes(known, wanted):
    hole = torch.ones(1, 1, 4, 8)
    hole[..., : int(4 * known), :] = 0
    assert target_deviation(hole).item() == pytest.approx(wanted, abs=1e-5)


@torch.no_grad()
def test_fact_07_outputs_are_between_minus_one_and_one(nano, scramble, pair):
    image, hole = pair
    for images in scramble(nano).training_output(image, image * (1 - hole), hole).extras.values():
        if images[0].shape[1] == 3:
            assert all(-1 < maps.min() < 0 < maps.max() < 1 for maps in images)
    prediction = nano.predict(image * (1 - hole), hole)
    assert 0 < prediction.min() < 0.5 < prediction.max() < 1


@torch.no_grad()
def test_fact_08_weights_have_spectral_norm_one_after_many_iterations(nano):
    layers = [layer for layer in nano.modules() if isinstance(layer, SpectralNorm)]
    for layer in layers:
        for _ in range(50):
            layer.sigma()
        # of a transposed convolution too, the rows are the first axis
        norm = torch.linalg.matrix_norm(layer.normalised_weight().flatten(1).double(), 2)
        assert norm.item() == pytest.approx(1, abs=0.05)
    plain = [name for name, layer in nano.named_modules() if type(layer) in (nn.Conv2d, nn.ConvTranspose2d)]
    assert len(layers) == 39 + 25 + 2 * 22
    assert all(name.endswith("attention.query") for name in plain)


@torch.no_grad()
def test_hidden_pixels_do_not_matter(nano, scramble, pair):
    image, hole = pair
    scramble(nano)
    predictions = []
    for fill in (0.0, 0.7):
        torch.manual_seed(3)
        predictions.append(nano.predict(torch.where(hole.bool(), fill, image), hole))
    assert torch.equal(*predictions)
