"""Tests that the pages show the current help of every command."""

import re
import runpy
from importlib.metadata import version

import pytest
from support.command_tree import COMMANDS
from support.paths import ROOT

CLICK = tuple(map(int, version("click").split(".")[:2]))


@pytest.mark.skipif(CLICK < (8, 2), reason="older versions of click format help differently")
def test_pages_show_the_current_help():
    """If this fails, run `python docs/embed_help.py`."""
    embedding = runpy.run_path(str(ROOT / "docs" / "embed_help.py"))
    assert embedding["page"]() == (ROOT / "docs" / "commands.md").read_text()
    readme = (ROOT / "README.md").read_text()
    assert embedding["listed"](readme) == readme


def test_pages_list_every_command():
    page, readme = (ROOT / "docs" / "commands.md").read_text(), (ROOT / "README.md").read_text()
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == list(COMMANDS)
    listed = re.findall(r"^bench (\w+)  ", readme, re.MULTILINE)
    assert listed == [name.split()[1] for name in COMMANDS if name.count(" ") == 1]


def test_json_output_of_every_command_is_documented():
    page = (ROOT / "docs" / "json.md").read_text()
    for name, command in COMMANDS.items():
        flags = [param for param in command.params if param.name == "as_json"]
        assert not flags or f"`{name}`" in page, f"docs/json.md lacks the output of {name} --json"
