"""Laws of every installed method at every scale."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import pytest
import torch
from torch import Tensor

from bench_core.methods import LossContext, Method, Postprocess, guided
from bench_core.methods.compatibility import refused_size
from bench_core.methods.inpaint import fill
from bench_core.methods.variants import apply_overrides
from bench_core.nn.backbones import Backbones
from bench_core.plugins import Plugins
from bench_core.specs import Model, Scale, resolve

PLUGINS = Plugins.find()
PLUGINS.load_all()
MODELS: dict[str, Model] = PLUGINS.records("models")
TRAINED = [name for name, model in MODELS.items() if model.recipe]
BACKBONES = Backbones("random")
"""Shared, because building them takes seconds."""
SIDE = 64
"""Side in pixels of the images, rounded up to one that the model accepts."""
Inputs = tuple[Tensor, Tensor, tuple[Tensor, ...]]


def built(model: Model, scale: Scale) -> Method:
    torch.manual_seed(0)
    return resolve(model.build)(scale, model.channels[-1], **model.options).eval()


def inputs(model: Model, scale: Scale, height: int = 0, width: int = 0, batch: int = 2) -> Inputs:
    """Return images, holes that the model supports, and guidance. `height` and `width` are added to the sides."""
    multiple = model.size_multiple[scale]
    side = model.fixed_size.get(scale) or -(-max(SIDE, model.min_size.get(scale, 1)) // multiple) * multiple
    torch.manual_seed(1)
    image = torch.rand(batch, model.channels[-1], side + height, side + width)
    box, center = torch.zeros_like(image[:, :1]), torch.zeros_like(image[:, :1])
    for number, one in enumerate(box):
        one[:, side // 8 + 4 * number : side // 2, side // 4 : 3 * side // 4] = 1
    center[..., side // 4 : side - side // 4, side // 4 : side - side // 4] = 1
    for hole in (box, center):
        if not model.supports_hole or not resolve(model.supports_hole)(hole[0, 0].byte().numpy()):
            guide = resolve(model.guide)(torch.device("cpu")) if model.guide else None
            return image, hole, guided(guide, image, image.device)
    raise AssertionError("this model supports neither a box nor a central hole")


@dataclass
class BuiltMethod:
    """A model at a scale, in evaluation mode."""

    model: Model
    scale: Scale
    method: Method
    postprocess: Postprocess | None

    def predict(self, image: Tensor, hole: Tensor, *guidance: Tensor) -> Tensor:
        torch.manual_seed(2)  # for stochastic methods
        with torch.inference_mode():
            prediction = self.method.predict(image, hole, *guidance)
            return self.postprocess(image * (1 - hole), hole, prediction) if self.postprocess else prediction

    def inputs(self, height: int = 0, width: int = 0) -> Inputs:
        return inputs(self.model, self.scale, height, width)


def cases() -> Iterator[Any]:
    """Every model at every scale. Published networks of forms, and those that need large images, take long."""
    for name, model in MODELS.items():
        for scale in model.scales:
            is_long = model.min_size.get(scale, 0) > SIDE or (":" in name and scale == "paper")
            marks = pytest.mark.long if is_long else ()
            yield pytest.param((name, scale), marks=marks, id=f"{name}-{scale}")


@pytest.fixture(scope="module", params=cases())
def case(request: pytest.FixtureRequest) -> Iterator[BuiltMethod]:
    name, scale = request.param
    model = MODELS[name]
    yield BuiltMethod(model, scale, built(model, scale), resolve(model.postprocess) if model.postprocess else None)


def test_no_installed_plugin_is_broken():
    assert {name: plugin.error for name, plugin in PLUGINS.installed.items() if plugin.error} == {}


def test_predictions_have_shape_and_range_and_inputs_stay_unchanged(case: BuiltMethod):
    multiple = case.model.size_multiple[case.scale]
    stretched = [] if case.scale in case.model.fixed_size else [(0, 2 * multiple), (multiple, 0)]
    for more in [(0, 0), *stretched]:
        image, hole, guidance = case.inputs(*more)
        masked = image * (1 - hole)
        given = masked.clone(), hole.clone(), *(one.clone() for one in guidance)
        found = case.predict(masked, hole, *guidance)
        assert found.shape == masked.shape
        assert found.isfinite().all() and found.min() >= 0 and found.max() <= 1
        for before, after in zip(given, (masked, hole, *guidance), strict=True):
            assert after.equal(before)


def test_odd_sizes_are_inpainted_or_refused_and_known_pixels_stay(case: BuiltMethod):
    if case.scale in case.model.fixed_size:
        side = case.model.fixed_size[case.scale]
        assert "pixels only" in refused_size(case.model, case.scale, side + 3, side + 5)
        return
    image, hole, guidance = case.inputs(3, 5)
    multiple = case.model.size_multiple[case.scale]
    filled = fill(case.method, multiple, case.postprocess, image, hole, *guidance)
    assert filled.shape == image.shape and filled.isfinite().all()
    known = (hole == 0).expand_as(image)
    assert filled[known].equal(image[known])
    assert not filled[~known].equal(image[~known])


def test_the_same_input_gives_the_same_prediction(case: BuiltMethod):
    image, hole, guidance = case.inputs()
    assert case.predict(image, hole, *guidance).equal(case.predict(image, hole, *guidance))


def test_hidden_pixels_do_not_matter(case: BuiltMethod):
    image, hole, guidance = case.inputs()
    open_, hidden = (case.predict(x, hole, *guidance) for x in (image, image * (1 - hole)))
    inside = hole.bool().expand_as(image)
    torch.testing.assert_close(open_[inside], hidden[inside], rtol=0, atol=1e-5)


def test_the_hole_is_where_the_hole_is(case: BuiltMethod):
    """Taken the wrong way round, the hole would be the only thing the network sees."""
    image, hole, guidance = case.inputs()
    masked = image * (1 - hole)
    changed = (masked + 0.3 * (1 - hole)).clamp(max=1) * (1 - hole)
    inside = hole.bool().expand_as(image)
    found, other = (case.predict(x, hole, *guidance)[inside] for x in (masked, changed))
    assert not found.equal(other)


def test_a_batch_of_two_is_two_batches_of_one(case: BuiltMethod):
    if case.model.stochastic:
        pytest.skip("images of a batch get other random numbers than images alone")
    if case.model.batch_dependent:
        pytest.skip("images of a batch influence each other, as the method declares")
    image, hole, guidance = case.inputs()
    given = image * (1 - hole), hole, *guidance
    together = case.predict(*given)
    alone = torch.cat([case.predict(*(x[i : i + 1] for x in given)) for i in range(2)])
    # float32 sums in another order, of untrained networks whose colours reach hundreds before they are clamped;
    # statistics of the batch would be seen a thousand times better
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-4)


@pytest.mark.parametrize("everything", [0.0, 1.0])
def test_an_empty_and_a_full_hole_give_finite_predictions(case: BuiltMethod, everything: float):
    image, hole, guidance = case.inputs()
    hole = torch.full_like(hole, everything)
    found = case.predict(image * (1 - hole), hole, *guidance)
    assert found.isfinite().all() and found.min() >= 0 and found.max() <= 1


@pytest.mark.parametrize("name", TRAINED)
def test_every_update_reaches_its_own_network(name: str):
    """Gradients are finite and reach all parameters of the updated network but those that are declared as unused."""
    variant = apply_overrides(MODELS[name], PLUGINS.records("losses"))
    recipe = variant.model.recipe
    assert recipe is not None
    method = built(MODELS[name], "nano").train()
    image, hole, guidance = inputs(MODELS[name], "nano")
    for phase in recipe.phases:
        method.start_phase(phase.name)
        for update in phase.updates:
            method.zero_grad()
            output = method.training_output(image, image * (1 - hole), hole, *guidance)
            ctx = LossContext(image, hole, output, method, BACKBONES, guidance)
            used = ctx if update.trains_generator else ctx.detached()
            terms = {key: resolve(variant.losses[key].term)(used) for key in update.losses}
            assert all(value.shape == () and value.isfinite() for value in terms.values())
            torch.stack([weight * terms[key] for key, weight in update.losses.items()]).sum().backward()
            for parameter, value in method.get_submodule(update.network).named_parameters(update.network):
                unused = any(fnmatchcase(parameter, pattern) for pattern in method.unused)
                assert value.grad is None if unused else value.grad is not None and value.grad.isfinite().all()
            others = [getattr(method, other) for other in recipe.networks if other != update.child]
            if not update.trains_generator:
                assert all(p.grad is None for other in others for p in other.parameters())


@pytest.mark.parametrize("name", TRAINED)
def test_the_networks_of_the_recipe_are_the_networks_of_the_method(name: str):
    recipe = MODELS[name].recipe
    assert recipe is not None
    assert {child for child, _ in built(MODELS[name], "nano").named_children()} == set(recipe.networks)
    assert "generator" in recipe.networks


@pytest.mark.parametrize("name", TRAINED)
def test_both_scales_have_the_same_networks(name: str):
    with torch.device("meta"):
        paper, nano = built(MODELS[name], "paper"), built(MODELS[name], "nano")
    sizes = {}
    for scale, method in (("paper", paper), ("nano", nano)):
        sizes[scale] = sum(parameter.numel() for parameter in method.parameters())
    assert sizes["nano"] < sizes["paper"] / 8
    assert set(dict(nano.named_parameters())) <= set(dict(paper.named_parameters()))


@pytest.mark.parametrize("name", MODELS)
def test_a_form_belongs_to_a_method_of_the_same_plugin(name: str):
    base, _, form = name.partition(":")
    assert not form or base in MODELS
    shared = MODELS[name].shares_weights_with
    assert not shared or MODELS[shared].recipe == MODELS[name].recipe
