"""What every installed method must keep to, whoever wrote it."""

import pytest
import torch
from torch import Tensor

from bench_core.backbones import Backbones
from bench_core.method import Method, Scene
from bench_core.plugins import Plugins
from bench_core.specs import Model, resolve
from bench_core.variants import vary

PLUGINS = Plugins.find()
PLUGINS.load_all()
MODELS: dict[str, Model] = PLUGINS.records("models")
TRAINED = [name for name, model in MODELS.items() if model.recipe]


def built(name: str) -> Method:
    torch.manual_seed(0)
    return resolve(MODELS[name].build)("nano", 3).eval()


def pictures(name: str, batch: int = 2, height: int = 1, width: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """Image, hole and masked image; the size is the smallest multiple from 64 on, stretched as asked."""
    multiple = MODELS[name].size_multiple["nano"]
    side = -(-64 // multiple) * multiple
    torch.manual_seed(1)
    image = torch.rand(batch, 3, side + (height - 1) * multiple, side + (width - 1) * multiple)
    hole = torch.zeros_like(image[:, :1])
    for number, one in enumerate(hole):
        one[:, 8 + 4 * number : 40, 16:48] = 1
    return image, hole, image * (1 - hole)


@pytest.mark.parametrize("name", MODELS)
def test_pictures_keep_their_shape_and_range_and_inputs_are_left_alone(name: str):
    method = built(name)
    for height, width in ((1, 1), (1, 3), (2, 1)):
        _, hole, masked = pictures(name, height=height, width=width)
        given = masked.clone(), hole.clone()
        found = method.predict(masked, hole)
        assert found.shape == masked.shape
        assert found.isfinite().all() and found.min() >= 0 and found.max() <= 1
        assert masked.equal(given[0]) and hole.equal(given[1])


@pytest.mark.parametrize("name", MODELS)
def test_the_same_input_gives_the_same_picture(name: str):
    method = built(name)
    _, hole, masked = pictures(name)
    assert method.predict(masked, hole).equal(method.predict(masked, hole))


@pytest.mark.parametrize("name", MODELS)
def test_what_lies_under_the_hole_does_not_matter(name: str):
    method = built(name)
    image, hole, masked = pictures(name)
    torch.testing.assert_close(method.predict(image, hole), method.predict(masked, hole), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", TRAINED)
def test_the_hole_is_where_the_hole_is(name: str):
    """Taken the wrong way round, the hole would be the only thing the network sees."""
    method = built(name)
    _, hole, masked = pictures(name)
    changed = (masked + 0.3 * (1 - hole)).clamp(max=1) * (1 - hole)
    assert not method.predict(changed, hole).equal(method.predict(masked, hole))


@pytest.mark.parametrize("name", MODELS)
def test_a_batch_of_two_is_two_batches_of_one(name: str):
    method = built(name)
    _, hole, masked = pictures(name)
    together = method.predict(masked, hole)
    alone = torch.cat([method.predict(masked[i : i + 1], hole[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("everything", [0.0, 1.0])
def test_an_image_without_hole_and_one_without_image_give_finite_pictures(name: str, everything: float):
    image, hole, _ = pictures(name)
    hole = torch.full_like(hole, everything)
    found = built(name).predict(image * (1 - hole), hole)
    assert found.isfinite().all() and found.min() >= 0 and found.max() <= 1


@pytest.mark.parametrize("name", TRAINED)
def test_every_update_reaches_its_own_network(name: str):
    """And the generator's reaches all its parameters; hidden pixels alone make no term infinite."""
    variant = vary(MODELS[name], PLUGINS.records("losses"))
    recipe = variant.model.recipe
    assert recipe is not None
    method = built(name).train()
    image, hole, masked = pictures(name)
    for phase in recipe.phases:
        method.enter(phase.name)
        for update in phase.updates:
            method.zero_grad()
            scene = Scene(image, hole, method(masked, hole), method, Backbones("random"))
            seen = scene if update.network == "generator" else scene.detached()
            terms = {key: resolve(variant.losses[key].term)(seen) for key in update.losses}
            assert all(value.shape == () and value.isfinite() for value in terms.values())
            torch.stack([weight * terms[key] for key, weight in update.losses.items()]).sum().backward()
            network = getattr(method, update.network)
            assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
            others = [getattr(method, other) for other in recipe.networks if other != update.network]
            if update.network != "generator":
                assert all(p.grad is None for other in others for p in other.parameters())


@pytest.mark.parametrize("name", TRAINED)
def test_the_networks_of_the_recipe_are_the_networks_of_the_method(name: str):
    recipe = MODELS[name].recipe
    assert recipe is not None
    assert {child for child, _ in built(name).named_children()} == set(recipe.networks)
    assert "generator" in recipe.networks


@pytest.mark.parametrize("name", TRAINED)
def test_both_scales_have_the_same_networks(name: str):
    with torch.device("meta"):
        paper, nano = (resolve(MODELS[name].build)(scale, 3) for scale in ("paper", "nano"))
    sizes = {}
    for scale, method in (("paper", paper), ("nano", nano)):
        sizes[scale] = sum(parameter.numel() for parameter in method.parameters())
    assert sizes["nano"] < sizes["paper"] / 8
    assert set(dict(nano.named_parameters())) <= set(dict(paper.named_parameters()))
