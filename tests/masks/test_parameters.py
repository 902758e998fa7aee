"""Tests of opening mask sets: accepted and refused parameters, and helpful error messages."""

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from support.mask_sets import open_mask_set

from bench_core.errors import BadInput
from bench_core.masks.mask_set import MaskSet
from bench_core.specs import MaskFamily


def test_omitted_parameters_have_their_default() -> None:
    assert open_mask_set("random_box", shrink=17).parameters == {"side": 128, "shrink": 17, "canvas": 256}


def test_an_unknown_family_is_refused_with_a_suggestion() -> None:
    with pytest.raises(BadInput, match=r"'centre_box'.*Did you mean 'center_box'.*random_box"):
        open_mask_set("centre_box")


def test_an_unknown_parameter_is_refused_with_a_suggestion() -> None:
    with pytest.raises(BadInput, match=r"'random_box'.*'shrinks'.*Did you mean 'shrink'"):
        open_mask_set("random_box", shrinks=3)


@pytest.mark.parametrize("missing", ["folder", "hole"])
def test_a_missing_parameter_is_reported(missing: str) -> None:
    given = {"folder": "somewhere", "hole": "white"}
    del given[missing]
    with pytest.raises(BadInput, match=f"'mine'.*'files'.*needs '{missing}'"):
        open_mask_set("files", **given)


@pytest.mark.parametrize(
    ("family", "key", "value"),
    [
        ("center_box", "side", "big"),
        ("center_box", "side", -1),
        ("center_box", "side", True),
        ("center_box", "side", None),
        ("center_box", "side", [128]),
        ("center_box", "side", float("nan")),
        ("center_box", "side", float("inf")),
        ("random_box", "shrink", {"at": 1}),
        ("free_form", "thickness", (40, 12)),
        ("free_form", "thickness", 12),
        ("free_form", "thickness", [12]),
        ("free_form", "thickness", [12, 20, 40]),
        ("free_form", "thickness", [-12, 40]),
        ("free_form", "thickness", ["12", "40"]),
        ("free_form", "thickness", ["12", 40]),
        ("free_form", "thickness", [12, None]),
        ("free_form", "strokes", "13"),
        ("free_form", "strokes", [1.5, 3.5]),
        ("free_form", "with_box", 1),
        ("free_form", "with_box", "yes"),
        ("irregular_walk", "hole_ratio", [0.5, float("nan")]),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(family: str, key: str, value: Any) -> None:
    with pytest.raises(BadInput, match=f"'mine'.*{key}"):
        open_mask_set(family, **{key: value})


@pytest.mark.parametrize(
    ("family", "key", "value"),
    [
        ("center_box", "side", 100),
        ("center_box", "side", 99.5),
        ("free_form", "thickness", (12.5, 40)),
        ("free_form", "strokes", (2, 2)),
        ("free_form", "with_box", True),
    ],
)
def test_a_value_of_the_right_type_is_accepted(family: str, key: str, value: Any) -> None:
    given: Any = list(value) if isinstance(value, tuple) else value  # as in TOML
    mask_set = open_mask_set(family, **{key: given})
    assert mask_set.parameters[key] == value
    assert mask_set.draw(64, 0).any()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((8, 9), np.uint8), r"\(8, 9\)"),
        (np.zeros((1, 8, 8), np.uint8), r"\(1, 8, 8\)"),
        (np.zeros((8, 8), bool), "bool"),
        (np.zeros((8, 8)), "float64"),
        (np.full((8, 8), 255, np.uint8), "255"),
    ],
)
def test_an_invalid_hole_is_refused(monkeypatch: pytest.MonkeyPatch, wrong: np.ndarray, message: str) -> None:
    module = ModuleType("a_strangers_masks")
    module.__dict__["draw"] = lambda rng, height, width: wrong
    monkeypatch.setitem(sys.modules, module.__name__, module)
    family = MaskFamily("strange", "", f"{module.__name__}:draw")
    with pytest.raises(BadInput, match=rf"'strange'.*{message}.*uint8 \(8, 8\)"):
        MaskSet("mine", family, {}).draw(8, 0)
