"""The house itself: where things lie, what may be named where, and which versions are promised."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
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


def test_files_are_small_and_well_named():
    for path in SOURCES:
        assert path.stem not in ("utils", "helpers", "misc", "common")
        assert len(path.read_text().splitlines()) <= 250, path


def test_every_plugin_looks_like_one_from_outside():
    for folder in (path for path in (ROOT / "plugins").iterdir() if path.is_dir()):
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        assert project["name"] == f"bench-{folder.name}"
        assert project["dependencies"] == ["inpaint-bench"]
        assert project["entry-points"]["bench"] == {folder.name: f"bench_{folder.name}"}
        package = folder / f"bench_{folder.name}"
        files = {path.name for path in package.iterdir()}
        assert {"__init__.py", "model.py", "recipe.py"} <= files
        assert files & {"layers.py", "losses.py"}  # what is new in the paper
        assert "## Differences from the paper" in (folder / "README.md").read_text()
        assert list((folder / "tests").glob("test_*.py"))
        assert f"-e plugins/{folder.name}" in (ROOT / "requirements.txt").read_text()
        assert f"bench_{folder.name}" in PROJECT["tool"]["importlinter"]["root_packages"]


def test_the_lower_bounds_are_those_that_are_tested():
    oldest = dict(re.findall(r"^([\w-]+)==([\d.]+)$", (ROOT / "constraints-oldest.txt").read_text(), re.MULTILINE))
    extras = PROJECT["project"]["optional-dependencies"]
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
