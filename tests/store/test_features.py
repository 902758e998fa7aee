"""Stored features: each image passes an extractor once, and ground truth is known by its content."""

import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from PIL import Image

import bench_core.plugins
from bench_core.errors import BadInput
from bench_core.images import read_image
from bench_core.store import rows as rows_file
from bench_core.store.features import Features
from bench_core.store.store import read_runs

Bench = Callable[..., Result]
TRIALS = 2
"""Calls on a blank image when a command builds its metrics, one for each metric."""


@pytest.fixture(autouse=True)
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, int]]:
    """Pretend that the counting plugin is installed; yields its counts."""
    from support import counting_plugin

    module = ModuleType("bench_counting")
    module.__dict__.update(vars(counting_plugin))
    monkeypatch.setitem(sys.modules, "bench_counting", module)
    real = bench_core.plugins.entry_points
    mine = EntryPoint("counting", "bench_counting", "bench")
    monkeypatch.setattr(bench_core.plugins, "entry_points", lambda group: [*real(group=group), mine])
    counting_plugin.LOOKS.update(predict=0, features=0, built=0)
    yield counting_plugin.LOOKS


def rows(out: Path) -> pd.DataFrame:
    store, runs = read_runs(out)
    return store.rows(runs[-1])


def ground_truth_files(out: Path) -> list[str]:
    return sorted(path.name for path in (out / "truth").iterdir())


def test_a_further_set_metric_computes_no_features_again(bench: Bench, calls: dict[str, int], tmp_path: Path) -> None:
    ask = ["--plugins", "counting", "--no-baselines", "--metrics"]
    bench(*ask, "shift@toy")
    # two pairs under each of two mask sets, two ground truth images and one trial
    assert calls == {"predict": 4, "features": 4 + 2 + 1, "built": 1}
    bench(*ask, "shift@toy,worst@toy")
    assert calls == {"predict": 4, "features": 4 + 2 + 1 + TRIALS, "built": 2}
    assert set(rows(tmp_path / "out")["metric"]) == {"shift@toy", "worst@toy"}


def test_two_metrics_of_the_same_features_share_them(bench: Bench, calls: dict[str, int], tmp_path: Path) -> None:
    bench("--plugins", "counting", "--no-baselines", "--metrics", "shift@toy,worst@toy")
    assert calls == {"predict": 4, "features": 4 + 2 + TRIALS, "built": 1}
    paths = list((tmp_path / "out").glob("cells/*/features/*"))
    assert len(paths) == 2
    for path in paths:
        stored = Features.read(path)
        assert stored is not None
        assert len(stored.values) == len(stored.hole_ratio) == 2


def test_set_metrics_compare_composites_with_the_ground_truth(bench: Bench, tmp_path: Path, photographs: Path) -> None:
    bench("--plugins", "counting", "--no-baselines", "--metrics", "worst@toy", "--test-masks", "center")
    images = [read_image(photographs / "test" / f"{number}.png")[4:36, 8:40] / 255 for number in range(2)]
    composites = [image.copy() for image in images]
    for composite in composites:
        composite[8:24, 8:24] = 128 / 255  # 0.5 as a PNG holds it
    means = np.array([[image.mean((0, 1)) for image in each] for each in (composites, images)])
    (value,) = rows(tmp_path / "out")["value"]
    assert value == pytest.approx(np.abs(means[0] - means[1]).max(), abs=1e-6)


def test_ground_truth_is_known_by_its_content_not_by_its_folder(
    bench: Bench, calls: dict[str, int], tmp_path: Path, photographs: Path
) -> None:
    ask = ["--plugins", "counting", "--metrics", "shift@toy"]
    bench(*ask)
    before = ground_truth_files(tmp_path / "out")
    moved = tmp_path / "elsewhere"
    shutil.copytree(photographs, moved)
    calls.update(features=0)
    bench(*ask, "--data", str(moved))
    assert ground_truth_files(tmp_path / "out") == before
    assert calls["features"] == 1, "only the trial"
    image = read_image(moved / "test" / "0.png")
    image[20, 20] ^= 1
    Image.fromarray(image).save(moved / "test" / "0.png")
    bench(*ask, "--data", str(moved))
    assert len(ground_truth_files(tmp_path / "out")) == 2
    bench(*ask, "--size", "16")
    assert len(ground_truth_files(tmp_path / "out")) == 3


def test_features_survive_a_round_trip_and_damage_is_detected(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    assert Features.read(path) is None
    rng = np.random.default_rng(0)
    features = Features(rng.normal(size=(3, 5)).astype(np.float32), rng.random(3), "abc")
    features.write(path)
    again = Features.read(path)
    assert again is not None
    np.testing.assert_array_equal(again.values, features.values)
    np.testing.assert_array_equal(again.hole_ratio, features.hole_ratio)
    assert again.mask_set_hash == "abc"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(BadInput, match="is damaged"):
        Features.read(path)


def test_rows_of_another_version_are_measured_again(
    bench: Bench, calls: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = ["--plugins", "counting", "--no-baselines", "--metrics", "psnr"]
    bench(*ask)
    for path in (tmp_path / "out").glob("cells/*/rows/*.parquet"):
        rows_file.write(path, rows_file.read(path).assign(version=0, value=-1.0))
    bench(*ask)
    assert calls["predict"] == 8
    assert (rows(tmp_path / "out")["value"] > 0).all()
    assert (rows(tmp_path / "out")["version"] == 1).all()
    assert len(rows(tmp_path / "out")) == 4
