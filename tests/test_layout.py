"""The house itself: where things lie, what may be named where, and which versions are promised."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from support.paths import ROOT

from bench_core.plugins import Plugins

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SOURCES = [
    path for path in ROOT.rglob("*.py") if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
]


@pytest.mark.parametrize("root", ["masks", "datasets", "reports", "plugins"])
def test_source_roots_are_no_packages(root: str):
    assert (ROOT / root).is_dir()
    assert not (ROOT / root / "__init__.py").exists()


def test_the_harness_names_no_method():
    plugins = "|".join(path.name for path in (ROOT / "plugins").iterdir() if path.is_dir())
    for path in (ROOT / "bench_core").rglob("*"):
        if path.suffix in (".py", ".toml"):
            assert not re.search(rf"\b({plugins}|deepfill)\b", path.read_text(), re.IGNORECASE), path


def test_the_harness_names_no_part_and_no_plugin_not_even_in_a_string():
    packages = {
        path.name for root in ("masks", "datasets", "reports", "benchmarks") for path in ROOT.glob(f"{root}/bench_*")
    }
    packages |= {path.name for path in ROOT.glob("plugins/*/bench_*")}
    assert {"bench_reports", "bench_perf", "bench_classical"} <= packages
    for path in (ROOT / "bench_core").rglob("*"):
        if path.suffix in (".py", ".toml", ".jinja", ".html", ".js"):
            hooks = path.name in ("hookspecs.py", "plugins.py")  # where two hooks are named like two parts
            named = set(re.findall(r"\bbench_\w+", path.read_text())) & packages
            assert named <= ({"bench_masks", "bench_reports"} if hooks else set()), path


def test_files_are_small_and_well_named():
    for path in SOURCES:
        assert path.stem not in ("utils", "helpers", "misc", "common")
        assert len(path.read_text().splitlines()) <= 250, path


def test_every_plugin_looks_like_one_from_outside():
    installed = Plugins.all().installed
    for folder in (path for path in (ROOT / "plugins").iterdir() if path.is_dir()):
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        assert project["name"] == f"bench-{folder.name}"
        assert project["dependencies"] == ["inpaint-bench"]
        assert project["entry-points"]["bench"] == {folder.name: f"bench_{folder.name}"}
        package = folder / f"bench_{folder.name}"
        files = {path.name for path in package.iterdir()}
        assert {"__init__.py", "model.py"} <= files
        if any(model.recipe for model in installed[folder.name].records["models"]):
            assert "recipe.py" in files  # and something new of its paper
            assert files & {"layers.py", "losses.py"}
        assert "## Differences from the paper" in (folder / "README.md").read_text()
        assert list((folder / "tests").glob("test_*.py"))


def test_the_lower_bounds_are_those_that_are_tested():
    oldest = dict(re.findall(r"^([\w-]+)==([\d.]+)$", (ROOT / "constraints-oldest.txt").read_text(), re.MULTILINE))
    extras = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["custom"]["optional-dependencies"]
    optional = [requirement for name, required in extras.items() if name != "test" for requirement in required]
    for requirement in PROJECT["project"]["dependencies"] + optional:
        name, bound = re.sub(r"\[.*\]", "", requirement).split(">=")
        assert oldest[name].startswith(bound), f"{name}: {bound} promised, {oldest[name]} tested"


def test_constraints_pin_what_is_required():
    pinned = set(re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text().lower(), re.MULTILINE))
    required = {re.split(r"[>=]", requirement)[0] for requirement in PROJECT["project"]["dependencies"]}
    assert required <= pinned


def test_no_path_of_a_developers_machine_is_committed():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        assert str(ROOT.parent).encode() + b"/" not in content, name
        assert str(Path.home()).encode() + b"/" not in content, name
