"""Tests that every command in the documentation is run by a test, or gives a reason why not."""

import re
from pathlib import Path

import click
import pytest
from support.doc_pages import PAGES, READMES, ROOT, Block, blocks, prose

from bench_core.cli import main

ALL = [*READMES, *PAGES, *sorted(ROOT.glob("docs/*/*.md")), *ROOT.glob("reports/*/README.md"), ROOT / "CONTRIBUTING.md"]
RUN = {*READMES, *PAGES}
"""Pages whose commands test_task_pages.py and test_readmes.py run."""
LANGUAGES = {"sh", "text", "python"}
COMMAND = re.compile(r"^(?:\$ |srun )?(?:bench|make|pip|python) ", re.MULTILINE)
CALL = re.compile(r"\bbench ([a-z]+)(?: ([a-z]+))?(.*)")


def place(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", ALL, ids=place)
def test_every_command_is_run_or_says_why_not(page: Path):
    for block in blocks(page):
        assert block.language in LANGUAGES, block
        if block.language == "sh":
            assert page in RUN and not block.reason, block
        elif COMMAND.search(block.text):
            assert block.reason, block


@pytest.mark.parametrize("page", ALL, ids=place)
def test_code_is_in_fenced_blocks(page: Path):
    assert not re.search(r"^(?![*\d ]).*\n\n {4}\S", prose(page), re.MULTILINE), "use a fenced block"


@pytest.mark.parametrize("page", ALL, ids=place)
def test_commands_that_no_test_runs_exist_with_their_options(page: Path):
    for block in blocks(page):
        for line in lines(block) if block.reason else []:
            for name, word, rest in calls(line):
                known = options(name, word)
                assert set(re.findall(r"(?<=\s)--[a-z][\w-]*", rest)) <= known, line


def lines(block: Block) -> list[str]:
    """Return the lines of a block, with continued ones joined."""
    return block.text.replace("\\\n", " ").splitlines()


def calls(line: str) -> list[tuple[str, str, str]]:
    """Return all `bench` calls in a line: command, possible subcommand, and rest."""
    parts = re.split(r"(?=\bbench [a-z])", line)
    found = (match.groups("") for part in parts if (match := CALL.match(part)))
    return [(name, word, rest) for name, word, rest in found]


def options(name: str, word: str) -> set[str]:
    """Return the options of a command, or of its subcommand if `word` is one."""
    context = click.Context(main)
    command = main.get_command(context, name)
    assert command, f"there is no `bench {name}`"
    if isinstance(command, click.Group) and word:
        command = command.get_command(context, word)
        assert command, f"there is no `bench {name} {word}`"
    return {each for parameter in command.params for each in (*parameter.opts, *parameter.secondary_opts)}
