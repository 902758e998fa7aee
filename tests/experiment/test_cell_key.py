"""Laws of a cell's key and of the names of its rows: what can change a number changes them, nothing else does."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from support.cli import call
from support.paths import ROOT

from bench_core import Loss, Model, Optimiser, Phase, Recipe, Update
from bench_core.data.digest_cache import DigestTable
from bench_core.data.pairs import TestPairs, TrainPairs
from bench_core.data.validate import ValidatedImages
from bench_core.evaluation.evaluator import evaluation_id
from bench_core.experiment.cell_changes import why_trained_again
from bench_core.experiment.cell_key import BUILDS, TRAINS, cell_key, code, normalised_together
from bench_core.experiment.options import RuntimeConfig
from bench_core.masks.mask_set import MaskSet, open_sets
from bench_core.methods.variants import Overrides, Variant, apply_overrides
from bench_core.plugins import Plugin, Plugins
from bench_core.protocol import Protocol, load
from bench_core.store import rows as rows_file
from bench_core.store.cell_folder import CellFolder
from bench_core.store.store import Store
from bench_core.system import sources

RECIPE = Recipe((Phase("train", ((Update("generator", Optimiser("SGD", {"lr": 1.0}), {"l1": 1.0}),),)),), "none")
LOSS = Loss("l1", "", "bench_core.losses.reconstruction:l1", "vgg16", {"p": 1})
MODEL = Model("m", "T", "C", "normalised_method:build", RECIPE, options={"depth": 1})
BASE = load("quick").override({"steps": 3, "batch": 2, "metrics": ("l1", "psnr"), "seeds": (0, 1)})
FAMILIES = Plugins.all().records("masks")


class Colours:
    """Nine images, each of one colour."""

    names: Sequence[str] = tuple(f"{number}.png" for number in range(9))

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> np.ndarray:
        return np.full((8, 8, 3), index, np.uint8)


def digests(*edited: int) -> DigestTable:
    """The digests of nine images, of which some were edited."""
    return DigestTable.from_items((i, sha256(f"{i}{i in edited}".encode()).digest()) for i in range(9))


def validated(*edited: int) -> ValidatedImages:
    return ValidatedImages(Colours(), Colours(), digests(*edited), "digest of the test images")


class Setup:
    """A plugin, its variant and everything else that a key is made of. Fields are replaced one at a time."""

    def __init__(self, **changes: Any) -> None:
        self.protocol: Protocol = changes.pop("protocol", BASE)
        self.model: Model = changes.pop("model", MODEL)
        self.overrides: Overrides = changes.pop("overrides", Overrides())
        self.losses = changes.pop("losses", {"l1": LOSS})
        self.runtime: RuntimeConfig = changes.pop("runtime", RuntimeConfig())
        self.seed: int = changes.pop("seed", 0)
        self.images: ValidatedImages = changes.pop("images", validated())
        self.mask_sets: list[MaskSet] = changes.pop("mask_sets", family())
        self.guide = changes.pop("guide", None)
        self.weights: Path | None = changes.pop("weights", None)
        module, requires = import_module("normalised_method"), changes.pop("requires", [])
        self.plugin: Any = Mock(spec=Plugin, module=module, version="1", requirements=requires)
        self.plugin.name = changes.pop("plugin", "plugin")
        assert not changes

    @property
    def variant(self) -> Variant:
        variant = apply_overrides(self.model, self.losses, self.overrides)
        return (
            replace(variant, weights=self.weights, model=replace(variant.model, recipe=None))
            if self.weights
            else variant
        )

    def key(self) -> dict[str, Any]:
        pairs = TrainPairs(self.protocol, self.images.train, self.mask_sets, self.seed)
        return cell_key(self.plugin, self.variant, pairs, self.images, self.runtime, self.guide)


def guide(name: str) -> Any:
    drawn = Mock(spec=["name", "__call__"])
    drawn.name = name
    return drawn


def family(**changes: Any) -> list[MaskSet]:
    """The mask sets of the protocol, the last with changed parameters."""
    *others, last = open_sets(BASE.masks, FAMILIES).values()
    return [*others, replace(last, parameters={**last.parameters, **changes})]


def optimised(**changes: Any) -> Model:
    """The model with another optimiser, update or phase."""
    (phase,) = RECIPE.phases
    update = replace(
        phase.updates[0], **{name: value for name, value in changes.items() if name in ("network", "losses")}
    )
    optimiser = {name: value for name, value in changes.items() if name in ("name", "settings")}
    update = replace(update, optimiser=replace(update.optimiser, **optimiser))
    rounds = ((update,),) * changes.get("rounds", 1)
    phases = (replace(phase, rounds=rounds, name=changes.get("phase", "train"), share=changes.get("share", 1.0)),)
    return replace(MODEL, recipe=replace(RECIPE, phases=phases * changes.get("repeat", 1)))


CHANGES: dict[str, dict[str, Any]] = {
    "plugin's name": {"plugin": "other"},
    "required library": {"requires": ["pluggy>=1.0"]},
    "method": {"model": replace(MODEL, name="other")},
    "option": {"overrides": Overrides(options={"m.depth": "2"})},
    "training seed": {"seed": 1},
    "guide": {"guide": guide("edges")},
    "optimiser": {"model": optimised(name="Adam")},
    "learning rate": {"model": optimised(settings={"lr": 1.0 + 1e-9})},
    "network": {"model": optimised(network="critic")},
    "loss weight": {"model": optimised(losses={"l1": 1.0000001})},
    "phase's name": {"model": optimised(phase="other")},
    "share": {"model": optimised(share=2.0)},
    "rounds": {"model": optimised(rounds=2)},
    "phases": {"model": optimised(repeat=2)},
    "added loss": {"overrides": Overrides(added={"l2": 1.0}), "losses": {"l1": LOSS, "l2": replace(LOSS, name="l2")}},
    "loss parameter": {"losses": {"l1": replace(LOSS, parameters={"p": 2})}},
    "parameter of a mask family": {"mask_sets": family(with_box=True)},
    "mask sets": {"mask_sets": family()[:1]},
    "an image that is drawn": {"images": validated(4)},
}
PROTOCOL_CHANGES: dict[str, Any] = {
    "image_set": "folder", "size": 32, "resize": 65, "channels": 1, "steps": 4, "batch": 4, "scale": "paper",
    "backbone": "official", "curve_every": 2, "curve_images": 1,
}  # fmt: skip
SAME_WEIGHTS: dict[str, Any] = {
    "name": "other", "title": "Other", "crops": 2, "test_images": 1, "seed": 5, "seeds": (0,), "metrics": ("l2",),
    "test_masks": ("center",),
}  # fmt: skip
IN_MASK_SETS = {"masks", "train_masks"}
"""Fields of a protocol that arrive as mask sets."""


def test_equal_setups_have_equal_keys():
    assert Setup().key() == Setup().key()


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_that_can_change_weights_changes_the_key(name: str):
    assert Setup(**CHANGES[name]).key() != Setup().key()


def test_every_field_of_a_protocol_is_in_the_key_or_cannot_change_weights():
    assert {*PROTOCOL_CHANGES, *SAME_WEIGHTS, *IN_MASK_SETS} == set(Protocol.model_fields)
    for name, value in PROTOCOL_CHANGES.items():
        assert Setup(protocol=BASE.model_copy(update={name: value})).key() != Setup().key(), name
    for name, value in SAME_WEIGHTS.items():
        assert Setup(protocol=BASE.model_copy(update={name: value})).key() == Setup().key(), name


RUNTIME: dict[str, tuple[Any, bool]] = {
    "device": ("cuda", False), "precision": ("bf16-mixed", True), "eval_batch": (1, False), "workers": (2, False),
    "compiled": (True, True), "devices": (2, True), "nodes": (2, True), "micro_batch": (1, True),
    "auto_micro_batch": (True, True), "sync_batchnorm": (True, False), "save_images": (None, False),
}  # fmt: skip
"""For each setting of the machine another value, and whether it changes the weights of a network with batch norm."""


def test_every_setting_of_the_machine_is_in_the_key_or_cannot_change_weights():
    assert set(RUNTIME) == {field.name for field in fields(RuntimeConfig)}
    for name, (value, changes) in RUNTIME.items():
        assert (Setup(runtime=RuntimeConfig(**{name: value})).key() != Setup().key()) == changes, name


def test_without_batch_norm_the_number_of_images_at_a_time_does_not_count():
    plain = replace(MODEL, options={"norm": False})
    for name in ("devices", "nodes", "micro_batch", "auto_micro_batch"):
        runtime = RuntimeConfig(**{name: RUNTIME[name][0]})
        assert Setup(model=plain, runtime=runtime).key() == Setup(model=plain).key(), name


@pytest.mark.parametrize(
    ("settings", "together"),
    [({}, None), ({"micro_batch": 8}, None), ({"micro_batch": 3}, 3), ({"devices": 2}, 4), ({"devices": 3}, 3),
     ({"devices": 2, "nodes": 2}, 2), ({"devices": 2, "micro_batch": 1}, 1), ({"auto_micro_batch": True}, "auto"),
     ({"devices": 2, "sync_batchnorm": True}, None), ({"devices": 2, "micro_batch": 1, "sync_batchnorm": True}, 2)],
)  # fmt: skip
def test_batch_norm_sees_the_images_of_one_pass(settings: dict[str, Any], together: int | str | None):
    batch_of_8 = BASE.model_copy(update={"batch": 8})
    assert normalised_together(MODEL, batch_of_8, RuntimeConfig(**settings)) == together


def test_given_weights_count_by_their_content(tmp_path: Path):
    for name, content in (("a", b"1"), ("b", b"2"), ("c", b"1")):
        (tmp_path / name).write_bytes(content)
    a, b, c = (Setup(weights=tmp_path / name).key() for name in "abc")
    assert a != b and a == c
    half = Setup(weights=tmp_path / "a", runtime=RuntimeConfig(precision="bf16-mixed")).key()
    assert half != a
    longer = BASE.model_copy(update={"steps": 99})
    assert Setup(weights=tmp_path / "a", protocol=longer).key() == a


def test_images_that_are_not_drawn_do_not_count():
    pairs = TrainPairs(BASE, Colours(), (), 0)
    drawn = pairs.drawn_images(BASE.steps * BASE.batch)
    for index in range(9):
        assert (Setup(images=validated(index)).key() != Setup().key()) == (index in drawn), index


def test_digests_of_drawn_images_agree_as_far_as_two_trainings_share_images():
    pairs = TrainPairs(BASE, Colours(), (), 0)
    order = pairs.drawn_images(9).tolist()
    short, long = (validated().drawn_digests(pairs, count) for count in (3, 9))
    assert list(short) == ["1", "2", "3"] and list(long) == ["1", "2", "4", "8", "9"]
    assert short.items() & long.items() == {(key, long[key]) for key in ("1", "2")}
    edited = validated(order[2]).drawn_digests(pairs, 9)
    assert [key for key in long if edited[key] != long[key]] == ["4", "8", "9"]


# --- code ---


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A copy of the core's sources, from which keys are made."""
    copied = shutil.copytree(sources.CORE, tmp_path / "bench_core", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(sources, "CORE", copied)
    return copied


def edit(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write("# edited\n")
    sources._content_hash.cache_clear()
    sources._imports.cache_clear()


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


PACKAGES = ("bench_method", "bench_loss", "bench_guide", "bench_family", "bench_content", "bench_post", "local_layers")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packages of several plugins. The method's imports a local one that no plugin names."""
    monkeypatch.syspath_prepend(tmp_path)
    for package in (*PACKAGES, "bench_unused"):
        (tmp_path / package / "deep").mkdir(parents=True)
        (tmp_path / package / "__init__.py").write_text("")
        (tmp_path / package / "deep" / "code.py").write_text("x = 1\n")
        (tmp_path / package / "kernel.json").write_text("[]")
        monkeypatch.delitem(sys.modules, package, raising=False)
    (tmp_path / "bench_method" / "deep" / "code.py").write_text("import torch\nfrom local_layers import deep\n")
    sources._imports.cache_clear()
    return tmp_path


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


# --- names of rows ---

ROWS: dict[str, Any] = {"size": 32, "resize": 70, "crops": 2, "channels": 1, "seed": 1}
"""Fields of a protocol that decide which crops meet which holes."""


def rows_name(protocol: Protocol = BASE, digest: str = "images", post: str | None = None, **parameters: Any) -> str:
    mask_set = open_sets({"m": BASE.masks["free-form"]}, FAMILIES)["m"]
    mask_set = replace(mask_set, parameters={**mask_set.parameters, **parameters})
    return evaluation_id(TestPairs(protocol, Colours(), mask_set), digest, post)


def test_every_field_that_decides_crops_and_holes_is_in_the_name_of_rows():
    for name in Protocol.model_fields:
        value = {**PROTOCOL_CHANGES, **SAME_WEIGHTS, **ROWS}.get(name)
        if value is not None:
            assert (rows_name(BASE.model_copy(update={name: value})) != rows_name()) == (name in ROWS), name
    assert len({rows_name(), rows_name(digest="other"), rows_name(post="m:f"), rows_name(with_box=True)}) == 4


@pytest.mark.parametrize(
    ("edited", "changes"),
    [("data/decode.py", True), ("data/pairs.py", True), ("images.py", True), ("masks/mask_set.py", True),
     ("evaluation/evaluator.py", True), ("methods/method.py", True), ("seeds.py", True), ("metrics/ssim.py", False),
     ("training/trainer.py", False), ("cli/run.py", False)],
)  # fmt: skip
def test_edited_code_between_files_and_composites_makes_new_rows(core: Path, edited: str, changes: bool):
    before = rows_name()
    edit(core / edited)
    assert (rows_name() != before) == changes


def test_an_edited_mask_family_makes_new_rows(packages: Path):
    family = Mock(draw="bench_family:draw", content="bench_content:of")
    drawn: Any = Mock(spec=MaskSet, identity={"family": "f"}, family=family)
    drawn.name = "m"
    found = {evaluation_id(TestPairs(BASE, Colours(), drawn), "images")}
    for package in ("bench_family", "bench_content"):
        edit(packages / package / "deep" / "code.py")
        found.add(evaluation_id(TestPairs(BASE, Colours(), drawn), "images"))
    assert len(found) == 3


@pytest.mark.parametrize("name", ["numpy", "opencv-python-headless", "pillow"])
def test_an_upgraded_decoder_makes_new_rows(name: str, monkeypatch: pytest.MonkeyPatch):
    before, installed = rows_name(), sources._version
    monkeypatch.setattr(sources, "_version", lambda each: "99" if each == name else installed(each))
    assert rows_name() != before


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


def test_a_training_that_starts_again_says_what_changed(store: Store):
    earlier, now = Setup().key(), Setup(images=validated(4)).key()
    now = {**now, "libraries": {**now["libraries"], "torch": "99"}, "sources": {**now["sources"], "bench_core/nn": "x"}}
    for key in (earlier, Setup(seed=1).key(), Setup(protocol=BASE.model_copy(update={"steps": 9})).key()):
        store.cell(key).prepare()
        (store.cell(key).path / "weights.safetensors").touch()
    assert why_trained_again(store, store.cell(earlier)) == ""
    said = why_trained_again(store, store.cell(now))
    assert store.cell(earlier).path.name in said and said.endswith(": bench_core/nn, torch, training images.")


def test_a_training_removes_what_earlier_weights_measured(bench: Callable, tmp_path: Path):
    """Weights that are gone are trained again, and no row mixes two networks."""
    bench("--plugins", "gated", "--no-baselines", "--metrics", "l1", "--steps", "1")
    (weights,) = tmp_path.glob("out/cells/*/weights.safetensors")
    rows = [CellFolder(weights.parent, {}).rows_path(path.stem) for path in weights.parent.glob("rows/*.parquet")]
    weights.unlink()
    for path in rows:
        frame = rows_file.read(path)
        rows_file.write(path, frame.assign(value=0.5))
    assert "were gone" in bench("--plugins", "gated", "--no-baselines", "--metrics", "l1,l2", "--steps", "1").output
    for path in rows:
        frame = rows_file.read(path)
        assert set(frame["metric"]) == {"l1@full", "l2@full"} and not (frame["value"] == 0.5).any()


def test_a_stored_cell_lists_its_sources_and_what_changed_since(store: Store, monkeypatch: pytest.MonkeyPatch):
    cell = store.cell(Setup().key())
    cell.prepare()
    assert "changed" not in call("show", "--cell", str(cell.path)).output
    installed = sources._version
    monkeypatch.setattr(sources, "_version", lambda each: "99" if each == "torch" else installed(each))
    assert json.loads(call("show", "--cell", str(cell.path), "--json").stdout)["changed"] == ["torch"]
    assert call("show", "--cell", str(store.root), code=2) and call("show", code=2)
