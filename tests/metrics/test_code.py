"""Laws of the hash of a metric's code: numbers of two codes never share a column."""

import sys
from dataclasses import fields, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from bench_core.metrics.code import PROSE, features_name, measured_by, metric_code
from bench_core.specs import Metric
from bench_core.system import sources

METRIC = Metric(
    "far@mine",
    "far",
    "text",
    "lower",
    "bench_metric:build",
    per="set",
    bounds=(0.0, 9.0),
    features="f",
    compare="bench_set:far",
)
CHANGES: dict[str, Any] = {
    "definition": "near@mine", "title": "x", "text": "x", "better": "higher", "build": "bench_set:build",
    "per": "image", "origin": "x", "bounds": (0.0, 1.0), "region": "hole", "source": "raw", "quantised": False,
    "features": "g", "compare": "bench_metric:far", "weights": "vgg16", "fewest_images": 9, "digits": 1, "version": 2,
}  # fmt: skip


@pytest.fixture(autouse=True)
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    for package in ("bench_metric", "bench_set"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
        monkeypatch.delitem(sys.modules, package, raising=False)
        import_module(package)
    forget()
    return tmp_path


def forget() -> None:
    """Clear what is computed once in a process."""
    for cached in (metric_code, features_name, sources._content_hash, sources._imports):
        cached.cache_clear()


def test_every_field_of_a_metric_changes_what_it_was_measured_by_or_is_prose():
    assert set(CHANGES) == {field.name for field in fields(Metric)}
    for name, value in CHANGES.items():
        changed = replace(METRIC, **{name: value})
        assert (measured_by(changed) != measured_by(METRIC)) == (name not in PROSE), name


def test_features_depend_on_extractor_and_version():
    changed = {
        name
        for name, value in CHANGES.items()
        if features_name(replace(METRIC, **{name: value})) != features_name(METRIC)
    }
    assert changed == {"features", "build", "version"}


@pytest.mark.parametrize(("package", "new_features"), [("bench_metric", True), ("bench_set", False)])
def test_an_edit_to_a_metrics_code_changes_its_hash(package: str, new_features: bool, packages: Path):
    code, name = metric_code(METRIC), features_name(METRIC)
    (packages / package / "__init__.py").write_text("# edited\n")
    forget()
    assert metric_code(METRIC) != code and (features_name(METRIC) != name) == new_features


def test_the_code_of_the_harness_counts_for_its_own_metrics_only(packages: Path, monkeypatch: pytest.MonkeyPatch):
    own = replace(METRIC, build="bench_core.metrics.ssim:gaussian", compare="")
    before = metric_code(own), metric_code(METRIC)
    (packages / "metrics").mkdir()
    (packages / "images.py").write_text("")
    monkeypatch.setattr(sources, "CORE", packages)
    forget()
    assert metric_code(own) != before[0] and metric_code(METRIC) == before[1]
