"""Which definition a name means.

Every definition has relatives: ``-raw`` behind it looks at the method's whole canvas in place of the composite,
``-float`` at unrounded values in place of 8-bit ones, and ``@ring3`` has another width than ``@ring8``.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from bench_core.errors import BadInput, unknown
from bench_core.specs import Metric

RING = 8
"""The width of the ring for which definitions are written out."""


def select_metrics(names: Iterable[str], known: Mapping[str, Metric]) -> list[Metric]:
    """Metrics by definition (``ssim@skimage``) or by bare name, which means the first definition of that name.

    Raises:
        BadInput: a name is unknown, or two of them mean the same definition.
    """
    chosen = [_one(name, known) for name in names]
    definitions = [metric.definition for metric in chosen]
    for definition in definitions:
        if definitions.count(definition) > 1:
            raise BadInput(f"The metric {definition} is asked for twice.")
    return chosen


def on_floats(metric: Metric) -> Metric:
    """The same measure of the method's own floats."""
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
    """The same measure of the whole canvas, before known pixels are put back."""
    return replace(
        metric,
        definition=f"{metric.definition}-raw",
        title=f"{metric.title} raw",
        text=f"{metric.text}; of the raw prediction, before known pixels are put back",
        source="raw",
        features=metric.features and f"{metric.features}-raw",
    )


def _one(name: str, known: Mapping[str, Metric]) -> Metric:
    base = name.removesuffix("-float")
    plain = base.removesuffix("-raw")
    metric = _ring(plain, known) or _named(plain, name, known)
    metric = on_raw_prediction(metric) if base != plain else metric
    return on_floats(metric) if name != base else metric


def _named(plain: str, asked: str, known: Mapping[str, Metric]) -> Metric:
    choice = {**{metric.name: metric for metric in reversed(list(known.values()))}, **known}
    if plain not in choice:
        raise unknown("metric", asked, choice)
    return choice[plain]


def _ring(plain: str, known: Mapping[str, Metric]) -> Metric | None:
    """``NAME@ringK`` where ``NAME@ring8`` is known."""
    parts = re.fullmatch(r"(\w+)@ring([1-9]\d*)", plain)
    like = known.get(f"{parts[1]}@ring{RING}") if parts else None
    if parts is None or like is None:
        return None
    width = parts[2]
    return replace(
        like,
        definition=plain,
        title=like.title.replace(f"ring{RING}", f"ring{width}"),
        text=like.text.replace(f"within {RING} of", f"within {width} of"),
        region=f"ring{width}",
    )
