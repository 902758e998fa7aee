"""Laws of a cell's key: an edit to any source that its weights depend on trains the cell again, and no other does."""

import shutil
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from support.paths import ROOT

from bench_core import Loss, Model, Optimiser, Phase, Recipe, Update
from bench_core.data.pairs import TrainPairs
from bench_core.data.validate import ValidatedImages
from bench_core.experiment import cell_key
from bench_core.experiment.cell_key import source_hash
from bench_core.methods.variants import Overrides, apply_overrides
from bench_core.plugins import Plugin
from bench_core.protocol import load

TRAINED = (*cell_key.BUILDS, *cell_key.TRAINS)


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A copy of the core's sources, from which keys are made."""
    copied = shutil.copytree(cell_key.CORE, tmp_path / "bench_core", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cell_key, "CORE", copied)
    return copied


@pytest.mark.parametrize(
    ("edited", "names"),
    [
        ("losses/perceptual.py", TRAINED),
        ("nn/upsample.py", TRAINED),
        ("nn/backbones.py", cell_key.BUILDS),
        ("methods/method.py", cell_key.BUILDS),
        ("weights/weight_file.py", cell_key.BUILDS),
        ("training/trainer.py", TRAINED),
        ("training/schedule.py", TRAINED),
        ("data/pairs.py", TRAINED),
        ("images.py", TRAINED),
        ("seeds.py", TRAINED),
        ("recipe.py", TRAINED),
        ("masks/mask_set.py", TRAINED),
    ],
)
def test_an_edit_to_the_core_changes_the_key(core: Path, edited: str, names: tuple[str, ...]):
    before = dict(cell_key._core_sources(names))
    with (core / edited).open("a") as file:
        file.write("# edited\n")
    source_hash.cache_clear()
    after = dict(cell_key._core_sources(names))
    changed = [name for name in before if before[name] != after[name]]
    assert len(changed) == 1 and f"bench_core/{edited}".startswith(changed[0])


@pytest.mark.parametrize("edited", ["training/trackers/wandb.py", "cli/run.py", "store/store.py", "metrics/ssim.py"])
def test_an_edit_that_cannot_change_weights_changes_no_key(core: Path, edited: str):
    before = dict(cell_key._core_sources(TRAINED))
    with (core / edited).open("a") as file:
        file.write("# edited\n")
    source_hash.cache_clear()
    assert dict(cell_key._core_sources(TRAINED)) == before


@pytest.mark.parametrize("edited", ["bench_method", "bench_loss", "bench_guide"])
def test_an_edit_to_any_plugin_whose_code_is_used_changes_the_key(
    edited: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(tmp_path)
    for package in ("bench_method", "bench_loss", "bench_guide"):
        (tmp_path / package / "deep").mkdir(parents=True)
        (tmp_path / package / "__init__.py").write_text("")
        (tmp_path / package / "deep" / "code.py").write_text("x = 1\n")
        monkeypatch.delitem(sys.modules, package, raising=False)
        import_module(package)
    references = ["bench_method.deep.code:build", "bench_loss.deep.code:term", "bench_guide.deep.code:guide"]
    references.append("bench_core.losses.reconstruction:l1")
    before = dict(cell_key._package_sources("bench_method", references))
    assert set(before) == {"bench_method", "bench_loss", "bench_guide"}
    for text in ("x = 2\n", "x = 2\ny = 1\n"):
        (tmp_path / edited / "deep" / "code.py").write_text(text)
        source_hash.cache_clear()
        after = dict(cell_key._package_sources("bench_method", references))
        assert [name for name in before if before[name] != after[name]] == [edited]
        before = after
    (tmp_path / edited / "deep" / "code.py").rename(tmp_path / edited / "code.py")
    source_hash.cache_clear()
    assert dict(cell_key._package_sources("bench_method", references))[edited] != before[edited]


def test_a_run_after_an_edit_to_a_shared_loss_trains_again(photographs: Path, protocol: Path, tmp_path: Path):
    """The whole command, on a copy of the installed sources: the same code reuses the weights, edited code does not."""
    copied = tmp_path / "sources"
    shutil.copytree(ROOT / "bench_core", copied / "bench_core", ignore=shutil.ignore_patterns("__pycache__"))
    code = f"import sys; sys.path.insert(0, {str(copied)!r}); from bench_core.cli import main; main()"
    world = ["--protocol", str(protocol), "--data", str(photographs), "--out", str(tmp_path / "out"), "--device", "cpu"]
    run = [sys.executable, "-c", code, "run", *world, "--plugins", "gated", "--no-baselines", "--steps", "1"]

    def cells() -> set[str]:
        subprocess.run([*run, "--metrics", "l1"], check=True, capture_output=True)
        return {path.parent.name for path in tmp_path.glob("out/cells/*/weights.safetensors")}

    first = cells()
    assert len(first) == 1 and cells() == first
    with (copied / "bench_core" / "losses" / "reconstruction.py").open("a") as file:
        file.write("# edited\n")
    assert len(cells()) == 2


def test_the_key_of_a_variant_holds_every_package_that_trains_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Method, loss term, guide and mask family may each come from another plugin."""
    monkeypatch.syspath_prepend(tmp_path)
    for package in ("bench_method", "bench_loss", "bench_guide", "bench_family"):
        (tmp_path / f"{package}.py").write_text("")
        monkeypatch.delitem(sys.modules, package, raising=False)
    recipe = Recipe((Phase("train", ((Update("generator", Optimiser("SGD", {"lr": 1.0}), {"l1": 1.0}),),)),), "none")
    model = Model("m", "T", "C", "bench_method:build", recipe, guide="bench_guide:guide")
    losses = {
        "l1": Loss("l1", "", "bench_core.losses.reconstruction:l1"),
        "far": Loss("far", "", "bench_loss:far"),
    }
    variant = apply_overrides(model, losses, Overrides(added={"far": 1.0}))
    protocol = load("quick")
    mask_set = Mock(identity={"family": "f"}, family=Mock(draw="bench_family:draw"))
    pairs: Any = Mock(spec=TrainPairs, protocol=protocol, mask_sets=[mask_set], seed=0)
    plugin: Any = Mock(spec=Plugin, module=import_module("bench_method"), version="1")
    plugin.name = "method"
    images: Any = Mock(spec=ValidatedImages, drawn_digest=Mock(return_value="digest"))
    sources = cell_key.cell_key(plugin, variant, pairs, images, "32-true", None)["sources"]
    packages = {"bench_method", "bench_loss", "bench_guide", "bench_family"}
    assert set(sources) == packages | {f"bench_core/{name}" for name in TRAINED}
    untrained = cell_key.cell_key(plugin, replace(variant, model=replace(model, recipe=None)), pairs, images, "", None)
    assert set(untrained["sources"]) == {"bench_method", "bench_guide"} | {f"bench_core/{n}" for n in cell_key.BUILDS}
