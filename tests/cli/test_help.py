"""Help: every command has valid examples, sections, and fits a screen."""

import re

import click
import pytest
from support.command_tree import COMMANDS, examples, help_of

from bench_core.cli import main

EXAMPLES = [(name, words) for name, command in COMMANDS.items() for words in examples(command)]
PARAMS = [(name, param) for name, command in COMMANDS.items() for param in command.params]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples(name: str):
    own = name.split()[1:]
    assert any(words[: len(own)] == own for words in examples(COMMANDS[name]))
    assert re.search(r"^  Examples:\n    bench", help_of(name), re.MULTILINE)


@pytest.mark.parametrize(("name", "words"), EXAMPLES, ids=[" ".join(words) for _, words in EXAMPLES])
def test_every_example_is_parsed(name: str, words: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(click.Command, "invoke", lambda self, context: None)  # parse only, run nothing
    main.main(words, standalone_mode=False)


def test_an_example_with_an_unknown_option_would_fail(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(click.Command, "invoke", lambda self, context: None)
    with pytest.raises(click.UsageError):
        main.main(["run", "--plugin", "ONE"], standalone_mode=False)
    with pytest.raises(click.ClickException, match="no command"):
        main.main(["masks", "mak"], standalone_mode=False)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_and_has_a_one_line_summary(name: str):
    assert max(map(len, help_of(name).splitlines())) <= 100
    assert not COMMANDS[name].get_short_help_str(60).endswith("...")


@pytest.mark.parametrize(("name", "param"), PARAMS, ids=[f"{name} {param.name}" for name, param in PARAMS])
def test_every_option_has_help_with_its_default(name: str, param: click.Parameter):
    if not isinstance(param, click.Option):
        return
    shown = " ".join(help_of(name).split())
    assert param.help and param.opts[-1] in shown
    if param.default not in (None, False, ()) and isinstance(param.default, str | int | float):
        default = param.opts[0].removeprefix("--") if param.default is True else param.default
        assert f"[default: {default}" in shown


def test_options_of_run_are_in_sections():
    headings = re.findall(r"^(\w.*):$", help_of("bench run"), re.MULTILINE)
    assert headings == ["Experiment", "Data", "Training", "Evaluation", "System", "Executors", "Options"]
    training = help_of("bench run").partition("\nTraining:\n")[2].partition("\n\n")[0]
    assert "--steps" in training and "--add-loss" in training and "--metrics" not in training


def test_commands_are_in_sections_with_the_usual_ones_first():
    shown = help_of("bench")
    headings = re.findall(r"^(\w.*):$", shown, re.MULTILINE)
    assert headings == ["Options", "Experiments", "Inspect", "Develop", "System"]
    experiments = shown.partition("Experiments:\n")[2].partition("\n\n")[0]
    names = re.findall(r"^  (\w+) ", experiments, re.MULTILINE)
    assert names[0] == "run" and {"score", "report", "compare"} <= set(names)
