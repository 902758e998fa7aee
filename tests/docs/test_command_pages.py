"""The pages show the commands' help as it is."""

import re
import runpy
from importlib.metadata import version

import pytest
from support.command_tree import COMMANDS
from support.paths import ROOT

CLICK = tuple(map(int, version("click").split(".")[:2]))


@pytest.mark.skipif(CLICK < (8, 2), reason="older versions of click lay out help a little differently")
def test_help_in_the_pages_is_that_of_the_commands():
    """`python docs/embed_help.py` mends it."""
    embedding = runpy.run_path(str(ROOT / "docs" / "embed_help.py"))
    assert embedding["page"]() == (ROOT / "docs" / "commands.md").read_text()
    readme = (ROOT / "README.md").read_text()
    assert embedding["listed"](readme) == readme


def test_every_command_stands_in_the_pages():
    page, readme = (ROOT / "docs" / "commands.md").read_text(), (ROOT / "README.md").read_text()
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == list(COMMANDS)
    listed = re.findall(r"^bench (\w+)  ", readme, re.MULTILINE)
    assert listed == [name.split()[1] for name in COMMANDS if name.count(" ") == 1]


def test_every_command_that_answers_programs_is_documented():
    told = (ROOT / "docs" / "json.md").read_text()
    for name, command in COMMANDS.items():
        flags = [param for param in command.params if param.name == "as_json"]
        assert not flags or f"`{name}`" in told, f"docs/json.md does not tell what {name} --json answers"
