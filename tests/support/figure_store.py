"""Synthetic run for every kind of figure, with names that are special to matplotlib, XML and terminals."""

import json
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from bench_core.store import rows as rows_file
from bench_core.store.store import CellStatus, Run, Store
from bench_reports.figures import buckets, curves, grid, losses, ranks, scatter
from bench_reports.figures.source import Source
from support.stored_cells import KNOWN, L1, PSNR, done, run_of

EVIL, ODD, SIMPLE = "_$x$ </title><b>_{^\\", "$a 中\u202e #111111", "simple"
NAMES = [EVIL, ODD, SIMPLE]
RATIOS = [0.05] * 4 + [0.15] * 4 + [0.4] * 4
KINDS = {each.__name__.rpartition(".")[2]: each for each in (buckets, curves, grid, losses, ranks, scatter)}
ODD_SHOWN = "$a ?? #111111"


def cell(store: Store, name: str, seed: int, place: int) -> CellStatus:
    """Write a cell with values, curves, losses, costs and images, all different."""
    rng = np.random.default_rng(place * 10 + seed)
    entry = done(store, name, seed, l1=0.1 * place + rng.random(12) / 30, psnr=20 + rng.random(12))
    folder = store.folder(entry)
    rows = rows_file.read(folder.rows_path("evaluation"))
    rows_file.write(folder.rows_path("evaluation"), rows.assign(hole_ratio=RATIOS * 2))
    folder.write_provenance("evaluation", {"seconds_per_image": 0.5 + place, "device": "cpu"})
    if name != SIMPLE:
        for step in (0, 5, 9):
            folder.add_curve_point(step, "center", {L1: place + seed + step / 10, PSNR: 20.0 + step})
        lines = [{"step": step, "g/l1": 1.0 + seed + step, "g/tv": 2.0} for step in range(0, 600, 2)]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder.path / "training.jsonl").write_text(text + '{"step": 600, "g/')
        folder.write_provenance("training", {"seconds_per_step": place + 1.0, "parameters": 1000 * (place + 1)})
    samples = folder.path / "samples" / "evaluation"
    samples.mkdir(parents=True, exist_ok=True)
    for number in (0, 3, 6):
        for kind, shade in {"image": 0, "masked": 9, "composite": 60 + place}.items():
            image = np.full((16, 24, 3), shade, np.uint8)
            if kind == "composite":
                image[:10, :20] = 0  # wrong only at the bottom and right borders
            image[number, number] = 200
            Image.fromarray(image).save(samples / f"{number:06}-{kind}.png")
    return entry


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Run]:
    store = Store(tmp_path_factory.mktemp("figures"))
    seeds = {EVIL: (0, 1), ODD: (0,), SIMPLE: (0,)}
    entries = [cell(store, name, seed, place) for place, name in enumerate(NAMES) for seed in seeds[name]]
    run = run_of(*entries, num_pairs=12)
    store.write_run(run)
    return store, run


def drawn(world: tuple[Store, Run], kind: str, **options: Any) -> Figure:
    return KINDS[kind].draw(Source(*world, KNOWN), **options)
