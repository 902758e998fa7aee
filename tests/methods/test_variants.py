"""Overrides add and drop loss terms of the generator only."""

from dataclasses import replace
from typing import Any

import pytest

from bench_core.methods.variants import Overrides, Variant, apply_overrides, validate_overrides
from bench_core.plugins import Plugins
from bench_core.recipe import Optimiser, Phase, Recipe, Update
from bench_core.specs import Model

PLUGINS = Plugins.find()
PLUGINS.load_all()
MODEL = Model(
    "model",
    "",
    "",
    "",
    Recipe(
        (
            Phase(
                "train",
                (
                    (
                        Update("discriminator", Optimiser("Adam", {}), {"l2": 1.0}),
                        Update("generator", Optimiser("Adam", {}), {"l1": 1.0, "tv": 0.5}),
                    ),
                ),
            ),
        ),
        "none",
    ),
)


def generator_losses(variant: Variant) -> dict[str, float]:
    assert variant.model.recipe is not None
    return dict(variant.model.recipe.phases[0].updates[1].losses)


def test_terms_are_added_to_and_dropped_from_the_generator_alone():
    public = PLUGINS.records("losses")
    variant = apply_overrides(MODEL, public, Overrides({"style": 120.0, "l1": 2.0}, ["tv"]))
    assert variant.name == "model+style=120+l1=2-tv"
    assert generator_losses(variant) == {"l1": 2.0, "style": 120.0}
    assert variant.model.recipe is not None
    assert variant.model.recipe.phases[0].updates[0].losses == {"l2": 1.0}
    assert variant.backbones == ["vgg16"]
    plain = apply_overrides(MODEL, public)
    assert plain.name == "model" and plain.model == MODEL


def test_different_weights_have_different_names():
    weights = [0.1, 0.1000001, 0.10000000000000002, 1.0, 120.0, 1234567.0, 1234568.0, 1e-7, 1e-30, 0.0]
    names = [apply_overrides(MODEL, PLUGINS.records("losses"), Overrides({"tv": weight})).name for weight in weights]
    assert [float(name.partition("=")[2]) for name in names] == weights
    assert {"model+tv=0.1", "model+tv=120"} < set(names)


def test_different_options_have_different_names():
    defaults: dict[str, Any] = {"x": 0.0, "y": "", "z": False}
    model, names = replace(MODEL, options=defaults), set()
    for name, value in (("x", 0.1), ("x", 0.1000001), ("x", 1e-30), ("y", "a"), ("y", "A"), ("z", True), ("z", False)):
        changes = Overrides(options={f"model.{name}": str(value)})
        names.add(apply_overrides(model, PLUGINS.records("losses"), changes).name)
    assert len(names) == 7
    assert {"model[x=0.1]", "model[y=A]", "model[z=true]", "model"} < names


def test_an_update_that_loses_its_last_term_is_left_out():
    variant = apply_overrides(
        PLUGINS.model("glcic:cifar10"), PLUGINS.records("losses"), Overrides(dropped=["adversarial"])
    )
    assert variant.model.recipe is not None
    (phase,) = variant.model.recipe.phases
    assert [list(update.losses) for update in phase.updates if update.network == "generator"] == [["mse"]]
    assert all(phase.rounds)


@pytest.mark.parametrize(
    ("added", "dropped", "said"),
    [
        ({"stile": 1.0}, [], r"no loss term 'stile'. Did you mean 'style'"),
        ({}, ["style"], "no loss term in these recipes 'style'"),
        ({}, ["l1", "tv"], "nothing would be left"),
    ],
)
def test_invalid_terms_are_refused(added: dict[str, float], dropped: list[str], said: str):
    with pytest.raises(ValueError, match=said):
        changes = Overrides(added, dropped)
        validate_overrides([MODEL], PLUGINS.records("losses"), changes)
        apply_overrides(MODEL, PLUGINS.records("losses"), changes)
