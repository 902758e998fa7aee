"""Reads the definitions in `definitions.toml`."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench_core.specs import Metric

_REGIONS = {
    "full": "all pixels",
    "hole": "the missing pixels",
    "known": "the known pixels (in a composite none differs)",
    "ring8": "the pixels within 8 of the hole's border (on both sides)",
}


def read() -> list[Metric]:
    """All of them, in their order."""
    written = tomllib.loads((Path(__file__).parent / "definitions.toml").read_text(encoding="utf-8"))
    return [_metric(facts) for entry in written["metric"] for facts in _expanded(entry)]


def _expanded(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An entry, or one for each of its regions."""
    if "regions" not in entry:
        yield entry
        return
    common = {key: value for key, value in entry.items() if key not in ("name", "regions")}
    for region in entry["regions"]:
        yield {
            **common,
            "definition": f"{entry['name']}@{region}",
            "title": entry["title"] if region == "full" else f"{entry['title']} {region}",
            "text": entry["text"].format(region=_REGIONS[region]),
            "region": region,
        }


def _metric(facts: dict[str, Any]) -> Metric:
    code = {key: f"bench_core.metrics.{facts[key]}" for key in ("build", "compare") if key in facts}
    words = {key: " ".join(facts[key].split()) for key in ("text", "origin") if key in facts}
    bounds = tuple(float(bound) for bound in facts.get("bounds", Metric.bounds))
    return Metric(**{**facts, **code, **words, "bounds": bounds})
