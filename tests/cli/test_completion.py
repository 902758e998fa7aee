"""Names: a wrong one gets a suggestion, and an incomplete one is completed, without torch."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete, get_completion_class
from click.testing import CliRunner
from support import stored_cells
from support.command_tree import COMMANDS
from support.paths import ROOT

from bench_core.cli import main
from bench_core.cli.param_types import OneOf
from bench_core.store.store import Store


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with one evaluated method."""
    store = Store(tmp_path_factory.mktemp("results"))
    store.write_run(stored_cells.run_of(stored_cells.done(store, "telea", l1=[0.1, 0.2], psnr=[20.0, 30.0])))
    return str(store.root)


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        ("rnu", "run"),
        ("masks mak", "make"),
        ("tables shwo", "show"),
        ("show teela", "telea"),
        ("inpaint --plugin teela IMAGE IMAGE -o new.png", "telea"),
        ("run --plugins pcnov", "pconv"),
        ("run --plugins gated:gided", "guided"),
        ("run --plugins gated+tvv=1", "tv"),
        ("run --plugins gated-adversaral", "adversarial"),
        ("run --plugins gated --add-loss stile=1", "style"),
        ("run --plugins gated --drop-loss adversaral", "adversarial"),
        ("run --plugins gated --option gated.fues=true", "gated.fuse"),
        ("run --plugins gated --weights gatde=w", "gated"),
        ("run --plugins gated --image-set phots", "photos"),
        ("run --plugins gated --protocol quikc", "quick"),
        ("run --plugins gated --test-masks centr", "center"),
        ("run --plugins gated --metrics pnsr", "psnr"),
        ("run --plugins gated --metrics ssim@skimge", "ssim@skimage"),
        ("run --plugins gated --executor locl", "local"),
        ("run --device cdua", "cuda"),
        ("protocols quik", "quick"),
        ("masks make fre_form --count 1 --size 8 -o new", "free_form"),
        ("weights import gatde file", "gated"),
        ("weights import gated file --layout oficial", "official"),
        ("tables show dmfn_1", "dmfn-1"),
        ("tables --data celbea=FOLDER", "celeba"),
        ("report RESULTS --format markdwon", "markdown"),
        ("report RESULTS --by hole_ration", "hole_ratio"),
        ("compare tela telea RESULTS", "telea"),
        ("perf --parts forwrad", "forward"),
        ("perf telea --precision bf61-mixed", "bf16-mixed"),
    ],
)
def test_a_wrong_name_gets_the_nearest_as_suggestion(
    words: str, nearest: str, results: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    picture = ROOT / "reports" / "quick" / "grid.png"
    given = [{"RESULTS": results, "IMAGE": str(picture)}.get(word, word) for word in words.split()]
    result = CliRunner().invoke(main, given)
    assert result.exit_code == 2, result.output
    assert f"Did you mean {nearest!r}?" in result.output
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_weight_that_is_not_finite_is_refused():
    for weight in ("nan", "inf", "much"):
        assert "tv=0.1" in CliRunner().invoke(main, ["run", "--add-loss", f"tv={weight}"]).output


def test_a_wrong_option_gets_the_nearest_as_suggestion():
    assert "--plugins" in CliRunner().invoke(main, ["run", "--plugin", "ONE"]).output


CHOICES = [(name, each) for name, command in COMMANDS.items() for each in command.params]
CHOICES = [(name, each) for name, each in CHOICES if isinstance(each.type, click.Choice)]


@pytest.mark.parametrize(("name", "param"), CHOICES, ids=[f"{name} {param.name}" for name, param in CHOICES])
def test_every_choice_suggests(name: str, param: click.Parameter):
    assert isinstance(param.type, OneOf), f"{name}: {param.opts} must be a bench_core.cli.param_types.OneOf"


def completed(*words: str) -> list[str]:
    """Return the completions of the last word."""
    shell = ShellComplete(main, {}, "bench", "_BENCH_COMPLETE")
    return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ru", ["run"]),
        ("masks m", ["make"]),
        ("run --test-m", ["--test-masks"]),
        ("run --plugins gate", ["gated", "gated:guided"]),
        ("run --plugins gated:g", ["gated:guided"]),
        ("run --plugins telea,pconv,gated:g", ["telea,pconv,gated:guided"]),
        ("run --plugins gated:guided,gat", ["gated:guided,gated"]),
        ("run --protocol qu", ["quick"]),
        ("run --image-set celeba_", ["celeba_hq"]),
        ("run --test-masks ce", ["center"]),
        ("run --protocol irregular-512 --test-masks irregular,", []),
        ("run --metrics psnr,ssim@sk", ["psnr,ssim@skimage"]),
        ("run --add-loss t", ["tv="]),
        ("run --drop-loss styl", ["style"]),
        ("run --option gated.f", ["gated.fuse="]),
        ("run --weights gated:", ["gated:guided="]),
        ("run --device cu", ["cuda"]),
        ("run --executor lo", ["local"]),
        ("report results --format la", ["latex"]),
        ("tables show dmfn-1", ["dmfn-1"]),
        ("masks make free_", ["free_form"]),
        ("show tel", ["telea"]),
        ("check gated:g", ["gated:guided"]),
    ],
)
def test_an_incomplete_name_is_completed(words: str, found: list[str]):
    assert completed(*words.split(" ")) == found


def test_a_list_does_not_offer_a_name_twice():
    assert "gated" in completed("run", "--plugins", "")
    offered = completed("run", "--plugins", "pconv,gated,")
    assert all(each.startswith("pconv,gated,") for each in offered)
    assert "pconv,gated,pconv" not in offered and "pconv,gated,gated:guided" in offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_every_shell_calls_this_command(shell: str):
    script = CliRunner().invoke(main, env={"_BENCH_COMPLETE": f"{shell}_source"}, prog_name="bench").output
    assert f"_BENCH_COMPLETE={shell}_complete" in script


@pytest.mark.parametrize(
    ("typed", "added"),
    [
        (["--plugins", "pconv,gat"], ["pconv,gated", "pconv,gated:guided"]),
        (["--plugins", "gated", ":", "g"], ["guided"]),
        (["--plugins", "pconv,gated", ":"], ["guided"]),
        (["--plugins", "gated", ":", "guided", "--protocol", "qu"], ["quick"]),
        (["--protocol", "=", "qu"], ["quick"]),
        (["--add-loss", "t"], ["tv="]),
    ],
)
def test_bash_gets_the_part_after_its_separator(monkeypatch: pytest.MonkeyPatch, typed: list[str], added: list[str]):
    """Bash splits words at : and =, and replaces only the part after them."""
    words = ["bench", "run", *typed]
    monkeypatch.setenv("COMP_WORDS", "\n".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    kind = get_completion_class("bash")
    assert kind
    completions = kind(main, {}, "bench", "_BENCH_COMPLETE").complete()
    assert completions.splitlines() == [f"plain,{each}" for each in added]


def test_completion_and_help_do_not_import_torch():
    code = """
import sys
from click.shell_completion import ShellComplete
from bench_core.cli import main
shell = ShellComplete(main, {}, "bench", "_BENCH_COMPLETE")
for option in ("--plugins", "--protocol", "--test-masks", "--metrics", "--add-loss", "--option"):
    assert shell.get_completions(["run", option], ""), option
assert shell.get_completions(["report", "results", "--format"], "")
main(["run", "--help"], standalone_mode=False)
slow = {"torch", "torchvision", "pandas", "matplotlib"} & set(sys.modules)
assert not slow, slow
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
