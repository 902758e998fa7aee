"""The recipes, and steps that take them."""

import inspect

import pytest
import torch
from torch import Tensor

import bench_gmcnn
from bench_core.specs import Model, resolve
from bench_gmcnn.model import build

MODELS = {model.name: model for model in bench_gmcnn.bench_models()}
WEIGHTS = {
    ("gmcnn", "pretraining"): {"reconstruction": 1.4, "autoencoding": 1.2},
    ("gmcnn", "fine-tuning"): {"reconstruction": 1.4, "autoencoding": 1.2, "id_mrf": 0.05, "adversarial": 0.001},
    ("gmcnn:tf", "pretraining"): {"reconstruction": 1.68, "autoencoding": 1.44},
    ("gmcnn:tf", "fine-tuning"): {"reconstruction": 1.68, "autoencoding": 2.88, "id_mrf": 0.07, "adversarial": 0.001},
}
DISCRIMINATORS = {"gmcnn": {"discriminator": 1}, "gmcnn:tf": {"score_gap": 1, "gradient_penalty": 10}}


@pytest.mark.parametrize("name", MODELS)
def test_the_recipe_has_the_official_weights(name: str) -> None:
    recipe = MODELS[name].recipe
    assert recipe is not None and recipe.batch == 16
    for phase, rate in zip(recipe.phases, (1e-4, 1e-5), strict=True):
        for update in phase.updates:
            assert (update.optimiser.name, dict(update.optimiser.settings)) == (
                "Adam", {"lr": rate, "betas": (0.5, 0.9)}
            )  # fmt: skip
            expected = WEIGHTS[name, phase.name] if update.network == "generator" else DISCRIMINATORS[name]
            assert dict(update.losses) == pytest.approx(expected)
    assert {term for phase in recipe.phases for update in phase.updates for term in update.losses} == {
        loss.name for loss in MODELS[name].losses
    }


def test_the_model_records_list_the_options() -> None:
    defaults = {name: p.default for name, p in inspect.signature(build).parameters.items() if p.default is not p.empty}
    assert MODELS["gmcnn"].options == defaults
    assert MODELS["gmcnn:tf"].options == {**defaults, "variant": "tf"}


def take_round(model: Model, phase: int, number: int, method, make_context, image: Tensor, hole: Tensor) -> set[str]:
    """Take a round's updates as the trainer does; return the names of changed tensors, and check each update's."""
    assert model.recipe is not None
    terms = {loss.name: resolve(loss.term) for loss in model.losses}
    ctx = make_context(image, hole, method(image * (1 - hole), hole).prediction, method)
    changed: set[str] = set()
    for update in model.recipe.phases[phase].rounds[number]:
        before = {name: value.clone() for name, value in method.state_dict().items()}
        method.zero_grad()
        part = ctx if update.network == "generator" else ctx.detached()
        torch.stack([weight * terms[name](part) for name, weight in update.losses.items()]).sum().backward()
        network = method.get_submodule(update.network)
        getattr(torch.optim, update.optimiser.name)(network.parameters(), **update.optimiser.settings).step()
        now = {name for name, value in method.state_dict().items() if not torch.equal(value, before[name])}
        parameters = {name for name, _ in method.named_parameters()}
        assert all(name.startswith(update.network) for name in now & parameters)
        changed |= now
    return changed


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("local", ["crop", "image"])
def test_steps_change_each_network_in_its_own_updates(name, local, make_context, scrambled, image, hole) -> None:
    method = scrambled(MODELS[name].options["variant"], local).train()
    generator = {f"generator.{key}" for key in method.generator.state_dict()}
    assert take_round(MODELS[name], 0, 0, method, make_context, image, hole) == generator
    if name == "gmcnn":
        assert take_round(MODELS[name], 1, 0, method, make_context, image, hole) >= generator
        return
    changed = take_round(MODELS[name], 1, 0, method, make_context, image, hole)
    # a last bias cancels between composite and image, and has no part in the penalty
    critics = {f"discriminator.{key}" for key in method.discriminator.state_dict() if key.endswith("weight")}
    assert changed >= critics and not changed & generator
    assert take_round(MODELS[name], 1, 5, method, make_context, image, hole) == generator
