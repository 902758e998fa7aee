"""The model records, the forms and the holes that they support."""

from inspect import signature

import numpy as np
import pytest
import torch

import bench_context_encoder
from bench_context_encoder.patch import supports_hole
from bench_context_encoder.recipe import MAGGIORDOMO, OFFICIAL
from bench_core.specs import Model, resolve

MODELS: dict[str, Model] = {model.name: model for model in bench_context_encoder.bench_models()}
CENTRE, MAGGIORDOMOS, REGION = MODELS.values()


def test_the_forms_and_their_differences():
    assert list(MODELS) == [
        "context_encoder", "context_encoder:maggiordomo", "context_encoder:random_region"
    ]  # fmt: skip
    assert [model.recipe for model in MODELS.values()] == [OFFICIAL, MAGGIORDOMO, OFFICIAL]
    assert [model.options["fill"] for model in MODELS.values()] == ["official", "zero", "official"]
    assert [model.options["known_weight"] for model in MODELS.values()] == [10, 10, 1]
    assert [model.options["bottleneck"] for model in MODELS.values()] == [4000, 4000, 4000]
    assert [model.supports_hole is None for model in MODELS.values()] == [False, False, True]
    assert [len(model.checkpoints) for model in MODELS.values()] == [1, 0, 0]


@pytest.mark.parametrize("name", MODELS)
def test_every_form_builds_with_its_options_for_its_size(name: str):
    model = MODELS[name]
    with torch.device("meta"):
        for scale in model.scales:
            method = resolve(model.build)(scale, 3, **model.options)
            assert method.side == model.fixed_size[scale]
            assert {key: getattr(method, key) for key in ("fill", "known_weight")}.items() <= model.options.items()
    assert set(signature(resolve(model.build)).parameters) == {"scale", "channels", *model.options}
    masked = torch.rand(1, 3, 64, 64)
    prediction = resolve(model.build)("nano", 3, **model.options).eval().predict(masked, torch.zeros(1, 1, 64, 64))
    assert prediction.shape == masked.shape and prediction.min() >= 0 and prediction.max() <= 1


def square(side: int, first: int) -> np.ndarray:
    hole = np.zeros((side, side), np.uint8)
    hole[first : side - first, first : side - first] = 1
    return hole


@pytest.mark.parametrize(("side", "supported"), [(128, range(32, 37)), (64, range(16, 19))])
def test_squares_from_the_patch_to_the_patch_without_overlap_are_supported(side: int, supported: range):
    assert [first for first in range(side // 2) if not supports_hole(square(side, first))] == list(supported)


def test_a_hole_must_lie_within_the_patch_and_cover_all_but_the_overlap():
    for row, column, value in ((31, 60, 1), (60, 96, 1), (0, 0, 1), (91, 91, 0), (60, 36, 0)):
        hole = square(128, 36)
        hole[row, column] = value
        assert supports_hole(hole) == (
            "fills the middle of the image only: of 128 x 128 pixels all in rows and columns 36 to 91 must be missing, "
            "and none outside 32 to 95"
        )
    hole = square(128, 36)
    hole[32, 95] = hole[35, 40] = 1
    assert supports_hole(hole) == ""
    assert supports_hole(np.zeros((64, 64), np.uint8)) and supports_hole(np.ones((64, 64), np.uint8))
