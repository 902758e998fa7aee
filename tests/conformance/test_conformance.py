"""Each rule fails the cheat that breaks it, and all installed methods pass."""

import json
import re
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from support.paths import ROOT

import bench_core.plugins
from bench_core.cli import main
from bench_core.conformance import RULES, ConformanceReport, check
from bench_core.errors import BadInput
from bench_core.methods import Method, guided
from bench_core.plugins import Plugins
from bench_core.specs import resolve
from bench_core.store.store import read_runs
from bench_core.weights.weight_file import save_weights

PLUGINS = Plugins.find()
PLUGINS.load_all()
BROKEN = {
    "peeks": "hidden_pixels",
    "shown": "hidden_pixels",
    "layers": "hidden_pixels",
    "inverted": "polarity",
    "blind": "polarity",
    "spoils": "known_pixels",
    "closes": "known_pixels",
    "erases": "known_pixels",
    "wide": "range",
    "double": "range",
    "divides": "finite",
    "random": "determinism",
    "batch_statistics": "batch",
    "quiet": "batch",
    "counts": "batch",
    "multiple": "sizes",
    "square": "sizes",
    "even_widths": "sizes",
    "unstable": "devices",
    "miscounted": "parameters",
    "divides_by_hole": "masks",
}


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the cheats as a plugin."""
    real, mine = bench_core.plugins.entry_points, EntryPoint("cheats", "bench_cheats", "bench")
    monkeypatch.setattr(bench_core.plugins, "entry_points", lambda group: [*real(group=group), mine])


def verdict(report: ConformanceReport, rule: str) -> tuple[str, str]:
    (found,) = [finding for finding in report.findings if finding.rule == rule]
    return found.state, found.note


def command(*words: str, code: int) -> Result:
    result = CliRunner().invoke(main, ["check", *words])
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize("name", PLUGINS.records("models"))
def test_installed_methods_pass(name: str):
    report = check(name)
    assert report.passed, str(report)


def test_every_rule_has_a_cheat_that_breaks_it():
    assert set(BROKEN.values()) == set(RULES)


@pytest.mark.parametrize("name", BROKEN)
def test_each_cheat_fails_its_own_rule_only(planted: None, name: str):
    report = check(f"cheats:{name}")
    assert report.broken == (BROKEN[name],), str(report)


def test_polarity_distinguishes_black_holes_from_constant_predictions(planted: None):
    assert "is the zero fill value" in verdict(check("cheats:inverted"), "polarity")[1]
    assert "ignores the known pixels" in verdict(check("cheats:blind"), "polarity")[1]


def test_an_honest_method_passes(planted: None):
    report = check("cheats")
    assert report.passed, str(report)
    assert [finding.rule for finding in report.findings] == list(RULES)
    assert verdict(report, "parameters") == ("pass", "as declared, 303 at scale nano")


def test_a_stochastic_method_gets_a_note_with_mean_and_spread(planted: None):
    report = check("cheats:declared")
    assert report.passed, str(report)
    state, words = verdict(report, "determinism")
    spread = re.fullmatch(r"draws at random: over 8 samples .* is ([\d.]+) .* of ([\d.]+), .* is ([\d.]+); .*", words)
    assert state == "note" and spread, words
    # a uniform variable of width 1/8 has a standard deviation of 1 / (8 * 12 ** 0.5); the sigmoid is seldom clamped
    assert float(spread[3]) == pytest.approx(1 / (8 * 12**0.5), rel=0.1)
    assert float(spread[2]) < float(spread[3]) / 10  # of a mean over thousands of pixels
    assert words.endswith("torch's seed repeats a sample")
    assert verdict(report, "batch")[0] == verdict(report, "devices")[0] == "skip"


def test_a_table_marks_stochastic_methods(planted: None, bench: Callable[..., Result]):
    output = " ".join(bench("--plugins", "cheats,cheats:declared", "--no-baselines").output.split())
    assert "cheats:declared draws at random; one sample of each image is evaluated" in output
    assert "cheats draws at random" not in output


def test_unseeded_randomness_looks_like_a_leak(planted: None):
    report = check("cheats:unseeded")
    assert report.broken == ("hidden_pixels",), str(report)
    assert "torch's seed does not repeat a sample" in verdict(report, "determinism")[1]


def test_a_deterministic_method_that_declares_to_be_stochastic_gets_a_note(planted: None):
    assert verdict(check("cheats:pretender"), "determinism")[0] == "note"


def test_declared_dependence_on_the_batch_is_noted(planted: None):
    report = check("cheats:mixing")
    assert report.passed, str(report)
    state, words = verdict(report, "batch")
    assert state == "note" and re.search(r"predictions change by [\d.]+; images are predicted one by one", words), words
    state, words = verdict(check("cheats:separate"), "batch")
    assert state == "note" and "but a batch of two equals two batches of one" in words


def test_a_table_marks_methods_that_depend_on_the_batch(planted: None, bench: Callable[..., Result]):
    def words(*options: str) -> str:
        return " ".join(bench("--plugins", "cheats,cheats:mixing", "--no-baselines", *options).output.split())

    output = words()
    assert "cheats:mixing predicts an image differently beside others; it predicted 1 image at a time" in output
    assert "cheats predicts" not in output
    assert "predict batch" not in output
    assert (
        "cheats:mixing (predict batch 2) predicts an image differently beside others; it predicted 2 images"
        in words("--predict-batch", "2")
    )


def test_a_guide_is_noted(planted: None):
    report = check("cheats:sketched")
    state, words = verdict(report, "hidden_pixels")
    assert report.passed and state == "note" and "helped by lines where it becomes bright" in words


def test_unsupported_holes_are_noted(planted: None):
    report = check("cheats:picky")
    assert report.passed, str(report)
    state, words = verdict(report, "masks")
    assert state == "note" and "fills holes above the middle only" in words
    assert {"center", "all but one pixel"} <= set(words.split(". ")[0].removeprefix("not supported: ").split(", "))
    assert not check("cheats:useless").passed


def test_an_error_fails_its_rule_and_the_others_run(planted: None):
    report = check("cheats:raises")
    assert report.broken == ("range", "finite")
    assert verdict(report, "finite") == ("fail", "RuntimeError: I do not paint black")


def test_given_weights_are_used(planted: None, tmp_path: Path):
    method: Method = resolve("bench_cheats.methods:Honest")("nano", 3)
    for parameter in method.parameters():
        torch.nn.init.zeros_(parameter)
    save_weights(tmp_path / "w.safetensors", method, {"method": "cheats", "scale": "nano", "channels": 3})
    report = check("cheats", tmp_path / "w.safetensors")
    assert report.broken == ("polarity",)  # zero weights give a constant prediction


def test_trained_weights_bring_their_scale(tmp_path: Path):
    method: Method = resolve(PLUGINS.records("models")["pconv:seven"].build)("nano", 3)
    facts = {"method": "pconv:seven", "scale": "nano", "channels": 3, "options": {"bias": "last"}}
    save_weights(tmp_path / "w.safetensors", method, facts)
    report = check("pconv:seven", tmp_path / "w.safetensors")
    assert report.passed and (report.scale, report.weights) == ("nano", "weights of w.safetensors")
    with pytest.raises(BadInput, match="The weights are of scale 'nano', not 'paper'"):
        check("pconv:seven", tmp_path / "w.safetensors", "paper")
    with pytest.raises(BadInput, match="weights of 'pconv:seven', not of 'telea'"):
        check("telea", tmp_path / "w.safetensors")


def test_the_command_prints_a_report_and_its_exit_code_shows_failures(planted: None):
    assert "All checks passed." in command("telea", code=0).stdout
    shown = command("cheats:wide", code=1).stdout
    assert "Failed: range." in shown
    output = command("cheats:wide", "--json", code=1).output
    report = json.loads(output[output.index("{") :])  # progress may precede it
    assert report["passed"] is False and report["method"] == "cheats:wide"
    states = {finding["rule"]: finding["state"] for finding in report["findings"]}
    assert list(states) == list(RULES) and states["range"] == "fail" and states["finite"] == "pass"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["teela"], "There is no method 'teela'. Did you mean 'telea'"),
        (["telea", "--weights", "none.safetensors"], "none.safetensors cannot be read"),
        (["telea", "--device", "mps"], "The device 'mps' cannot be used here"),
    ],
)
def test_bad_input_is_not_a_failed_check(words: list[str], said: str):
    assert said in command(*words, code=2).output


def test_a_broken_plugin_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "bench_torn.py").write_text("import no_such_library")
    monkeypatch.syspath_prepend(tmp_path)
    real, torn = bench_core.plugins.entry_points, EntryPoint("torn", "bench_torn", "bench")
    monkeypatch.setattr(bench_core.plugins, "entry_points", lambda group: [*real(group=group), torn])
    assert "No module named 'no_such_library'" in command("torn", code=2).output


def test_post_processing_that_closes_the_hole_has_no_advantage(
    planted: None, bench: Callable[..., Result], tmp_path: Path
):
    bench("--plugins", "cheats,cheats:erases", "--no-baselines")
    store, runs = read_runs(tmp_path / "out")
    found = store.rows(runs[-1]).set_index("variant")["value"]
    assert found["cheats"].tolist() == found["cheats:erases"].tolist()  # equal predictions


def test_a_guide_gets_a_copy_of_the_image():
    class Eraser:
        name = "eraser"

        def __call__(self, image: torch.Tensor) -> torch.Tensor:
            return image.zero_()

    image = torch.ones(1, 3, 4, 4)
    guided(Eraser(), image, torch.device("cpu"))
    assert image.eq(1).all()


def test_docs_explain_every_rule():
    page = ROOT / "docs" / "check.md"
    assert re.findall(r"^\| `(\w+)` \|", page.read_text(), re.MULTILINE) == list(RULES)
