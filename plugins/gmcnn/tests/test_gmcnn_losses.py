"""The loss terms against references that follow the official code image by image, in units of [-1, 1]."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
import torch
from scipy.signal import fftconvolve
from scipy.stats import norm
from torch import Tensor
from torch.autograd import grad
from torch.nn.functional import avg_pool2d, conv2d, max_pool2d, relu

import bench_gmcnn
from bench_core.specs import resolve
from bench_gmcnn import id_mrf as mrf
from bench_gmcnn import losses

BOXES = ((9, 20), (31, 3))
"""Top row and left column of the holes, which are boxes of SIDE x SIDE pixels."""
SIDE = 32


def cut(image: Tensor) -> Tensor:
    """Cut the holes out of two images."""
    return torch.stack([
        one[:, top : top + SIDE, left : left + SIDE] for one, (top, left) in zip(image, BOXES, strict=True)
    ])  # fmt: skip


def assert_same(found: Tensor, expected: Tensor, sources: list[Tensor]) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=0)
    gradients = (
        grad(loss, sources, retain_graph=True, allow_unused=True, materialize_grads=True) for loss in (found, expected)
    )
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-9)


@pytest.fixture
def prediction(image: Tensor) -> Tensor:
    return (0.2 * image + 0.8 * torch.rand_like(image)).requires_grad_()


def official_confidence(hole: Tensor, size: int, mode: Literal["reflect", "constant"]) -> Tensor:
    """Blur seven times by the symmetric kernel of two dimensions, made of scipy's normal distribution."""
    interval = (2 / 40 + 1) / size
    edges = np.linspace(-1 / 40 - interval / 2, 1 / 40 + interval / 2, size + 1)
    line = np.diff(norm.cdf(edges))
    kernel = np.sqrt(np.outer(line, line))
    sides = [(0, 0), (0, 0), *[((size - 1) // 2, size // 2)] * 2]
    blurred, missing = hole.numpy(), hole.numpy()
    known = 1 - missing
    for _ in range(7):
        blurred = fftconvolve(np.pad(known, sides, mode), (kernel / kernel.sum())[None, None], "valid") * missing
        known = blurred + 1 - missing
    return torch.from_numpy(blurred)


def test_reconstruction_is_weighted_by_confidence_and_divided_by_the_hole(make_context, image, hole, prediction):
    found = losses.reconstruction(make_context(image, hole, prediction))
    errors = (2 * prediction - 2 * image).abs() * official_confidence(hole, 65, "reflect")
    assert_same(found, errors.mean() / hole.mean(), [prediction])  # both holes have the same size


def test_tf_reconstruction_is_a_mean_over_crops(make_context, image, hole, prediction):
    found = losses.tf_reconstruction(make_context(image, hole, prediction))
    errors = cut((2 * prediction - 2 * image).abs() * official_confidence(hole, 64, "constant"))
    assert_same(found, errors.mean(), [prediction])


def test_confidence_has_parameters(make_context, image, hole, prediction):
    ctx = make_context(image, hole, prediction)
    usual = losses.tf_reconstruction(ctx)
    others: list[dict[str, Any]] = [{"window": 32}, {"sigma": 3.0}, {"rounds": 16}]
    for changed in others:
        assert losses.tf_reconstruction(ctx, **changed) != usual
    # a window of one pixel leaves hidden pixels without confidence
    assert losses.tf_reconstruction(ctx, window=1) == losses.reconstruction(ctx, window=1) == 0
    for model in bench_gmcnn.bench_models():
        (term,) = (loss for loss in model.losses if loss.name == "reconstruction")
        assert resolve(term.term)(ctx, **term.parameters) == resolve(term.term)(ctx)


def test_autoencoding_is_the_error_of_known_pixels(make_context, image, hole, prediction):
    found = losses.autoencoding(make_context(image, hole, prediction))
    expected = ((2 * prediction - 2 * image).abs() * (1 - hole)).mean() / (1 - hole).mean()
    assert_same(found, expected, [prediction])


@pytest.mark.parametrize("term", [losses.reconstruction, losses.autoencoding])
def test_each_image_is_divided_by_its_own_hole(term, make_context, image, hole, prediction):
    hole[1, :, :40] = 0
    contexts = [make_context(*(one[i : i + 1] for one in (image, hole, prediction))) for i in range(2)]
    apart = torch.stack([term(ctx) for ctx in contexts]).mean()
    torch.testing.assert_close(term(make_context(image, hole, prediction)), apart)


@pytest.mark.parametrize("everything", [0.0, 1.0])
@pytest.mark.parametrize("name", ["gmcnn", "gmcnn:tf"])
def test_an_empty_and_a_full_hole_have_finite_terms(name, everything, make_context, scrambled, image, prediction):
    (model,) = (model for model in bench_gmcnn.bench_models() if model.name == name)
    for local in ("crop", "image"):
        method = scrambled(model.options["variant"], local)
        ctx = make_context(image, torch.full_like(image[:, :1], everything), prediction, method)
        found = torch.stack([resolve(loss.term)(ctx) for loss in model.losses])
        assert found.isfinite().all()
        (gradient,) = grad(found.sum(), prediction, materialize_grads=True, allow_unused=True)
        assert gradient.isfinite().all()


def official_features(backbones, x: Tensor, last: int, average: bool) -> list[Tensor]:
    """Compute VGG-19 up to a layer of torchvision's numbering."""
    maps = []
    for layer in backbones.get("vgg19")[: last + 1]:
        if isinstance(layer, torch.nn.Conv2d):
            x = conv2d(x, layer.weight, layer.bias, padding=1)
        else:
            x = relu(x) if isinstance(layer, torch.nn.ReLU) else (avg_pool2d if average else max_pool2d)(x, 2)
        maps.append(x)
    return maps


def similarity(rows: list[Tensor], columns: list[Tensor]) -> Tensor:
    """Return normalised similarities, one row per vector of `rows`, written out."""
    cosines = torch.stack([torch.stack([r @ c / (r.norm() * c.norm()) for c in columns]) for r in rows])
    distances = (1 - cosines) / 2
    weights = ((1 - distances / (distances.min(dim=1, keepdim=True)[0] + 1e-5)) / 0.5).exp()
    return weights / weights.sum(dim=1, keepdim=True)


def positions(x: Tensor) -> list[Tensor]:
    return list(x.flatten(1).T)


def test_id_mrf_matches_targets_with_generated_features(make_context, image, hole, prediction, backbones):
    ctx = make_context(image, hole, prediction)
    mean = torch.tensor((0.485, 0.456, 0.406), dtype=torch.float64).view(3, 1, 1)
    composite = prediction * hole + image * (1 - hole)
    found, wanted = (official_features(backbones, cut(x) - mean, 20, False) for x in (composite, image))
    expected = torch.zeros((), dtype=torch.float64)
    # the first ReLUs of the third and the fourth block
    for index, weight in ((11, 1), (20, 2)):
        for one, target in zip(found[index], wanted[index], strict=True):
            centre = target.mean(dim=0)
            cs = similarity(positions(one - centre), positions(target - centre))
            expected = expected - weight * cs.max(dim=0)[0].mean().log()
    assert_same(losses.id_mrf(ctx), expected, [prediction])


def test_tf_id_mrf_exchanges_the_roles(make_context, image, hole, prediction, backbones):
    ctx = make_context(image, hole, prediction)
    mean = torch.tensor((123.68, 116.779, 103.939), dtype=torch.float64).view(3, 1, 1)

    def features(x: Tensor) -> list[Tensor]:
        return official_features(backbones, (cut(2 * x - 1)[:, [2, 1, 0]] + 1) * 127.5 - mean, 22, True)

    generated, wanted = features(prediction), features(image)
    expected = torch.zeros((), dtype=torch.float64)
    for index, weight in ((13, 1), (22, 2)):  # relu3_2 and relu4_2
        centre = generated[index].mean(dim=(0, 2, 3)).view(-1, 1, 1)
        for one, target in zip(generated[index], wanted[index], strict=True):
            cs = similarity(positions(target - centre), positions(one - centre))
            expected = expected - weight * cs.max(dim=0)[0].mean().log() / 2
    assert_same(losses.tf_id_mrf(ctx), expected, [prediction])


def test_a_vector_of_zeros_gives_a_finite_loss_and_gradient() -> None:
    queries, keys = torch.randn(1, 5, 4), torch.randn(1, 6, 4)
    queries[0, 1] = keys[0, 2] = 0
    queries.requires_grad_()
    found = mrf.id_mrf(queries, keys).sum()
    found.backward()
    assert found.isfinite() and queries.grad is not None and queries.grad.isfinite().all()


def test_at_most_4225_positions_are_compared_the_same_of_both_maps() -> None:
    assert losses.MAX_POSITIONS == 4225
    few, many = torch.randn(2, 4225, 3), torch.randn(2, 4300, 3)
    assert all(one is few for one in losses._sampled(few, few))
    one, other = losses._sampled(many, many + 1)
    torch.testing.assert_close(other, one + 1)
    assert one.shape == (2, 4225, 3) and len(one[0].unique(dim=0)) == 4225


def official_scores(method, image: Tensor, hole: Tensor, local: str) -> tuple[Tensor, Tensor]:
    whole, part = method.discriminator.global_discriminator, method.discriminator.local_discriminator
    if local == "crop":
        return whole(image), part(cut(image))
    return whole(image), part(image, hole) if type(part).__name__ == "HoleCritic" else part(image)


@pytest.mark.parametrize("local", ["crop", "image"])
@pytest.mark.parametrize("variant", ["pytorch", "tf"])
def test_adversarial_terms_score_composites_and_their_local_parts(
    variant, local, make_context, scrambled, image, hole, prediction
):
    method = scrambled(variant, local)
    ctx, sources = make_context(image, hole, prediction, method), [prediction, *method.discriminator.parameters()]
    real, fake = 2 * image - 1, (2 * prediction - 1) * hole + (2 * image - 1) * (1 - hole)
    (real_g, real_l), (fake_g, fake_l) = (official_scores(method, x, hole, local) for x in (real, fake))
    assert_same(losses.adversarial(ctx), -fake_g.mean() - fake_l.mean(), sources)
    hinge = sum(relu(1 - x).mean() for x in (real_g, real_l)) + sum(relu(1 + x).mean() for x in (fake_g, fake_l))
    assert isinstance(hinge, Tensor)
    assert_same(losses.discriminator(ctx), hinge, sources)
    assert_same(losses.tf_score_gap(ctx), (fake_g - real_g).mean() + (fake_l - real_l).mean(), sources)


@pytest.mark.parametrize("local", ["crop", "image"])
def test_gradient_penalties_are_taken_inside_the_hole(local, make_context, scrambled, image, hole, prediction):
    method = scrambled("tf", local)
    ctx, sources = make_context(image, hole, prediction, method), list(method.discriminator.parameters())
    real, fake = 2 * image - 1, ((2 * prediction - 1) * hole + (2 * image - 1) * (1 - hole)).detach()
    ctx.cached(losses.corners)  # draws numbers, too
    torch.manual_seed(5)
    found, expected = losses.tf_gradient_penalty(ctx), torch.zeros((), dtype=torch.float64)
    torch.manual_seed(5)
    for place in range(2):
        crops = place == 1 and local == "crop"
        y, x, m = (cut(one) if crops else one for one in (fake, real, hole))
        share = torch.rand(2, 1, 1, 1, dtype=torch.float64)
        between = (share * x + (1 - share) * y).requires_grad_()
        part = method.discriminator.global_discriminator if place == 0 else method.discriminator.local_discriminator
        scores = part(between, hole) if place == 1 and local == "image" else part(between)
        (gradient,) = grad(scores.sum(), between, create_graph=True)
        expected = expected + ((gradient.square() * m).sum(dim=(1, 2, 3)).sqrt() - 1).square().mean()
    assert_same(found, expected, sources)


def test_composites_take_the_first_step_of_power_iteration(make_context, scrambled, image, hole, prediction):
    method, seen = scrambled().train(), []
    method.discriminator.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    losses.discriminator(make_context(image, hole, prediction, method))
    fake, real = seen
    torch.testing.assert_close(real, 2 * image - 1)
    torch.testing.assert_close(fake, torch.where(hole.bool(), 2 * prediction - 1, 2 * image - 1))


def test_all_terms_of_an_update_share_the_crops_of_holes_that_fit_nowhere(make_context, scrambled, image, prediction):
    method, crops = scrambled(), []
    method.discriminator.register_forward_pre_hook(lambda _, given: crops.append(given[1]))
    ctx = make_context(image, torch.ones_like(image[:, :1]), prediction, method)
    terms: list[Callable] = [losses.discriminator, losses.adversarial]
    for term in terms:
        term(ctx)
    fake, _, again = crops
    assert torch.equal(fake, again)
