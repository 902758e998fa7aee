"""No command stands in the documentation that the tests neither run nor know a reason not to run."""

import re
from pathlib import Path

import click
import pytest
from support.doc_pages import PAGES, READMES, ROOT, Block, blocks, prose

from bench_core.cli import main

ALL = [*READMES, *PAGES, *sorted(ROOT.glob("docs/*/*.md")), *ROOT.glob("reports/*/README.md"), ROOT / "CONTRIBUTING.md"]
RUN = {*READMES, *PAGES}
"""What test_docs.py and test_readmes.py run."""
LANGUAGES = {"sh", "text", "python"}
COMMAND = re.compile(r"^(?:\$ |srun )?(?:bench|make|pip|python) ", re.MULTILINE)
ASKED = re.compile(r"\bbench ([a-z]+)(?: ([a-z]+))?(.*)")


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
def test_no_code_hides_in_indentation(page: Path):
    assert not re.search(r"^(?![*\d ]).*\n\n {4}\S", prose(page), re.MULTILINE), "use a fenced block"


@pytest.mark.parametrize("page", ALL, ids=place)
def test_commands_that_are_not_run_exist_and_so_do_their_options(page: Path):
    for block in blocks(page):
        for line in joined(block) if block.reason else []:
            for name, word, rest in asked(line):
                known = options(name, word)
                assert set(re.findall(r"(?<=\s)--[a-z][\w-]*", rest)) <= known, line


def joined(block: Block) -> list[str]:
    return block.text.replace("\\\n", " ").splitlines()


def asked(line: str) -> list[tuple[str, str, str]]:
    """Name, what may be a subcommand, and the rest of all commands in a line."""
    parts = re.split(r"(?=\bbench [a-z])", line)
    found = (match.groups("") for part in parts if (match := ASKED.match(part)))
    return [(name, word, rest) for name, word, rest in found]


def options(name: str, word: str) -> set[str]:
    """The options of a command, or of its subcommand if `word` is one."""
    context = click.Context(main)
    command = main.get_command(context, name)
    assert command, f"there is no `bench {name}`"
    if isinstance(command, click.Group) and word:
        command = command.get_command(context, word)
        assert command, f"there is no `bench {name} {word}`"
    return {each for parameter in command.params for each in (*parameter.opts, *parameter.secondary_opts)}
