"""`bench new` writes a plugin that installs, passes the checks and trains without any edit."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.paths import ROOT

from bench_core.cli import main
from bench_core.conformance import check
from bench_core.plugins import Plugins
from bench_core.store.store import read_runs

NAMES = ["demo", "abc", "zebra_of_an_unusually_long_name_2"]
"""Imports are sorted, so names before and after `bench_core` give different files."""


def new(*words: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["new", *map(str, words)])
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The plugin `demo`, with the metadata of an installation."""
    folder = tmp_path / "demo"
    new("demo", "--folder", tmp_path)
    installed = folder / "bench_demo-0.1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-demo\nVersion: 0.1.0\n")
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    ((name, module),) = project["entry-points"]["bench"].items()
    (installed / "entry_points.txt").write_text(f"[bench]\n{name} = {module}\n")
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name in [name for name in sys.modules if name.startswith("bench_demo")]:
        del sys.modules[name]


def test_it_has_the_layout_of_the_plugins_in_this_repository(tmp_path: Path):
    said = new("demo", "--folder", tmp_path)
    assert f"pip install -e {tmp_path / 'demo'}" in said and "bench check demo" in said
    package = {f"bench_demo/{name}.py" for name in ("__init__", "model", "losses", "recipe")}
    assert files(tmp_path / "demo") == {"pyproject.toml", "README.md", "tests/test_demo.py", *package}
    assert files(tmp_path) == {f"demo/{name}" for name in files(tmp_path / "demo")}  # and no temporary files
    project = tomllib.loads((tmp_path / "demo" / "pyproject.toml").read_text())["project"]
    assert (project["name"], project["dependencies"]) == ("bench-demo", ["inpaint-bench"])
    assert "## Differences from the paper" in (tmp_path / "demo" / "README.md").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_its_code_is_clean_with_any_name(name: str, tmp_path: Path):
    new(name, "--folder", tmp_path)
    for command in (["check"], ["format", "--check"]):
        config = ["--no-cache", "--config", str(ROOT / "pyproject.toml")]
        ruff = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *config, str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ruff.returncode == 0, ruff.stdout


def test_it_passes_the_checks_at_both_scales_and_imports_no_torch(demo: Path):
    for scale in ("nano", "paper"):
        report = check("demo", scale=scale)
        assert report.passed, str(report)
        assert all(finding.state == "pass" for finding in report.findings if finding.rule != "devices")
    code = "import sys, bench_demo; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=demo, check=False).returncode == 0


def test_it_trains(demo: Path, bench: Callable[..., Result], tmp_path: Path):
    bench("--plugins", "demo", "--steps", "2", "--no-baselines", "--option", "border_l1.width=1")
    (entry,) = read_runs(tmp_path / "out")[1][-1].entries
    assert (entry.variant, entry.state) == ("demo[border_l1.width=1]", "done")


def test_its_own_tests_pass(demo: Path):
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "tests"]
    path = os.pathsep.join([str(demo), os.environ.get("PYTHONPATH", "")])
    world = os.environ | {"PYTHONPATH": path}
    result = subprocess.run(command, cwd=demo, env=world, capture_output=True, text=True, check=False)
    assert result.returncode == 0 and "2 passed" in result.stdout, result.stdout


@pytest.mark.parametrize("name", ["Demo", "my-method", "2nd", "", "a.b", "../up", "grün"])
def test_an_invalid_name_is_refused(name: str, tmp_path: Path):
    assert "is no valid name for a plugin" in new(name, "--folder", tmp_path, code=2)
    assert not files(tmp_path)


@pytest.mark.parametrize("name", ["telea", "masks", "core", sorted(set(Plugins.find().installed))[-1]])
def test_a_taken_name_is_refused(name: str, tmp_path: Path):
    assert f"The name '{name}' is taken" in new(name, "--folder", tmp_path, code=2)
    assert not files(tmp_path)


def test_nothing_is_overwritten(tmp_path: Path):
    (tmp_path / "demo").mkdir()
    new("demo", "--folder", tmp_path)  # an empty folder is fine
    (tmp_path / "demo" / "README.md").write_text("mine")
    assert "exists and is not empty" in new("demo", "--folder", tmp_path, code=2)
    assert (tmp_path / "demo" / "README.md").read_text() == "mine"
    (tmp_path / "file").write_text("")
    assert "cannot be written" in new("other", "--folder", tmp_path / "file", code=2)
