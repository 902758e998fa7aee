"""Tests that the commands in the READMEs work, run in this process with smaller settings."""

import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest
from support.cli import call
from support.doc_pages import READMES, ROOT, shell_blocks

from bench_core.cli import main

SMALLER = shlex.split("--size 64 --steps 1 --batch 2 --test-images 1 --metrics l1 --no-baselines --device cpu")


LONG = {"aot_gan", "dmfn", "gmcnn", "pconv"}
"""Methods whose READMEs take the longest; `make test-all` types them."""


@pytest.mark.parametrize(
    "page",
    [pytest.param(p, id=p.parent.name, marks=pytest.mark.long if p.parent.name in LONG else ()) for p in READMES],
)
def test_every_command_of_a_readme_works(page: Path, tmp_path: Path):
    for line in "".join(shell_blocks(page)).splitlines():
        program, *words = shlex.split(line, comments=True)
        if program == "make":
            assert makes_the_environment(*words), line
        elif program == "pip":
            assert words == ["install", "-e", str(page.parent.relative_to(ROOT))], line  # as `make` does
        else:
            assert (program, words[0]) == ("bench", "run"), line
            call(*words, *SMALLER, "--out", str(tmp_path))


def makes_the_environment(*target: str) -> bool:
    """Check that `make` would create `.venv` and install the harness and every plugin in it."""
    command = ["make", "--dry-run", "--always-make", *target]
    commands = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (install,) = re.findall(r"^.venv/bin/pip install .*$", commands, re.MULTILINE)
    plugins = {f"plugins/{path.parent.name}" for path in ROOT.glob("plugins/*/pyproject.toml")}
    return (
        "-m venv .venv\n" in commands and "-c constraints.txt -e .[test]" in install and plugins <= set(install.split())
    )


def test_readme_lists_every_command():
    (listed,) = re.findall(r"```text\n(bench run .*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert set(re.findall(r"\bbench (\w+)", listed)) == set(main.list_commands(click.Context(main)))
