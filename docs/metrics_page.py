"""Writes docs/metrics.md: every definition, and what all of them say of the same pictures."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from bench_classical.model import mean_color, telea
from bench_core.data.pairs import TestPairs
from bench_core.evaluation.evaluator import Evaluator
from bench_core.evaluation.metric_suite import MetricSuite
from bench_core.masks.mask_set import open_sets
from bench_core.metrics import bench_metrics
from bench_core.metrics.select import on_floats, on_raw_prediction
from bench_core.plugins import Plugins
from bench_core.protocol import MaskSpec, Protocol
from bench_core.specs import Metric, resolve

PAGE = Path(__file__).with_name("metrics.md")
METHODS = {"telea": telea, "mean_color": mean_color}
METRICS = bench_metrics()
RULES = Protocol(
    name="page",
    image_set="photos",
    resize=256,
    size=256,
    masks={"free-form": MaskSpec(family="free_form")},
    steps=0,
    batch=1,
    metrics=("l1",),
)
HEAD = """# What every number means

"SSIM" is at least four different numbers in the code of published papers, and "L1" more. Here every measure is a
*definition* with a name, `NAME@VARIANT`. A bare name means the first definition of that name below; the notes under
every table say which it was. A column never mixes two definitions, or two versions of one. `bench metrics` prints
this list.

## One set of pictures, many numbers

The five test photographs of `photos`, 256 x 256, with free-form holes, filled by two methods that learn nothing.
Each number is a mean over the same five composites.

"""
RELATIVES = """
## Relatives

* **8 bits.** Every metric sees pictures as a PNG would hold them. `-float` behind a definition means the method's
  own floats; `bench run --float-metrics` asks all metrics so. A picture that is judged from a file, by `bench
  score`, thus has the rows that its method has.
* **Composite or raw.** A metric looks at the composite: the prediction in the hole, the image elsewhere. `-raw`
  means the method's whole canvas. The columns `region` and `source` of stored rows say both.
* **Rings.** `@ring8` are the pixels within 8 of the hole's border, on both sides; any width may be asked for, such
  as `l1@ring3`.
* **Sets.** FID, KID, P-IDS and U-IDS compare features of all pictures. These are stored per picture, so that
  another such metric, or a table per bucket of hole ratios, looks through no network again. Features of truths are
  known by the images' content. FID of few images is biased, and marked; KID is not.
* **Where a number is missing** the table has a dash and says why, for instance that weights are not at hand or
  images too small.

## Definitions
"""


def measured() -> pd.DataFrame:
    """Means of all metrics that need no weights, by definition and method."""
    plugins = Plugins.find()
    test = resolve(plugins.records("image_sets")["photos"].open)(None, "test")
    metrics = [metric for metric in METRICS if metric.weights is None]
    metrics += [on_floats(METRICS[0]), on_floats(_named("ssim@skimage")), on_raw_prediction(_named("l1@full"))]
    judge = MetricSuite(metrics, torch.device("cpu"), RULES)
    (holes,) = open_sets(RULES.masks, plugins.records("masks")).values()
    columns = {}
    for name, build in METHODS.items():
        evaluation = Evaluator(judge, build("nano", 3), TestPairs(RULES, test, holes), 1, 0)
        rows = evaluation.evaluate(metrics, lambda done: None).rows(
            dict.fromkeys(("method", "variant", "mask_set"), name) | {"seed": 0}
        )
        columns[name] = rows.groupby("metric", sort=False)["value"].mean()
    return pd.DataFrame(columns)


def _named(definition: str) -> Metric:
    return next(metric for metric in METRICS if metric.definition == definition)


def numbers(values: pd.DataFrame) -> str:
    lines = ["| definition | " + " | ".join(METHODS) + " |", "|---|" + "---:|" * len(METHODS)]
    for definition, row in values.sort_index(key=lambda index: index.map(_order)).iterrows():
        lines.append(f"| `{definition}` | " + " | ".join(_short(value) for value in row) + " |")
    return "\n".join(lines) + "\n"


def _order(definition: str) -> int:
    """Relatives stand behind what they are relatives of."""
    base = definition.removesuffix("-float").removesuffix("-raw")
    return 2 * [metric.definition for metric in METRICS].index(base) + (base != definition)


def _short(value: float) -> str:
    return f"{value:.4f}" if np.isfinite(value) else "perfect"


def definitions() -> str:
    entries = []
    for metric in METRICS:
        low, high = ("" if np.isinf(bound) else f"{bound:g}" for bound in metric.bounds)
        bounds = f"{low or 'any'} to {high or 'any'}"
        facts = [
            f"{metric.better} is better",
            bounds,
            f"per {metric.per}",
            "8 bits" if metric.quantised else "floats",
            f"region {metric.region}",
            f"version {metric.version}",
        ]
        facts += [f"weights of {metric.weights}"] if metric.weights else []
        origin = f" *{metric.origin[0].upper()}{metric.origin[1:]}.*" if metric.origin else ""
        entries.append(f"**`{metric.definition}`** ({metric.title}; {'; '.join(facts)}): {metric.text}.{origin}\n")
    return "\n".join(entries)


def page(table: str) -> str:
    return f"{HEAD}{table}{RELATIVES}\n{definitions()}"


if __name__ == "__main__":
    PAGE.write_text(page(numbers(measured())), encoding="utf-8")
