"""Selection of metrics by name.

Every definition has variants. The suffix ``-raw`` measures the whole prediction instead of the composite. The suffix
``-float`` measures unrounded values instead of 8-bit ones. ``@ring3`` has another width than ``@ring8``.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from bench_core.errors import BadInput, unknown
from bench_core.specs import Metric

DEFINED_RING = 8
"""Width of the ring in `definitions.toml`. Definitions of other widths are derived from it."""


def select_metrics(names: Iterable[str], known: Mapping[str, Metric]) -> list[Metric]:
    """Return metrics by definition (``ssim@skimage``) or bare name, which selects the first definition of that name.

    Raises:
        BadInput: a name is unknown, or two names select the same definition.
    """
    metrics = [_select(name, known) for name in names]
    definitions = [metric.definition for metric in metrics]
    for definition in definitions:
        if definitions.count(definition) > 1:
            raise BadInput(f"The metric {definition} is given twice.")
    return metrics


def on_floats(metric: Metric) -> Metric:
    """Return the variant that measures the method's floats."""
    if not metric.quantised:
        return metric
    return replace(
        metric,
        definition=f"{metric.definition}-float",
        title=f"{metric.title} float",
        text=f"{metric.text}; of floats, not rounded to 8 bits",
        quantised=False,
        features=metric.features and f"{metric.features}-float",
    )


def on_raw_prediction(metric: Metric) -> Metric:
    """Return the variant that measures the whole prediction, before known pixels are put back."""
    return replace(
        metric,
        definition=f"{metric.definition}-raw",
        title=f"{metric.title} raw",
        text=f"{metric.text}; of the raw prediction, before known pixels are put back",
        source="raw",
        features=metric.features and f"{metric.features}-raw",
    )


def _select(name: str, known: Mapping[str, Metric]) -> Metric:
    without_float = name.removesuffix("-float")
    base = without_float.removesuffix("-raw")
    by_name = {**{metric.name: metric for metric in reversed(list(known.values()))}, **known}
    metric = _with_ring_width(base, known) or by_name.get(base)
    if metric is None:
        raise unknown("metric", name, by_name)
    metric = on_raw_prediction(metric) if without_float != base else metric
    return on_floats(metric) if name != without_float else metric


def _with_ring_width(base: str, known: Mapping[str, Metric]) -> Metric | None:
    """Derive ``NAME@ringK`` from a known ``NAME@ring8``."""
    match = re.fullmatch(r"(\w+)@ring([1-9]\d*)", base)
    defined = known.get(f"{match[1]}@ring{DEFINED_RING}") if match else None
    if match is None or defined is None:
        return None
    width = match[2]
    return replace(
        defined,
        definition=base,
        title=defined.title.replace(f"ring{DEFINED_RING}", f"ring{width}"),
        text=defined.text.replace(f"within {DEFINED_RING} of", f"within {width} of"),
        region=f"ring{width}",
    )
