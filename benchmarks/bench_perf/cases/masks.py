"""How many holes a second each mask family draws."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench_core.masks.mask_set import open_sets
from bench_core.protocol import MaskSpec
from bench_core.specs import MaskFamily
from bench_perf.cases.mask_inputs import inputs
from bench_perf.records import Candidate, Case, Runner
from bench_perf.settings import Settings

HOLES = 16
"""How many are drawn at a time, always the same, since some take many attempts."""


def cases(settings: Settings) -> Iterator[Case]:
    """Every family with its default parameters, at every size; files that it asks for are made for it."""
    for family in settings.plugins.records("masks").values():
        for size in settings.sizes:
            drawn = Candidate("ours", partial(_ours, family, size))
            yield Case("masks", f"{family.name} {size}", (drawn,), "holes", HOLES)


def _ours(family: MaskFamily, size: int, cleanup: ExitStack) -> Runner:
    folder = Path(cleanup.enter_context(TemporaryDirectory()))
    given = MaskSpec.model_validate({"family": family.name, **inputs(family, folder, size)})
    holes = open_sets({"speed": given}, {family.name: family})["speed"]

    def run() -> None:
        for number in range(HOLES):
            holes.draw(size, "speed", number)

    return Runner(run)
