"""Output of `bench perf`, also with baselines from files. No test asks for a speed."""

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
from bench_perf.cases.masks import required_parameters
from bench_perf.peak_memory import STATUS

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
ALLOCATOR = """
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
    allocated = []

    def step(image, hole):
        allocated[:] = [torch.ones(64, 2**20)]
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
    """Run `bench perf` with tiny settings, which writes perf.json."""

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
    """Read the rows by the candidate's name."""
    return {row["name"]: row for row in json.loads((tmp_path / "perf.json").read_text())["rows"]}


def baseline(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "baseline.py"
    path.write_text(text)
    return path


@pytest.mark.long
def test_the_json_file_holds_measurements_and_metadata(perf: Perf, tmp_path: Path):
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


@pytest.mark.long
def test_a_baseline_with_our_weights_agrees(perf: Perf, tmp_path: Path):
    shown = perf("gated", "--parts", "forward", "--against", baseline(tmp_path, SAME)).output
    ours, theirs = rows(tmp_path)["gated"], rows(tmp_path)["same"]
    assert ours["difference"] == 0 and ours["agrees"]
    assert ours["ratio"] == pytest.approx(theirs["median"] / ours["median"])
    assert ours["flops"] == theirs["flops"]
    assert "same" in shown and "≠" not in shown


@pytest.mark.long
def test_a_baseline_with_another_output_is_marked(perf: Perf, tmp_path: Path):
    shown = perf(
        "pconv,telea", "--parts", "forward", "--method", "telea", "--against", baseline(tmp_path, OTHER)
    ).output
    found = rows(tmp_path)
    assert found["telea"]["agrees"] is False and found["telea"]["difference"] > 0.1
    assert found["pconv"]["agrees"] is None, "the baseline is compared with the other method"
    assert "≠" in shown and "no speed-up" in shown


@pytest.mark.long
def test_a_baseline_is_measured_with_tuned_and_with_default_malloc(perf: Perf, tmp_path: Path):
    """The baseline returns white with tuned malloc, and black without."""
    perf("pconv", "--parts", "forward", "--against", baseline(tmp_path, ALLOCATOR))
    found = rows(tmp_path)
    assert list(found) == ["pconv", "baseline, tuned malloc", "baseline"]
    assert found["baseline, tuned malloc"]["difference"] == 1


@pytest.mark.long
def test_training_time_and_memory_are_measured_in_separate_processes(perf: Perf, tmp_path: Path):
    perf("glcic", "--parts", "training", "--threads", "1", "--against", baseline(tmp_path, TRAINED))
    ours, theirs = rows(tmp_path)["glcic"], rows(tmp_path)["baseline"]
    assert ours["ratio"] and ours["flops"] > 0 and ours["agrees"] is None
    # a convolution and the gradient of its weight; the images need none
    assert theirs["flops"] == 2 * (2 * 2 * 64 * 64 * 64 * 3 * 3 * 3)
    if STATUS.is_file():
        assert 256 <= theirs["peak"] < 700, "the baseline allocates 256 MiB"
        assert 0 < ours["peak"] < 2000


@pytest.mark.long
def test_our_training_loop_is_compared_with_a_bare_loop(perf: Perf, tmp_path: Path):
    perf("glcic,telea", "--parts", "overhead", "--threads", "1")
    ours, bare = rows(tmp_path)["glcic"], rows(tmp_path)["bare loop"]
    assert len(rows(tmp_path)) == 2, "telea is training-free"
    assert ours["flops"] == bare["flops"] > 0
    assert ours["ratio"] == pytest.approx(bare["median"] / ours["median"]) and bare["ratio"] is None


@pytest.mark.long
def test_a_step_that_raises_gives_the_reason(perf: Perf, tmp_path: Path):
    perf("pconv", "--parts", "training", "--against", baseline(tmp_path, FAILING))
    found = rows(tmp_path)
    assert found["baseline"]["reason"] == "FloatingPointError: in step 2"
    assert found["pconv"]["median"] and found["pconv"]["ratio"] is None


@pytest.mark.long
def test_failures_have_reasons_and_the_rest_is_measured(perf: Perf, tmp_path: Path):
    text = "def build():\n    raise OSError('no such network')\n"
    against, odd = ["--against", baseline(tmp_path, text)], ["--sizes", "72"]
    shown = perf("context_encoder,gated", *odd, "--parts", "forward", "--method", "gated", *against).output
    found = rows(tmp_path)
    assert "64 pixels only" in found["context_encoder"]["reason"]
    assert found["baseline"]["reason"] == "OSError: no such network" and "no such network" in shown
    assert found["gated"]["median"] and found["gated"]["ratio"] is None
    perf("context_encoder", *odd, "--parts", "training", *against)
    found = rows(tmp_path)
    assert "64 pixels only" in found["context_encoder"]["reason"]
    assert "defines no build_step" in found["baseline"]["reason"]


@pytest.mark.filterwarnings("ignore:.*disp:DeprecationWarning")  # of scipy, in pytorch-fid
def test_metrics_equal_those_of_their_libraries(perf: Perf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(metrics, "FEATURES", (60, 12))
    monkeypatch.setattr(metrics, "PAIRS", 2)
    perf("--parts", "metrics", "--sizes", "176")
    found = {(row["case"], row["name"]): row for row in json.loads((tmp_path / "perf.json").read_text())["rows"]}
    for case in ("psnr@full 176", "ssim@skimage 176", "Frechet distance 60 x 12"):
        assert found[case, "ours"]["agrees"], case
        assert found[case, "ours"]["ratio"], case
    assert found["psnr@full 176", "ours"]["items"] == 2
    assert "weights of alexnet are missing" in found["lpips@alex 176", "ours"]["reason"]


def test_masks_loading_and_startup(perf: Perf, tmp_path: Path):
    perf("--parts", "masks,loading,startup")
    found = json.loads((tmp_path / "perf.json").read_text())["rows"]
    cases = {row["case"]: row for row in found}
    families = [f"{name} 64" for name in Plugins.find().records("masks")]
    assert {"free_form 64", "instances 64", "files 64", "set 64"} <= set(families), "three families draw from files"
    assert not {cases[family]["reason"] for family in families} - {""}
    assert all(cases[family]["per_second"] > 0 for family in families)
    ours = [row for row in found if row["part"] == "loading" and row["name"] == "ours"]
    assert len(ours) == 3 and all(row["difference"] == 0 and row["agrees"] for row in ours)
    assert [row["name"] for row in found if row["part"] == "startup"] == ["ours", "python with click"]


def test_an_unknown_required_parameter_of_a_family_is_rejected(tmp_path: Path):
    family = MaskFamily(name="tides", title="", draw="x:y", parameters={"moon": ..., "folder": ...}, source="")
    with pytest.raises(BadInput, match="It needs moon; "):
        required_parameters(family, tmp_path, 64)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "no method 'nope'"),
        (["pconv", "--parts", "forwards"], "Did you mean 'forward'?"),
        (["pconv", "--precision", "bf16"], "Did you mean 'bf16-mixed'?"),
        (["pconv", "--precision", "tf32", "--device", "cpu"], "tf32 needs an NVIDIA GPU"),
        (["pconv", "--sizes", "0"], "--sizes takes whole numbers"),
        (["pconv", "--batches", ","], "--batches takes whole numbers"),
        (["pconv", "--sizes", "large"], "no list of ints"),
        (["pconv", "--against", "nowhere.py"], "There is no Python file nowhere.py"),
        (["pconv", "--against", "broken.py"], "SyntaxError"),
        (["pconv", "--against", "empty.py"], "defines no function build"),
        (["pconv", "--method", "pconv"], "--against"),
        (["pconv,gated", "--against", "fine.py"], "--method NAME"),
        (["pconv", "--against", "fine.py", "--method", "gated"], "no measured method 'gated'"),
        (["pconv", "--json", "no/where.json"], "no folder no"),
    ],
)
def test_bad_input(arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {"broken.py": "def build(:", "empty.py": "", "fine.py": OTHER}.items():
        (tmp_path / name).write_text(text)
    result = CliRunner().invoke(main, ["perf", *arguments])
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
