"""Write docs/metrics.md: every definition, and the values of all of them on the same images."""

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
HEAD = """# Metrics

"SSIM" is at least four different numbers in the code of published papers, and "L1" more. Here every metric is a
*definition* with a name, `NAME@VARIANT`. A bare name selects the first definition of that name below, and the notes
under every table say which one it was. A column never mixes two definitions or two versions of one. `bench metrics`
prints this list.

## Compare definitions on the same images

We filled free-form holes in the five test photographs of `photos`, 256 x 256, with two training-free methods. Each
value is a mean over the same five composites.

"""
VARIANTS = """
## Choose a variant

* **8 bits.** By default every metric uses the 8-bit images of a PNG. Add `-float` to a definition to measure the
  method's own floats, or give `bench run --float-metrics` to do so for all metrics. If you score saved images with
  `bench score`, you get the rows of the method that saved them.
* **Composite or raw.** A metric measures the composite: the prediction in the hole, the image elsewhere. Add `-raw` to
  measure the method's whole prediction. The columns `region` and `source` of stored rows hold both.
* **Rings.** `@ring8` selects the pixels within 8 of the hole's border, on both sides. You can ask for any width, such
  as `l1@ring3`.
* **Sets.** FID, KID, P-IDS and U-IDS compare features of all images. The features are stored per image. You can add
  another set metric, or split a table by hole ratio, without running a network again. Features of the ground truth are
  cached by the images' content. FID of few images is biased and marked; KID is not.
* **Missing values.** A dash has a reason below the table, such as missing weights or images that are too small.

## Definitions
"""


def measured() -> pd.DataFrame:
    """Evaluate the methods with all metrics that need no weights; return means by definition and method."""
    plugins = Plugins.find()
    test = resolve(plugins.records("image_sets")["photos"].open)(None, "test")
    metrics = [metric for metric in METRICS if metric.weights is None]
    metrics += [on_floats(METRICS[0]), on_floats(_named("ssim@skimage")), on_raw_prediction(_named("l1@full"))]
    suite = MetricSuite(metrics, torch.device("cpu"), RULES)
    (holes,) = open_sets(RULES.masks, plugins.records("masks")).values()
    columns = {}
    for name, build in METHODS.items():
        evaluator = Evaluator(suite, build("nano", 3), TestPairs(RULES, test, holes), 1, 0)
        rows = evaluator.evaluate(metrics, lambda done: None).rows(
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
    """Sort key: variants follow their definition."""
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
    return f"{HEAD}{table}{VARIANTS}\n{definitions()}"


if __name__ == "__main__":
    PAGE.write_text(page(numbers(measured())), encoding="utf-8")
