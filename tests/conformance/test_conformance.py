"""Every way to break a rule is caught by the rule meant for it, and what is installed keeps them all."""

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
    """Pretend that the cheats are installed as a plugin."""
    real, mine = bench_core.plugins.entry_points, EntryPoint("cheats", "bench_cheats", "bench")
    monkeypatch.setattr(bench_core.plugins, "entry_points", lambda group: [*real(group=group), mine])


def told(card: ConformanceReport, rule: str) -> tuple[str, str]:
    (found,) = [finding for finding in card.findings if finding.rule == rule]
    return found.state, found.told


def command(*words: str, code: int) -> Result:
    result = CliRunner().invoke(main, ["check", *words])
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize("name", PLUGINS.records("models"))
def test_whatever_is_installed_keeps_every_rule(name: str):
    card = check(name)
    assert card.passed, str(card)


def test_every_rule_has_a_cheat_that_breaks_it():
    assert set(BROKEN.values()) == set(RULES)


@pytest.mark.parametrize("name", BROKEN)
def test_a_cheat_is_caught_by_the_rule_meant_for_it_and_by_no_other(planted: None, name: str):
    card = check(f"cheats:{name}")
    assert card.broken == (BROKEN[name],), str(card)


def test_black_holes_and_indifference_are_told_apart(planted: None):
    assert "as black as it was given" in told(check("cheats:inverted"), "polarity")[1]
    assert "ignores the known pixels" in told(check("cheats:blind"), "polarity")[1]


def test_an_honest_method_is_no_cheat(planted: None):
    card = check("cheats")
    assert card.passed, str(card)
    assert [finding.rule for finding in card.findings] == list(RULES)
    assert told(card, "parameters") == ("pass", "as declared, 303 at scale nano")


def test_a_method_that_draws_at_random_and_says_so_is_told_with_mean_and_spread(planted: None):
    card = check("cheats:declared")
    assert card.passed, str(card)
    state, words = told(card, "determinism")
    spread = re.fullmatch(r"draws at random: over 8 samples .* is ([\d.]+) .* of ([\d.]+), .* is ([\d.]+); .*", words)
    assert state == "told" and spread, words
    # a uniform variable of width 1/8 has a standard deviation of 1 / (8 * 12 ** 0.5); the sigmoid is seldom clamped
    assert float(spread[3]) == pytest.approx(1 / (8 * 12**0.5), rel=0.1)
    assert float(spread[2]) < float(spread[3]) / 10  # of a mean over thousands of pixels
    assert words.endswith("torch's seed repeats a sample")
    assert told(card, "batch")[0] == told(card, "devices")[0] == "skip"


def test_a_table_tells_which_methods_draw_at_random(planted: None, bench: Callable[..., Result]):
    output = " ".join(bench("--plugins", "cheats,cheats:declared", "--no-baselines").output.split())
    assert "cheats:declared draws at random; one sample of each is judged" in output
    assert "cheats draws at random" not in output


def test_randomness_that_no_seed_repeats_cannot_be_told_from_a_leak(planted: None):
    card = check("cheats:unseeded")
    assert card.broken == ("hidden_pixels",), str(card)
    assert "no seed of torch's repeats a sample" in told(card, "determinism")[1]


def test_what_declares_randomness_and_has_none_is_told(planted: None):
    assert told(check("cheats:pretender"), "determinism")[0] == "told"


def test_help_from_a_guide_is_told(planted: None):
    card = check("cheats:sketched")
    state, words = told(card, "hidden_pixels")
    assert card.passed and state == "told" and "helped by lines where it becomes bright" in words


def test_refused_holes_are_told(planted: None):
    card = check("cheats:picky")
    assert card.passed, str(card)
    state, words = told(card, "masks")
    assert state == "told" and "fills holes above the middle only" in words
    assert {"center", "all but one pixel"} <= set(words.split(". ")[0].removeprefix("refused: ").split(", "))
    assert not check("cheats:useless").passed


def test_a_rule_that_cannot_be_tried_is_broken_and_the_others_go_on(planted: None):
    card = check("cheats:raises")
    assert card.broken == ("range", "finite")
    assert told(card, "finite") == ("fail", "RuntimeError: I do not paint black")


def test_given_weights_are_those_that_paint(planted: None, tmp_path: Path):
    method: Method = resolve("bench_cheats.methods:Honest")("nano", 3)
    for parameter in method.parameters():
        torch.nn.init.zeros_(parameter)
    save_weights(tmp_path / "w.safetensors", method, {"method": "cheats", "scale": "nano", "channels": 3})
    card = check("cheats", tmp_path / "w.safetensors")
    assert card.broken == ("polarity",)  # no weights, no answer to what is seen


def test_trained_weights_bring_their_scale(tmp_path: Path):
    method: Method = resolve(PLUGINS.records("models")["pconv:seven"].build)("nano", 3)
    facts = {"method": "pconv:seven", "scale": "nano", "channels": 3, "options": {"bias": "last"}}
    save_weights(tmp_path / "w.safetensors", method, facts)
    card = check("pconv:seven", tmp_path / "w.safetensors")
    assert card.passed and (card.scale, card.weights) == ("nano", "weights of w.safetensors")
    with pytest.raises(BadInput, match="The weights are of scale 'nano', not 'paper'"):
        check("pconv:seven", tmp_path / "w.safetensors", "paper")
    with pytest.raises(BadInput, match="weights of 'pconv:seven', not of 'telea'"):
        check("telea", tmp_path / "w.safetensors")


def test_the_command_prints_a_card_and_its_exit_code_tells(planted: None):
    assert "Every rule is kept." in command("telea", code=0).stdout
    shown = command("cheats:wide", code=1).stdout
    assert "Broken: range." in shown
    told = command("cheats:wide", "--json", code=1).output
    card = json.loads(told[told.index("{") :])  # progress may stand before it
    assert card["passed"] is False and card["method"] == "cheats:wide"
    states = {finding["rule"]: finding["state"] for finding in card["findings"]}
    assert list(states) == list(RULES) and states["range"] == "fail" and states["finite"] == "pass"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["teela"], "There is no method 'teela'. Did you mean 'telea'"),
        (["telea", "--weights", "none.safetensors"], "none.safetensors is no file of weights"),
        (["telea", "--device", "mps"], "The device 'mps' cannot be used here"),
    ],
)
def test_bad_input_is_told_and_is_no_broken_rule(words: list[str], said: str):
    assert said in command(*words, code=2).output


def test_a_broken_plugin_is_told_as_such(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "bench_torn.py").write_text("import no_such_library")
    monkeypatch.syspath_prepend(tmp_path)
    real, torn = bench_core.plugins.entry_points, EntryPoint("torn", "bench_torn", "bench")
    monkeypatch.setattr(bench_core.plugins, "entry_points", lambda group: [*real(group=group), torn])
    assert "No module named 'no_such_library'" in command("torn", code=2).output


def test_post_processing_that_closes_the_hole_gains_nothing(
    planted: None, bench: Callable[..., Result], tmp_path: Path
):
    bench("--plugins", "cheats,cheats:erases", "--no-baselines")
    store, runs = read_runs(tmp_path / "out")
    found = store.rows(runs[-1]).set_index("variant")["value"]
    assert found["cheats"].tolist() == found["cheats:erases"].tolist()  # they paint the same


def test_a_guide_that_spoils_what_it_sees_spoils_a_copy():
    class Eraser:
        name = "eraser"

        def __call__(self, image: torch.Tensor) -> torch.Tensor:
            return image.zero_()

    image = torch.ones(1, 3, 4, 4)
    guided(Eraser(), image)
    assert image.eq(1).all()


def test_the_page_on_checking_explains_every_rule():
    page = ROOT / "docs" / "check.md"
    assert re.findall(r"^\| `(\w+)` \|", page.read_text(), re.MULTILINE) == list(RULES)
