"""A plugin copied into plugins/ is installed, checked, listed and tested, and no other file is edited."""

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout with one more plugin, ``changed``: a method under another name."""
    copied = tmp_path_factory.mktemp("copy") / "checkout"
    left_out = shutil.ignore_patterns(".*", "__pycache__", "site-docs", "results", "performance", "*.png", "*.svg")
    shutil.copytree(ROOT, copied, ignore=left_out)
    folder = copied / "plugins" / "changed"
    shutil.copytree(copied / "plugins" / "context_encoder", folder)
    (folder / "bench_context_encoder").rename(folder / "bench_changed")
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        text = path.read_text().replace("context_encoder", "changed").replace("bench-context-encoder", "bench-changed")
        path.unlink()
        path.with_name(path.name.replace("context_encoder", "changed")).write_text(text)
    installed = folder / "bench_changed-0.1.0.dist-info"  # as `pip install -e` leaves it
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-changed\nVersion: 0.1.0\n")
    (installed / "entry_points.txt").write_text("[bench]\nchanged = bench_changed\n")
    return copied


def run(checkout: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the copy, with the packages of the copy."""
    roots = [
        "",
        "masks",
        "datasets",
        "reports",
        "benchmarks",
        *(f"plugins/{p.name}" for p in checkout.glob("plugins/*")),
    ]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(str(checkout / root) for root in roots)}
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


def test_it_is_installed_by_make_and_by_the_extra(checkout: Path):
    assert "-e plugins/changed" in run(checkout, "make", "--dry-run", ".venv/installed").stdout
    hook = runpy.run_path(str(checkout / "hatch_build.py"))["PluginExtra"](str(checkout), {"optional-dependencies": {}})
    metadata: dict[str, dict[str, list[str]]] = {}
    hook.update(metadata)
    assert (
        f"bench-changed @ {(checkout / 'plugins' / 'changed').as_uri()}" in metadata["optional-dependencies"]["methods"]
    )


def test_it_is_listed_and_keeps_the_rules(checkout: Path):
    assert re.search(
        r"^changed +0\.1\.0 +loaded", run(checkout, sys.executable, "-m", "bench_core", "plugins").stdout, re.M
    )
    checked = run(checkout, sys.executable, "-m", "bench_core", "check", "changed")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_its_tests_run_with_shapes_checked(checkout: Path):
    model = checkout / "plugins" / "changed" / "bench_changed" / "model.py"
    options = ("-q", "-p", "no:cacheprovider", "-n", "0", "plugins/changed")
    tested = run(checkout, sys.executable, "-m", "pytest", *options)
    assert tested.returncode == 0 and tested.stdout.count(".") > 50, tested.stdout
    before = model.read_text()
    model.write_text(before + "\n\ndef wrong() -> ImageTensor:\n    return torch.zeros(3)\n")
    try:
        code = "import conftest, bench_changed.model as model; model.wrong()"
        assert "TypeCheckError" in run(checkout, sys.executable, "-c", code).stderr
    finally:
        model.write_text(before)


def test_its_imports_are_checked(checkout: Path):
    contracts = (sys.executable, "import_contracts.py")
    assert run(checkout, *contracts).returncode == 0
    losses = checkout / "plugins" / "changed" / "bench_changed" / "losses.py"
    before = losses.read_text()
    losses.write_text(before + "\nimport bench_pconv  # noqa\n")
    try:
        broken = run(checkout, *contracts)
        assert broken.returncode == 1 and "bench_changed is not allowed to import bench_pconv" in broken.stdout
    finally:
        losses.write_text(before)
