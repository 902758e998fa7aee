"""`bench perf`: what it prints and writes, beside rivals from files. Nothing here asks for a certain speed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from bench_core.cli import main
from bench_core.errors import BadInput
from bench_core.plugins import Plugins
from bench_core.specs import MaskFamily
from bench_perf.cases import metrics
from bench_perf.cases.mask_inputs import inputs
from bench_perf.memory import STATUS

Perf = Callable[..., Result]
SAME = """
name = "same"

def build(method):
    return method.predict
"""
OTHER = """
def build():
    return lambda masked, hole: masked * 0.5
"""
TELLING = """
import os

def build():
    return lambda masked, hole: masked * 0 + ("MALLOC_TRIM_THRESHOLD_" in os.environ)
"""
TRAINED = """
import torch

def build(method):
    return method.generator

def build_step():
    weight = torch.ones(64, 3, 3, 3, requires_grad=True)
    held = []

    def step(image, hole):
        held[:] = [torch.ones(64, 2**20)]
        assert image.shape == (2, 3, 64, 64) and hole.shape == (2, 1, 64, 64)
        assert torch.get_num_threads() == 1 and 0 <= image.min() < image.max() <= 1
        torch.nn.functional.conv2d(image * (1 - hole), weight, padding=1).mean().backward()

    return step
"""

FAILING = """
def build():
    raise AssertionError("training needs none")

def build_step():
    steps = []

    def step(image, hole):
        steps.append(image)
        if len(steps) == 2:
            raise FloatingPointError("in step 2")

    return step
"""


@pytest.fixture
def perf(tmp_path: Path) -> Perf:
    """Call `bench perf` on something tiny; what it measured is in perf.json."""

    def call(*words: str | Path, code: int = 0) -> Result:
        tiny = ["--sizes", "64", "--batches", "2", "--scale", "nano", "--seconds", "0", "--device", "cpu"]
        where = ["--json", str(tmp_path / "perf.json")]
        result = CliRunner().invoke(main, ["perf", *tiny, *where, *map(str, words)])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return call


def rows(tmp_path: Path) -> dict[str, dict[str, Any]]:
    """By the contender's name."""
    return {row["name"]: row for row in json.loads((tmp_path / "perf.json").read_text())["rows"]}


def baseline(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "baseline.py"
    path.write_text(text)
    return path


@pytest.mark.long
def test_the_file_tells_what_was_measured_and_on_what(perf: Perf, tmp_path: Path):
    perf("pconv", "--parts", "forward", "--batches", "1,2", "--precision", "bf16-mixed", "--threads", "1")
    found = json.loads((tmp_path / "perf.json").read_text())
    assert {"date", "device", "versions", "platform", "load", "load_after", "git", "environment"} <= set(found)
    assert found["threads"] == 1 and found["versions"]["torch"] == torch.__version__.partition("+")[0]
    cases = [(row["part"], row["case"], row["name"]) for row in found["rows"]]
    names = ["pconv, bf16-mixed", "pconv"]
    assert cases == [("forward", f"pconv 64 b{batch}", name) for batch in (1, 2) for name in names]
    for row in found["rows"]:
        assert row["lower"] <= row["median"] <= row["upper"] and len(row["samples"]) >= 3
        assert row["floor"] == pytest.approx(row["median"] * row["rate"] / row["flops"])
        assert row["per_second"] == pytest.approx(row["items"] / row["median"])
    one, two = (row["flops"] for row in found["rows"] if row["name"] == "pconv")
    assert two == 2 * one, "twice the images are twice the work"
    assert set(found["kernels"]) == {"32-true", "bf16-mixed"}


def test_a_rival_with_our_weights_agrees(perf: Perf, tmp_path: Path):
    shown = perf("gated", "--parts", "forward", "--against", baseline(tmp_path, SAME)).output
    ours, theirs = rows(tmp_path)["gated"], rows(tmp_path)["same"]
    assert ours["difference"] == 0 and ours["agrees"]
    assert ours["ratio"] == pytest.approx(theirs["median"] / ours["median"])
    assert ours["flops"] == theirs["flops"]
    assert "same" in shown and "≠" not in shown


@pytest.mark.long
def test_a_rival_that_paints_something_else_is_told(perf: Perf, tmp_path: Path):
    shown = perf(
        "pconv,telea", "--parts", "forward", "--method", "telea", "--against", baseline(tmp_path, OTHER)
    ).output
    found = rows(tmp_path)
    assert found["telea"]["agrees"] is False and found["telea"]["difference"] > 0.1
    assert found["pconv"]["agrees"] is None, "the rival stands beside the other one"
    assert "≠" in shown and "no speed-up" in shown


@pytest.mark.long
def test_a_rival_is_measured_with_our_allocator_and_with_the_systems(perf: Perf, tmp_path: Path):
    """It paints white where it was started with memory kept, and black where not."""
    perf("pconv", "--parts", "forward", "--against", baseline(tmp_path, TELLING))
    found = rows(tmp_path)
    assert list(found) == ["pconv", "rival, memory kept", "rival"]
    assert found["rival, memory kept"]["difference"] == 1


def test_training_is_measured_with_its_memory_in_a_process_of_its_own(perf: Perf, tmp_path: Path):
    perf("glcic", "--parts", "training", "--threads", "1", "--against", baseline(tmp_path, TRAINED))
    ours, theirs = rows(tmp_path)["glcic"], rows(tmp_path)["rival"]
    assert ours["ratio"] and ours["flops"] > 0 and ours["agrees"] is None
    # a convolution and the gradient of its weight; the images need none
    assert theirs["flops"] == 2 * (2 * 2 * 64 * 64 * 64 * 3 * 3 * 3)
    if STATUS.is_file():
        assert 256 <= theirs["peak"] < 700, "the rival holds 256 MiB"
        assert 0 < ours["peak"] < 2000


def test_our_training_loop_stands_beside_a_bare_loop_of_the_same_step(perf: Perf, tmp_path: Path):
    perf("glcic,telea", "--parts", "overhead", "--threads", "1")
    ours, bare = rows(tmp_path)["glcic"], rows(tmp_path)["bare loop"]
    assert len(rows(tmp_path)) == 2, "telea does not learn"
    assert ours["flops"] == bare["flops"] > 0
    assert ours["ratio"] == pytest.approx(bare["median"] / ours["median"]) and bare["ratio"] is None


@pytest.mark.long
def test_a_step_that_fails_is_told(perf: Perf, tmp_path: Path):
    perf("pconv", "--parts", "training", "--against", baseline(tmp_path, FAILING))
    found = rows(tmp_path)
    assert found["rival"]["reason"] == "FloatingPointError: in step 2"
    assert found["pconv"]["median"] and found["pconv"]["ratio"] is None


@pytest.mark.long
def test_gaps_have_reasons_and_the_rest_goes_on(perf: Perf, tmp_path: Path):
    text = "def build():\n    raise OSError('no such network')\n"
    against, odd = ["--against", baseline(tmp_path, text)], ["--sizes", "72"]
    shown = perf("context_encoder,gated", *odd, "--parts", "forward", "--method", "gated", *against).output
    found = rows(tmp_path)
    assert "64 pixels only" in found["context_encoder"]["reason"]
    assert found["rival"]["reason"] == "OSError: no such network" and "no such network" in shown
    assert found["gated"]["median"] and found["gated"]["ratio"] is None
    perf("context_encoder", *odd, "--parts", "training", *against)
    found = rows(tmp_path)
    assert "64 pixels only" in found["context_encoder"]["reason"]
    assert "defines no build_step" in found["rival"]["reason"]


@pytest.mark.filterwarnings("ignore:.*disp:DeprecationWarning")  # of scipy, in pytorch-fid
def test_metrics_stand_beside_their_libraries_with_equal_values(
    perf: Perf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(metrics, "FEATURES", (60, 12))
    monkeypatch.setattr(metrics, "PAIRS", 2)
    perf("--parts", "metrics", "--sizes", "176")
    found = {(row["case"], row["name"]): row for row in json.loads((tmp_path / "perf.json").read_text())["rows"]}
    for case in ("psnr@full 176", "ssim@skimage 176", "Frechet distance 60 x 12"):
        assert found[case, "ours"]["agrees"], case
        assert found[case, "ours"]["ratio"], case
    assert found["psnr@full 176", "ours"]["items"] == 2
    assert "weights of alexnet are missing" in found["lpips@alex 176", "ours"]["reason"]


def test_masks_loading_and_start(perf: Perf, tmp_path: Path):
    perf("--parts", "masks,loading,startup")
    found = json.loads((tmp_path / "perf.json").read_text())["rows"]
    cases = {row["case"]: row for row in found}
    families = [f"{name} 64" for name in Plugins.find().records("masks")]
    assert {"free_form 64", "instances 64", "files 64", "set 64"} <= set(families), "three draw from files"
    assert not {cases[family]["reason"] for family in families} - {""}
    assert all(cases[family]["per_second"] > 0 for family in families)
    ours = [row for row in found if row["part"] == "loading" and row["name"] == "ours"]
    assert len(ours) == 3 and all(row["difference"] == 0 and row["agrees"] for row in ours)
    assert [row["name"] for row in found if row["part"] == "startup"] == ["ours", "python with click"]


def test_a_family_that_asks_for_something_unknown_is_told(tmp_path: Path):
    family = MaskFamily(name="tides", title="", draw="x:y", parameters={"moon": ..., "folder": ...}, source="")
    with pytest.raises(BadInput, match="It needs moon; "):
        inputs(family, tmp_path, 64)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nope"], "no method 'nope'"),
        (["pconv", "--parts", "forwards"], "Did you mean 'forward'?"),
        (["pconv", "--precision", "bf16"], "Did you mean 'bf16-mixed'?"),
        (["pconv", "--precision", "tf32", "--device", "cpu"], "tf32 is an arithmetic of NVIDIA GPUs"),
        (["pconv", "--sizes", "0"], "--sizes takes whole numbers"),
        (["pconv", "--batches", ","], "--batches takes whole numbers"),
        (["pconv", "--sizes", "large"], "no list of ints"),
        (["pconv", "--against", "nowhere.py"], "There is no Python file nowhere.py"),
        (["pconv", "--against", "broken.py"], "SyntaxError"),
        (["pconv", "--against", "empty.py"], "defines no function build"),
        (["pconv", "--method", "pconv"], "--against"),
        (["pconv,gated", "--against", "fine.py"], "--method NAME"),
        (["pconv", "--against", "fine.py", "--method", "gated"], "among those that are measured 'gated'"),
        (["pconv", "--json", "no/where.json"], "no folder no"),
    ],
)
def test_bad_input(words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {"broken.py": "def build(:", "empty.py": "", "fine.py": OTHER}.items():
        (tmp_path / name).write_text(text)
    result = CliRunner().invoke(main, ["perf", *words])
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.output.split())
    assert "Traceback" not in result.output
