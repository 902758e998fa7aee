"""What the READMEs tell a reader to type works: in this process, and with less to compute."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from support.cli import call
from support.doc_pages import READMES, ROOT, shell_blocks

from bench_core.cli import main

INSTALLED = (ROOT / "requirements.txt").read_text().splitlines()
SMALLER = shlex.split("--size 64 --steps 1 --batch 2 --test-images 1 --metrics l1 --no-baselines --device cpu")


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.parent.name)
def test_every_command_of_a_readme_works(page: Path, tmp_path: Path):
    for line in "".join(shell_blocks(page)).splitlines():
        program, *words = shlex.split(line, comments=True)
        if program == "make":
            command = ["make", "--dry-run", "--always-make", *words]
            would = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
            assert "-m venv .venv\n" in would and "-r requirements.txt\n" in would, line
        elif program == "pip":  # which `make` does for real: that file, and so whatever stands in it
            assert words[0] == "install" and " ".join(words[1:]) in ["-r requirements.txt", *INSTALLED], line
        else:
            assert (program, words[0]) == ("bench", "run"), line
            call(*words, *SMALLER, "--out", str(tmp_path))


def test_the_readme_lists_every_command():
    (listed,) = re.findall(r"```text\n(bench run .*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert set(re.findall(r"\bbench (\w+)", listed)) == set(main.commands)
