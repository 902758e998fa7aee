"""Synthetic store with everything that result pages show, and its site."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from bench_core.cli import main
from bench_core.metrics import bench_metrics
from bench_core.store.rows import as_rows
from bench_core.store.store import CellStatus, Run, Store
from support.stored_cells import MASKS, protocol

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(1)>'
L1, PSNR = "l1@full", "psnr@full"
IMAGES = [IMAGE, *(f"image-{number}" for number in range(1, 24))]
RATIOS = np.linspace(0.05, 0.28, len(IMAGES))
VERSIONS = {metric.definition: metric.version for metric in bench_metrics()}


def values(variant: str, seed: int, mask_set: str) -> dict[str, np.ndarray]:
    """Values of each image: `even` equals `good`, `bad` is worse, and on strokes all are worse."""
    rng = np.random.default_rng(seed)
    shift = {"good": 0.0, "even": 0.0, "bad": 0.05, SCRIPT: 0.1, "still": 0.2}[variant] + 0.3 * (mask_set == "strokes")
    noise = np.random.default_rng([seed, *variant.encode()]).normal(0, 0.01, len(IMAGES))
    l1 = 0.2 + shift + rng.normal(0, 0.02, len(IMAGES)) + noise
    return {L1: l1, PSNR: 30 - 20 * l1}


def cell(store: Store, variant: str, seed: int, mask_sets: tuple[str, ...] = tuple(MASKS)) -> CellStatus:
    """Write an evaluated cell."""
    folder = store.cell({"plugin": "made-up", "variant": variant, "seed": seed})
    folder.prepare()
    about = {"method": variant, "variant": variant, "seed": seed, "mask_set_hash": "abc", "region": "full"}
    for mask_set in mask_sets:
        rows = [
            {**about, "source": "composite", "version": VERSIONS[metric], "metric": metric, "image": image}
            | {"mask_set": mask_set, "hole_ratio": ratio, "value": value}
            for metric, found in values(variant, seed, mask_set).items()
            for image, ratio, value in zip(IMAGES, RATIOS, found, strict=True)
        ]
        folder.add_rows(f"evaluation-{mask_set}", as_rows(rows))
        folder.write_provenance(f"evaluation-{mask_set}", {"device": "abacus", "seconds_per_image": 0.02})
    evaluation_ids = {mask_set: f"evaluation-{mask_set}" for mask_set in mask_sets}
    refused = {mask_set: "fills no strokes" for mask_set in MASKS if mask_set not in mask_sets}
    return CellStatus(variant, variant, seed, "done", folder.path.name, refused=refused, evaluation_ids=evaluation_ids)


def run(store: Store) -> Run:
    """Write a run with evaluated, failed and unsupported cells."""
    entries = [cell(store, variant, seed) for variant in ("good", "bad", "even", SCRIPT) for seed in (0, 1)]
    entries += [cell(store, "still", 0, ("center",))]
    entries += [CellStatus("broken", "broken", seed, "failed", reason=f"RuntimeError: {SCRIPT}") for seed in (0, 1)]
    rules: dict[str, Any] = {"seeds": (0, 1), "test_masks": list(MASKS), "title": "Made up"}
    made = Run(protocol(**rules), "digest of the images", len(IMAGES), entries, {})
    store.write_run(made)
    return made


def write(store: Store, folder: Path) -> Path:
    """Write the site of a store by the command."""
    result = CliRunner().invoke(main, ["report", str(store.root), "--format", "html", "-o", str(folder)])
    assert result.exit_code == 0, result.output
    return folder


def boards(site: Path) -> list[dict[str, Any]]:
    """Read the data of the leaderboard's script."""
    return json.loads((site / "data/leaderboard.js").read_text().removeprefix("window.BOARDS = ").rstrip(";\n"))


def method_page(site: Path, variant: str) -> Path:
    (path,) = {method["path"] for board in boards(site) for method in board["methods"] if method["name"] == variant}
    return site / path


def cached(factory: pytest.TempPathFactory) -> tuple[Store, Run, Path]:
    """Return store, run and site, built once for all tests. Do not change them."""
    if not _MADE:
        store = Store(factory.mktemp("site") / "store")
        _MADE.append((store, run(store), write(store, store.root.parent / "site")))
    return _MADE[0]


_MADE: list[tuple[Store, Run, Path]] = []
