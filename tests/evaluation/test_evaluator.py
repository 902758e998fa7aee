"""What a method is given to see, and what of its work is measured."""

from collections.abc import Sequence
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from bench_core.data.pairs import TestPairs
from bench_core.evaluation.evaluator import Evaluator
from bench_core.evaluation.examples import SavedExamples
from bench_core.evaluation.measure import EvaluationResult, PredictionBatch, ground_truth_features, set_metric_rows
from bench_core.evaluation.metric_suite import MetricSuite
from bench_core.masks.mask_set import MaskSet, open_sets
from bench_core.methods import Method
from bench_core.metrics import select_metrics
from bench_core.plugins import Plugins
from bench_core.protocol import MaskSpec, Protocol
from bench_core.store.features import Features

PLUGINS = Plugins.find()
PROTOCOL = Protocol(
    name="x", image_set="x", size=16, masks={"m": MaskSpec(family="center_box")}, steps=0, batch=1, metrics=("l1",)
)


class Bright:
    """Three images without a black pixel."""

    names: Sequence[str] = ("a", "b", "c")

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> np.ndarray:
        return np.random.default_rng(index).integers(100, 256, (16, 16, 3), np.uint8)


class Spy(Method):
    """Paints everything in one value, and remembers what it saw."""

    def __init__(self, value: float = 1.0, sides: int = 16) -> None:
        super().__init__()
        self.seen: list[tuple[Tensor, Tensor]] = []
        self.value, self.sides = value, sides

    def predict(self, masked: Tensor, hole: Tensor) -> Tensor:
        assert not self.training
        self.seen.append((masked.clone(), hole.clone()))
        masked.fill_(7)  # a method that spoils its input spoils nothing else
        return torch.full((len(masked), 3, self.sides, self.sides), self.value)


class Dice(Method):
    """Paints at random."""

    def predict(self, masked: Tensor, hole: Tensor) -> Tensor:
        return torch.rand_like(masked)


ABOUT = {"method": "spy", "variant": "spy", "seed": 0, "mask_set": "m"}


def an_evaluator(method: Method, batch: int = 2, **fields: Any) -> Evaluator:
    suite = MetricSuite([PLUGINS.records("metrics")["l1@full"]], torch.device("cpu"), PROTOCOL)
    (holes,) = open_sets(PROTOCOL.masks, PLUGINS.records("masks")).values()
    return Evaluator(suite, method, TestPairs(PROTOCOL, Bright(), holes), batch, 0, **fields)


def evaluate(method: Method, folder: Path, batch: int = 2):
    evaluator = an_evaluator(method, batch, examples=SavedExamples(folder, 3))
    return evaluator.evaluate(evaluator.suite.usable, lambda done: None).rows(ABOUT)


def test_a_method_sees_one_image_at_a_time_and_nothing_under_the_hole(tmp_path: Path):
    method = Spy()
    evaluate(method, tmp_path)
    assert [len(masked) for masked, _ in method.seen] == [1, 1, 1]
    for index, (masked, hole) in enumerate(method.seen):
        assert hole.sum() == 64
        assert (masked[:, :, hole[0, 0] == 1] == 0).all()
        known = Bright()[index][hole[0, 0].numpy() == 0] / 255
        np.testing.assert_allclose(masked[0, :, hole[0, 0] == 0].T, known, atol=1e-7)


def test_the_composite_is_measured_so_known_pixels_cost_nothing(tmp_path: Path):
    rows = evaluate(Spy(), tmp_path)
    center = [Bright()[index][4:12, 4:12] / 255 for index in range(3)]
    np.testing.assert_allclose(rows["value"], [(1 - pixels).mean() / 4 for pixels in center], atol=1e-7)
    assert set(rows["source"]) == {"composite"}
    assert rows["hole_ratio"].tolist() == [0.25] * 3
    assert rows["image"].tolist() == ["a", "b", "c"]


class Steps:
    """Holes of a mask set: empty, a box, and everything."""

    name, identity = "m", {"family": "steps"}

    def draw(self, size: int, *key: int) -> np.ndarray:
        hole = np.zeros((size, size), np.uint8)
        hole[: [0, 4, size][key[-1]]] = 1
        return hole


def test_a_pair_whose_region_is_empty_has_a_row_without_a_value():
    metrics = select_metrics(["l1@full", "l1@hole", "l1@known", "seam@border"], PLUGINS.records("metrics"))
    suite, steps = MetricSuite(metrics, torch.device("cpu"), PROTOCOL), cast(MaskSet, Steps())
    pairs = TestPairs.__new__(TestPairs)
    for name, value in {"protocol": PROTOCOL, "images": Bright(), "mask_set": steps}.items():
        object.__setattr__(pairs, name, value)
    about = {"method": "spy", "variant": "spy", "seed": 0, "mask_set": "m"}
    rows = Evaluator(suite, Spy(), pairs, 3, 0).evaluate(metrics, lambda done: None).rows(about)
    missing = rows.pivot(index="metric", columns="image", values="value").isna()
    assert {name: list(missing.columns[row]) for name, row in missing.iterrows()} == {
        "l1@full": [], "l1@hole": ["a"], "l1@known": ["c"], "seam@border": ["a", "c"]
    }  # fmt: skip


def test_a_metric_of_sets_gets_predictions_first_and_ground_truth_second():
    """Many are not symmetric, such as P-IDS."""
    (fid,) = select_metrics(["fid"], PLUGINS.records("metrics"))
    metric = replace(fid, compare="normalised_method:first_minus_second")
    found, truth = (Features(np.full((2, 1), value, np.float32), np.zeros(2), "holes") for value in (5, 3))
    row = set_metric_rows(metric, found, truth, {"method": "m", "variant": "m", "seed": 0, "mask_set": "s"})
    assert row["value"].tolist() == [2] and row["mask_set_hash"].tolist() == ["holes"]


@pytest.mark.parametrize("place", [0, 1])
def test_nan_on_one_image_of_a_batch_is_an_error_that_names_it(place: int, monkeypatch: pytest.MonkeyPatch):
    (metric,) = select_metrics(["l1@full"], PLUGINS.records("metrics"))
    suite = MetricSuite([metric], torch.device("cpu"), PROTOCOL)
    values = torch.zeros(2)
    values[place] = torch.nan
    suite._built[metric.build] = lambda prediction, image: values
    image, hole = torch.zeros(2, 3, 16, 16), torch.ones(2, 1, 16, 16)
    batch = PredictionBatch([0, 1], image, hole, image)
    with pytest.raises(ValueError, match=f"NaN on the image {'ab'[place]}"):
        EvaluationResult(suite, [metric]).start(batch, ["a", "b"]).fetch()


@pytest.mark.parametrize(
    ("sizes", "usable"),
    [([(16, 16)], True), ([(16, 10)], False), ([(10, 400)], False), ([(400, 400), (16, 10), (300, 20)], False),
     ([(12, 500), (500, 11)], True), ([], True)],
)  # fmt: skip
def test_metrics_are_tried_on_the_sizes_of_the_images(sizes: list[tuple[int, int]], usable: bool):
    """Without a size of its own, a protocol takes images of any size, and SSIM's window needs eleven pixels."""
    metrics = select_metrics(["l1", "ssim"], PLUGINS.records("metrics"))
    suite = MetricSuite(metrics, torch.device("cpu"), PROTOCOL.model_copy(update={"size": 0}), sizes)
    assert ("ssim" in {metric.name for metric in suite.usable}) == usable
    assert usable or "at least 11 pixels" in next(iter(suite.missing.values()))


@pytest.mark.parametrize(
    ("method", "said"), [(Spy(1.5), "range from 1.5"), (Spy(float("nan")), "range"), (Spy(sides=15), "shape")]
)
def test_what_is_no_picture_is_refused(method: Spy, said: str, tmp_path: Path):
    with pytest.raises(ValueError, match=said):
        evaluate(method, tmp_path)


def test_a_method_that_draws_has_the_same_rows_again_and_draws_from_nobody_else(tmp_path: Path):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = evaluate(Dice(), tmp_path, batch=1)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert evaluate(Dice(), tmp_path, batch=3)["value"].tolist() == first["value"].tolist()
    assert first["value"].nunique() == 3


def test_ground_truths_have_equal_keys_only_if_all_of_their_pixels_are_equal():
    pixels = torch.arange(2 * 3 * 4 * 6, dtype=torch.uint8).reshape(2, 3, 4, 6)

    def keys(pixels: torch.Tensor | None) -> list[bytes]:
        return PredictionBatch(
            [0, 1], torch.rand(2, 3, 4, 6), torch.zeros(2, 1, 4, 6), torch.rand(2, 3, 4, 6), pixels
        ).keys

    first, second = keys(pixels)
    assert first != second and keys(pixels.clone()) == [first, second] and keys(pixels.flip(0)) == [second, first]
    edited = pixels.clone()
    edited[1, 2, 3, 5] += 1
    assert keys(edited)[0] == first and keys(edited)[1] != second
    assert set(keys(pixels.reshape(2, 3, 6, 4))).isdisjoint({first, second})
    assert keys(None) == []


class Shades(Method):
    """Predicts the mean of each image, and notes how many images it sees at once; `effect` is what others add to it."""

    def __init__(self, effect: float) -> None:
        super().__init__()
        self.batches: list[int] = []
        self.effect = effect

    def predict(self, masked: Tensor, hole: Tensor) -> Tensor:
        self.batches.append(len(masked))
        others = self.effect if len(masked) > 1 else 0.0
        return (masked.mean((1, 2, 3), keepdim=True) + others).expand_as(masked)


@pytest.mark.parametrize("effect", [0.0, 9e-6, 2e-5, nan])
def test_images_are_predicted_together_only_where_that_changes_nothing(effect: float):
    method = Shades(effect)
    evaluator = an_evaluator(method, batch=3, predict_batch=3)
    rows = evaluator.evaluate(evaluator.suite.usable, lambda done: None).rows(ABOUT)
    again = len(method.batches)
    evaluator.evaluate(evaluator.suite.usable, lambda done: None)
    kept = effect < 1e-5
    assert method.batches[:again] == [3, 1, 1, 1], "the first batch in both ways"
    assert method.batches[again:] == ([3] if kept else [1, 1, 1])
    assert evaluator.predict_batch == (3 if kept else 1)
    alone = an_evaluator(Shades(0.0), batch=3).evaluate(evaluator.suite.usable, lambda done: None).rows(ABOUT)
    assert rows["value"].tolist() == alone["value"].tolist()


def test_images_of_a_declared_method_stay_together():
    method = Shades(0.1)
    evaluator = an_evaluator(method, batch=3, predict_batch=2, batch_dependent=True)
    evaluator.evaluate(evaluator.suite.usable, lambda done: None)
    assert method.batches == [2, 1] and evaluator.predict_batch == 2


@pytest.mark.parametrize("batch", [1, 2])
def test_features_of_ground_truths_are_extracted_in_batches_in_order(
    batch: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    evaluator, sizes, done = an_evaluator(Spy()), [], []

    def mean_colours(images: Tensor) -> Tensor:
        sizes.append(len(images))
        return images.mean((2, 3))

    monkeypatch.setattr(evaluator.suite, "function", lambda metric: mean_colours)
    (fid,) = select_metrics(["fid"], PLUGINS.records("metrics"))
    path = tmp_path / "truth.npz"
    found = ground_truth_features(evaluator.suite, fid, evaluator.pairs, path, done.append, batch)
    np.testing.assert_allclose(found.values, [Bright()[i].mean((0, 1)) / 255 for i in range(3)], rtol=1e-5)
    assert (sizes, done) == (([1, 1, 1], [1, 2, 3]) if batch == 1 else ([2, 1], [2, 3]))
    ground_truth_features(evaluator.suite, fid, evaluator.pairs, path, done.append, batch)
    assert sum(sizes) == 3, "the second time they are loaded"
