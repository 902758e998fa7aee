"""Facts about the method, on whole predictions."""

import numpy as np
import pytest
import torch

from bench_core.conformance import check
from bench_core.errors import BadInput
from bench_patchmatch.completion import Completion
from bench_patchmatch.model import build


def as_tensors(image: np.ndarray, hole: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    return pixels, torch.from_numpy(hole)[None, None].float()


def predict(image: np.ndarray, hole: np.ndarray, **options) -> np.ndarray:
    """Return a prediction in levels, (h, w, c)."""
    pixels, missing = as_tensors(image, hole)
    prediction = build("paper", image.shape[2], **options).predict(pixels * (1 - missing), missing)
    return 255 * prediction[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("scale", ["nano", pytest.param("paper", marks=pytest.mark.long)])
def test_it_passes_the_conformance_checks(scale: str):
    report = check("patchmatch", scale=scale)
    assert report.passed, str(report)


def test_fact_01_known_pixels_do_not_change(photograph, box):
    pixels, missing = as_tensors(photograph, box)
    pixels = (pixels + 0.001).clamp(0, 1)  # no whole level
    prediction = build("paper", 3).predict(pixels * (1 - missing), missing)
    assert prediction[:, :, ~torch.from_numpy(box)].equal(pixels[:, :, ~torch.from_numpy(box)])


def test_fact_02_a_seed_repeats_a_prediction_and_another_one_differs(photograph, box):
    first = predict(photograph, box)
    assert (first == predict(photograph, box)).all()
    assert (first != predict(photograph, box, seed=1)).any()


@pytest.mark.parametrize("options", [{}, {"votes": "wexler"}, {"gradients": False}])
def test_fact_03_a_constant_image_stays_constant(options, box):
    image = np.full((63, 50, 3), (200, 7, 90), np.uint8)
    np.testing.assert_allclose(predict(image, box, **options), image, atol=1e-4)


@pytest.mark.parametrize("options", [{}, {"votes": "wexler"}, {"gradients": False}])
@pytest.mark.parametrize("period", [(4, 4), (6, 4), (6, 6)])
def test_fact_04_a_periodic_texture_is_continued(period: tuple[int, int], options, rng):
    image = np.tile(rng.integers(0, 256, (*period, 3)), (24, 24, 1))[:96, :96].astype(np.uint8)
    hole = np.zeros((96, 96), bool)
    hole[36:52, 34:50] = True
    np.testing.assert_allclose(predict(image, hole, **options), image, atol=1.01)


def test_fact_07_filled_values_lie_between_those_of_known_pixels(photograph, box):
    for hole in (box, ~box, np.random.default_rng(0).random(box.shape) < 0.97):
        filled, known = predict(photograph, hole)[hole], photograph[~hole]
        assert (filled >= known.min(0) - 0.01).all() and (filled <= known.max(0) + 0.01).all()


def test_fact_08_an_empty_hole_returns_the_input_and_a_full_one_black(photograph, box):
    np.testing.assert_allclose(predict(photograph, np.zeros_like(box)), photograph, atol=1e-4)
    assert not predict(photograph, np.ones_like(box)).any()


@pytest.mark.parametrize("size", [(63, 50), (5, 40), (3, 3), (1, 7)])
def test_fact_09_the_content_of_the_hole_does_not_matter(size: tuple[int, int], rng):
    image, other = rng.integers(0, 256, (2, *size, 3)).astype(np.uint8)
    for share in (0.1, 0.9):
        hole = rng.random(size) < share
        hole[0, 0] = False
        filled = Completion().fill(image, hole)
        assert (filled == Completion().fill(np.where(hole[..., None], other, image), hole)).all()
        assert (filled[~hole] == image[~hole]).all()


def test_images_are_filled_one_by_one(photograph, box):
    mirrored, moved = photograph[:, ::-1].copy(), np.roll(box, 5, 1)
    parts = [as_tensors(*pair) for pair in ((photograph, box), (mirrored, moved))]
    together = build("paper", 3).predict(*(torch.cat(tensors) for tensors in zip(*parts, strict=True)))
    for prediction, (image, hole) in zip(together, ((photograph, box), (mirrored, moved)), strict=True):
        np.testing.assert_allclose(255 * prediction.permute(1, 2, 0).numpy(), predict(image, hole), atol=1e-3)


def test_grey_images_have_one_channel(photograph, box):
    found = predict(photograph[..., :1], box)
    assert found.shape == (63, 50, 1)
    assert np.abs(found - photograph[..., :1])[box].mean() < 60


def test_options_reach_the_completion():
    plain = build("paper", 3).completion
    assert (plain.radius, plain.gradients, plain.weights.__name__, plain.seed) == (3, True, "fixed_weights", 0)
    chosen = build("paper", 3, radius=5, gradients=False, votes="wexler", seed=7).completion
    assert (chosen.radius, chosen.gradients, chosen.weights.__name__, chosen.seed) == (5, False, "adaptive_weights", 7)
    assert build("nano", 3).completion.radius == 2


@pytest.mark.parametrize(("options", "said"), [({"radius": 0}, "at least 1"), ({"votes": "wexlr"}, "'wexler'")])
def test_bad_options_are_refused_with_what_to_give(options, said: str):
    with pytest.raises(BadInput, match=said):
        build("paper", 3, **options)
