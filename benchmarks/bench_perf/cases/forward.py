"""How long methods take to paint, and with how much memory: each contender paints in a process of its own."""

from collections.abc import Iterator
from functools import partial

from bench_perf.baseline import contenders_of
from bench_perf.inference_loop import BaselineInference, InferenceCase, OurInference
from bench_perf.records import Candidate, Case
from bench_perf.settings import Settings
from bench_perf.worker import apart


def cases(settings: Settings) -> Iterator[Case]:
    """Every method at every size and batch."""
    for name in settings.methods:
        for size in settings.sizes:
            for batch in settings.batches:
                canvases = InferenceCase(name, settings.scale, size, batch, settings.device)
                yield Case(
                    "forward", f"{name} {size} b{batch}", tuple(_contenders(settings, canvases)), "images", batch
                )


def _contenders(settings: Settings, canvases: InferenceCase) -> Iterator[Candidate]:
    for form in settings.forms:
        ours = OurInference(canvases, form)
        yield Candidate(form.called(canvases.name), partial(apart, ours, settings.threads), form.arithmetic)
    if baseline := settings.baselines.get(canvases.name):
        yield from contenders_of(baseline, BaselineInference(canvases, baseline), settings.threads)
