"""Laws of the code behind weights: an edit to any source trains again, and other edits do not."""

import shutil
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from support.cell_setup import (
    LOSS,
    MODEL,
    PACKAGES,
    Setup,
    edit,
)
from support.paths import ROOT

from bench_core import Loss
from bench_core.experiment.cell_key import BUILDS, TRAINS, code
from bench_core.masks.mask_set import MaskSet
from bench_core.methods.variants import Overrides, apply_overrides
from bench_core.plugins import Plugin
from bench_core.system import sources


@pytest.mark.parametrize(
    "edited",
    ["losses/perceptual.py", "nn/upsample.py", "nn/new_layer.py", "methods/method.py", "weights/weight_file.py",
     "training/trainer.py", "training/schedule.py", "data/pairs.py", "images.py", "seeds.py", "recipe.py",
     "masks/mask_set.py"],
)  # fmt: skip
def test_an_edit_to_the_core_changes_the_key(core: Path, edited: str):
    before = Setup().key()["sources"]
    edit(core / edited)
    after = Setup().key()["sources"]
    (changed,) = [name for name in before if before[name] != after[name]]
    assert f"bench_core/{edited}".startswith(changed)


@pytest.mark.parametrize("edited", ["training/trackers/wandb.py", "cli/run.py", "store/store.py", "metrics/ssim.py"])
def test_an_edit_that_cannot_change_weights_changes_no_key(core: Path, edited: str):
    before = Setup().key()
    edit(core / edited)
    assert Setup().key() == before


@pytest.mark.parametrize("name", sources.library_versions("torch", "numpy", "pillow", "opencv-python-headless"))
def test_an_upgraded_library_changes_the_key(name: str, monkeypatch: pytest.MonkeyPatch):
    before, installed = Setup().key(), sources._version
    monkeypatch.setattr(sources, "_version", lambda each: "99" if each == name else installed(each))
    assert Setup().key() != before


def used_code() -> dict[str, str]:
    model = replace(MODEL, build="bench_method:build", guide="bench_guide:guide", postprocess="bench_post:blend")
    losses = {"l1": LOSS, "far": Loss("far", "", "bench_loss.deep.code:far")}
    variant = apply_overrides(model, losses, Overrides(added={"far": 1.0}))
    drawn: Any = Mock(spec=MaskSet, family=Mock(draw="bench_family:draw", content="bench_content:of"))
    plugin: Any = Mock(spec=Plugin, module=import_module("bench_method"))
    return code(plugin, variant, [drawn])


@pytest.mark.parametrize("edited", PACKAGES)
@pytest.mark.parametrize("file", ["deep/code.py", "__init__.py", "kernel.json", "new.py", "deep/deeper/new.py"])
def test_an_edit_to_any_package_whose_code_is_used_changes_the_key(edited: str, file: str, packages: Path):
    """Method, loss term, guide, post-processing and mask family may each come from another plugin."""
    before = used_code()
    assert set(before) == {*PACKAGES, *(f"bench_core/{name}" for name in (*BUILDS, *TRAINS))}
    edit(packages / edited / file)
    after = used_code()
    assert [name for name in before if before[name] != after[name]] == [edited]


def test_a_moved_file_is_an_edit_and_unused_or_compiled_code_is_none(packages: Path):
    before = used_code()
    edit(packages / "bench_unused" / "deep" / "code.py")
    edit(packages / "bench_loss" / "__pycache__" / "code.cpython-311.pyc")
    edit(packages / "bench_loss" / ".code.py.swp")
    assert used_code() == before
    (packages / "bench_loss" / "deep" / "code.py").rename(packages / "bench_loss" / "code.py")
    assert used_code() != before


def test_code_that_is_edited_during_a_run_keeps_its_hash(packages: Path):
    """Python loaded the code that the run began with."""
    before = used_code()
    (packages / "bench_loss" / "deep" / "code.py").write_text("x = 2\n")
    assert used_code() == before


def test_untrained_methods_depend_on_no_training_code():
    untrained = Setup(model=replace(MODEL, recipe=None)).key()
    assert set(untrained["sources"]) == {"normalised_method", *(f"bench_core/{name}" for name in BUILDS)}
    assert {"steps", "images", "seeds"}.isdisjoint(untrained)


def test_a_run_after_an_edit_to_a_shared_loss_trains_again(photographs: Path, protocol: Path, tmp_path: Path):
    """The whole command, on a copy of the installed sources: the same code reuses the weights, edited code does not."""
    copied = tmp_path / "sources"
    shutil.copytree(ROOT / "bench_core", copied / "bench_core", ignore=shutil.ignore_patterns("__pycache__"))
    program = f"import sys; sys.path.insert(0, {str(copied)!r}); from bench_core.cli import main; main()"
    world = ["--protocol", str(protocol), "--data", str(photographs), "--out", str(tmp_path / "out"), "--device", "cpu"]
    run = [sys.executable, "-c", program, "run", *world, "--plugins", "gated", "--no-baselines", "--steps", "1"]

    def cells() -> set[str]:
        subprocess.run([*run, "--metrics", "l1"], check=True, capture_output=True)
        return {path.parent.name for path in tmp_path.glob("out/cells/*/weights.safetensors")}

    first = cells()
    assert len(first) == 1 and cells() == first
    with (copied / "bench_core" / "losses" / "reconstruction.py").open("a") as file:
        file.write("# edited\n")
    assert len(cells()) == 2
