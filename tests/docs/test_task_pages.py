"""Tests that the commands of the documentation work, and that its tables match stored results."""

import json
import os
import re
import runpy
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from support.doc_pages import PAGES, ROOT, shell_blocks

from bench_core.protocol import load


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Create a virtual environment on top of this one, so `pip install` in a page changes nothing here."""
    folder = tmp_path_factory.mktemp("docs") / "venv"
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    below = [path for path in sys.path if path.endswith("site-packages")]
    lines = [f"import site; site.addsitedir({path!r})" for path in below]
    (packages / "below.pth").write_text("\n".join(lines))
    for name, module in (("bench", "bench_core"), ("pip", "pip")):
        command = folder / "bin" / name
        command.write_text(f'#!/bin/sh\nexec "{folder}/bin/python" -m {module} "$@"\n')
        command.chmod(0o755)
    return os.environ | {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "REPOSITORY": str(ROOT),
        "TORCH_HOME": str(folder),
        "https_proxy": "http://127.0.0.1:9",  # blocks downloads of weights; pip has a setting of its own
        "PIP_PROXY": os.environ.get("https_proxy", ""),
        "PIP_NO_BUILD_ISOLATION": "off",  # which turns isolation off: hatchling is installed already
        "OMP_NUM_THREADS": "1",
        "VIRTUAL_ENV": str(folder),
    }


LONG = {
    "add-a-loss", "add-a-method", "add-a-metric", "add-masks", "check", "clusters", "figures", "first-table", "gallery",
    "json", "large-data", "mask-sets", "paper-tables", "performance", "result-page", "score", "statistics",
    "trackers", "your-own-data",
}  # fmt: skip
"""Pages whose commands take the longest; `make test-all` types them."""


def _marks(page: Path) -> list[pytest.MarkDecorator]:
    return [pytest.mark.xdist_group(page.name), *([pytest.mark.long] if page.stem in LONG else [])]


@pytest.mark.parametrize("page", [pytest.param(page, marks=_marks(page), id=page.name) for page in PAGES])
def test_every_command_of_a_page_works_as_typed(page: Path, environment: dict[str, str], tmp_path: Path):
    for block in shell_blocks(page):
        command = ["bash", "-euo", "pipefail", "-c", block]
        result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == 0, f"{block}\n{result.stdout}\n{result.stderr}"
    if page.name == "add-a-method.md":
        table = next((tmp_path / "results" / "runs").glob("*/table.md")).read_text()
        assert "| mine |" in table and "| pconv |" in table
        assert (
            "mine"
            not in subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True).stdout
        )


def test_readme_starts_with_the_two_commands_of_the_makefile():
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    first_screen = "\n".join(readme.splitlines()[:45])
    for target in ("run", "test"):
        assert f"make {target}" in first_screen
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert "`bench run`" in first_screen
    assert re.search(r"^run:.*\n\t\$\(BIN\)/bench run$", makefile, re.MULTILINE)
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_embedded_tables_are_the_stored_ones_and_use_the_current_protocol():
    """If this fails, run `make quick-report`."""
    readme = (ROOT / "README.md").read_text()
    embedding = runpy.run_path(str(ROOT / "docs" / "embed_tables.py"))
    for page in embedding["PAGES"]:
        assert embedding["embedded"](page.read_text()) == page.read_text(), page
    assert readme.count("| dmfn |") == 1
    run = json.loads((ROOT / "reports" / "quick" / "run.json").read_text())
    assert run["protocol"] == load("quick").model_dump(mode="json")
    assert {entry["state"] for entry in run["entries"]} == {"done"}


def test_no_link_between_pages_is_broken():
    for page in [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("plugins/*/README.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} -> {target}"


def test_metrics_page_matches_the_definitions_and_a_new_evaluation():
    """If this fails, run `python docs/metrics_page.py`."""
    made = runpy.run_path(str(ROOT / "docs" / "metrics_page.py"))
    page = (ROOT / "docs" / "metrics.md").read_text()
    (table,) = re.findall(r"^\| definition \|.*?\n(?=\n)", page, re.MULTILINE | re.DOTALL)
    assert made["page"](table) == page
    again = made["numbers"](made["measured"]()).splitlines()
    for line, other in zip(table.splitlines()[2:], again[2:], strict=True):
        (name, *shown), (same, *found) = (each.strip("| ").split(" | ") for each in (line, other))
        assert name == same
        # other versions of the libraries inpaint slightly differently
        assert [float(x) for x in shown if x != "perfect"] == pytest.approx(
            [float(x) for x in found if x != "perfect"], rel=0.02, abs=0.002
        ), name
