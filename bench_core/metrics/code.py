"""Hashes of the code behind a metric, so that numbers of two versions of it never share a column. No torch here."""

from dataclasses import asdict
from functools import cache
from typing import Any

from bench_core.seeds import digest
from bench_core.specs import Metric
from bench_core.system import sources

PROSE = {"title", "text", "origin", "better", "bounds", "digits", "fewest_images"}
"""Fields of a `Metric` that change no value."""
CORE = ("metrics", "images.py")


@cache
def metric_code(metric: Metric) -> str:
    """Return a hash of a metric's sources and of the fields that its values depend on: 12 hex digits."""
    fields: dict[str, Any] = {name: value for name, value in asdict(metric).items() if name not in PROSE}
    return digest([fields, _sources(metric.build, metric.compare)])[:12]


def measured_by(metric: Metric) -> tuple[str, int, str]:
    """Return definition, version and code: rows with other ones are measured again."""
    return metric.definition, metric.version, metric_code(metric)


@cache
def features_name(metric: Metric) -> str:
    """Return the name of stored features: that of the extractor, with a hash of its sources and version."""
    return f"{metric.features}-{digest([metric.version, _sources(metric.build)])[:8]}"


def _sources(*references: str) -> dict[str, str]:
    given = [reference for reference in references if reference]
    own = sources.core_sources(CORE) if any(each.startswith("bench_core.") for each in given) else {}
    return own | sources.package_sources(given)
