"""Reader of the metric definitions in `definitions.toml`."""

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


def read_definitions() -> list[Metric]:
    """Return all metrics in the order of the file."""
    tables = tomllib.loads((Path(__file__).parent / "definitions.toml").read_text(encoding="utf-8"))
    return [_metric(fields) for table in tables["metric"] for fields in _expand_regions(table)]


def _expand_regions(table: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield one definition for each of a table's regions, or the table itself if it has none."""
    if "regions" not in table:
        yield table
        return
    shared = {key: value for key, value in table.items() if key not in ("name", "regions")}
    for region in table["regions"]:
        yield {
            **shared,
            "definition": f"{table['name']}@{region}",
            "title": table["title"] if region == "full" else f"{table['title']} {region}",
            "text": table["text"].format(region=_REGIONS[region]),
            "region": region,
        }


def _metric(fields: dict[str, Any]) -> Metric:
    code = {key: f"bench_core.metrics.{fields[key]}" for key in ("build", "compare") if key in fields}
    prose = {key: " ".join(fields[key].split()) for key in ("text", "origin") if key in fields}
    bounds = tuple(float(bound) for bound in fields.get("bounds", Metric.bounds))
    return Metric(**{**fields, **code, **prose, "bounds": bounds})
