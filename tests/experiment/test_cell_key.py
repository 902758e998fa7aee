"""Laws of a cell's key: what can change weights changes it, and nothing else does."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from support.cell_setup import (
    BASE,
    LOSS,
    MODEL,
    PROTOCOL_CHANGES,
    RECIPE,
    SAME_WEIGHTS,
    Colours,
    Setup,
    family,
    guide,
    optimised,
    validated,
)

from bench_core import Average, Phase, Schedule
from bench_core.data.pairs import TrainPairs
from bench_core.experiment.cell_key import normalised_together
from bench_core.experiment.options import RuntimeConfig
from bench_core.methods.variants import Overrides
from bench_core.protocol import Protocol

CHANGES: dict[str, dict[str, Any]] = {
    "plugin's name": {"plugin": "other"},
    "required library": {"requires": ["pluggy>=1.0"]},
    "method": {"model": replace(MODEL, name="other")},
    "option": {"overrides": Overrides(options={"m.depth": "2"})},
    "training seed": {"seed": 1},
    "guide": {"guide": guide("edges")},
    "optimiser": {"model": optimised(name="Adam")},
    "learning rate": {"model": optimised(settings={"lr": 1.0 + 1e-9})},
    "network": {"model": optimised(network="critic")},
    "loss weight": {"model": optimised(losses={"l1": 1.0000001})},
    "phase's name": {"model": optimised(phase="other")},
    "share": {"model": optimised(share=2.0)},
    "rounds": {"model": optimised(rounds=2)},
    "phases": {"model": optimised(repeat=2)},
    "added loss": {"overrides": Overrides(added={"l2": 1.0}), "losses": {"l1": LOSS, "l2": replace(LOSS, name="l2")}},
    "loss parameter": {"losses": {"l1": replace(LOSS, parameters={"p": 2})}},
    "parameter of a mask family": {"mask_sets": family(with_box=True)},
    "mask sets": {"mask_sets": family()[:1]},
    "an image that is drawn": {"images": validated(4)},
}
IN_MASK_SETS = {"masks", "train_masks"}
"""Fields of a protocol that arrive as mask sets."""


def test_equal_setups_have_equal_keys():
    assert Setup().key() == Setup().key()


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_that_can_change_weights_changes_the_key(name: str):
    assert Setup(**CHANGES[name]).key() != Setup().key()


def test_every_field_of_a_protocol_is_in_the_key_or_cannot_change_weights():
    assert {*PROTOCOL_CHANGES, *SAME_WEIGHTS, *IN_MASK_SETS} == set(Protocol.model_fields)
    for name, value in PROTOCOL_CHANGES.items():
        assert Setup(protocol=BASE.model_copy(update={name: value})).key() != Setup().key(), name
    for name, value in SAME_WEIGHTS.items():
        assert Setup(protocol=BASE.model_copy(update={name: value})).key() == Setup().key(), name


RUNTIME: dict[str, tuple[Any, bool]] = {
    "device": ("cuda", False), "precision": ("bf16-mixed", True), "eval_batch": (1, False), "workers": (2, False),
    "compiled": (True, True), "devices": (2, True), "nodes": (2, True), "micro_batch": (1, True),
    "auto_micro_batch": (True, True), "sync_batchnorm": (True, False), "save_images": (None, False),
    "predict_batch": (4, False), "bf16_backbones": (True, True),
}  # fmt: skip
"""For each setting of the machine another value, and whether it changes the weights of a network with batch norm."""


def test_every_setting_of_the_machine_is_in_the_key_or_cannot_change_weights():
    assert set(RUNTIME) == {field.name for field in fields(RuntimeConfig)}
    for name, (value, changes) in RUNTIME.items():
        assert (Setup(runtime=RuntimeConfig(**{name: value})).key() != Setup().key()) == changes, name


UPDATE = RECIPE.phases[0].updates[0]
UPDATES = {
    "every": replace(UPDATE, every=2),
    "schedule": replace(UPDATE, optimiser=replace(UPDATE.optimiser, schedule=Schedule(((1.0, 0.0),)))),
    "max_norm": replace(UPDATE, optimiser=replace(UPDATE.optimiser, max_norm=1.0)),
}
RECIPES = {name: replace(RECIPE, phases=(Phase("train", ((update,),)),)) for name, update in UPDATES.items()}
RECIPES |= {"average": replace(RECIPE, average=Average()), "decay": replace(RECIPE, average=Average(0.9))}


def test_every_way_of_training_has_a_key_of_its_own():
    keys = [str(Setup(model=replace(MODEL, recipe=recipe)).key()) for recipe in (RECIPE, *RECIPES.values())]
    assert len(set(keys)) == len(keys)


def test_without_batch_norm_the_number_of_images_at_a_time_does_not_count():
    plain = replace(MODEL, options={"norm": False})
    for name in ("devices", "nodes", "micro_batch", "auto_micro_batch"):
        runtime = RuntimeConfig(**{name: RUNTIME[name][0]})
        assert Setup(model=plain, runtime=runtime).key() == Setup(model=plain).key(), name


@pytest.mark.parametrize(
    ("settings", "together"),
    [({}, None), ({"micro_batch": 8}, None), ({"micro_batch": 3}, 3), ({"devices": 2}, 4), ({"devices": 3}, 3),
     ({"devices": 2, "nodes": 2}, 2), ({"devices": 2, "micro_batch": 1}, 1), ({"auto_micro_batch": True}, "auto"),
     ({"devices": 2, "sync_batchnorm": True}, None), ({"devices": 2, "micro_batch": 1, "sync_batchnorm": True}, 2)],
)  # fmt: skip
def test_batch_norm_sees_the_images_of_one_pass(settings: dict[str, Any], together: int | str | None):
    batch_of_8 = BASE.model_copy(update={"batch": 8})
    assert normalised_together(MODEL, batch_of_8, RuntimeConfig(**settings)) == together


def test_a_method_that_depends_on_the_batch_counts_as_batch_norm_that_is_never_synchronised():
    batch_of_8 = BASE.model_copy(update={"batch": 8})
    model = replace(MODEL, options={"norm": False}, batch_dependent=True)
    for synchronised in (False, True):
        assert normalised_together(model, batch_of_8, RuntimeConfig(devices=2, sync_batchnorm=synchronised)) == 4
    assert normalised_together(model, batch_of_8, RuntimeConfig()) is None


def test_given_weights_count_by_their_content(tmp_path: Path):
    for name, content in (("a", b"1"), ("b", b"2"), ("c", b"1")):
        (tmp_path / name).write_bytes(content)
    a, b, c = (Setup(weights=tmp_path / name).key() for name in "abc")
    assert a != b and a == c
    half = Setup(weights=tmp_path / "a", runtime=RuntimeConfig(precision="bf16-mixed")).key()
    assert half != a
    longer = BASE.model_copy(update={"steps": 99})
    assert Setup(weights=tmp_path / "a", protocol=longer).key() == a


def test_images_that_are_not_drawn_do_not_count():
    pairs = TrainPairs(BASE, Colours(), (), 0)
    drawn = pairs.drawn_images(BASE.steps * BASE.batch)
    for index in range(9):
        assert (Setup(images=validated(index)).key() != Setup().key()) == (index in drawn), index


def test_digests_of_drawn_images_agree_as_far_as_two_trainings_share_images():
    pairs = TrainPairs(BASE, Colours(), (), 0)
    order = pairs.drawn_images(9).tolist()
    short, long = (validated().drawn_digests(pairs, count) for count in (3, 9))
    assert list(short) == ["1", "2", "3"] and list(long) == ["1", "2", "4", "8", "9"]
    assert short.items() & long.items() == {(key, long[key]) for key in ("1", "2")}
    edited = validated(order[2]).drawn_digests(pairs, 9)
    assert [key for key in long if edited[key] != long[key]] == ["4", "8", "9"]
