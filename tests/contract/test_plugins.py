"""Plugins: only those asked for are imported, and a broken one does not stop the others."""

import json
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import bench_core.plugins
from bench_core.errors import BadInput
from bench_core.plugins import Plugins
from bench_core.specs import Reference, resolve

HEAVY = ("torch", "torchvision", "lightning_fabric", "cv2", "skimage", "lpips")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Install a module with this source as a plugin."""
    monkeypatch.syspath_prepend(tmp_path)
    real = bench_core.plugins.entry_points

    def install(name: str, source: str) -> None:
        (tmp_path / f"bench_{name}.py").write_text(source)
        monkeypatch.delitem(sys.modules, f"bench_{name}", raising=False)
        entries.append(EntryPoint(name, f"bench_{name}", "bench"))

    entries: list[EntryPoint] = []
    monkeypatch.setattr(bench_core.plugins, "entry_points", lambda group: [*real(group=group), *entries])
    return install


def modules_after(*command: str) -> set[str]:
    call = f"main({list(command)!r}, standalone_mode=False)"
    code = f"import sys; from bench_core.cli import main; {call}; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("command", [["plugins"], ["plugins", "--json"], ["protocols"], ["metrics"]])
def test_listing_imports_nothing_heavy(command: list[str]):
    assert modules_after(*command).isdisjoint(HEAVY)


def test_help_imports_nothing_heavy():
    code = "import sys, bench_core.cli; sys.exit(any(name in sys.modules for name in ('torch', 'pandas', 'numpy')))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_only_plugins_asked_for_are_imported(installed):
    installed("quiet", "raise SystemExit('I must not be imported')")
    plugins = Plugins.find()
    plugins.load(["pconv"])
    assert plugins.installed["quiet"].state == "installed"
    parts = {"datasets", "executors", "losses", "masks", "metrics", "perf", "reports", "trackers"}
    assert {name for name, plugin in plugins.installed.items() if plugin.state == "loaded"} == {*parts, "pconv"}
    assert set(plugins.installed) - set(plugins.on_request) == parts


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("def broken(:", "SyntaxError"),
        ("from bench_core import hookimpl\n@hookimpl\ndef bench_models(): raise RuntimeError('inside')", "inside"),
        ("from bench_core import hookimpl\n@hookimpl\ndef bench_modles(): return []", "bench_modles"),
        ("from bench_core import hookimpl\n@hookimpl\ndef bench_models(): return ['pconv']", "'pconv'"),
    ],
)
def test_a_broken_plugin_has_its_traceback_and_the_others_load(installed, source: str, said: str):
    installed("broken", source)
    plugins = Plugins.find()
    broken, pconv = plugins.load(["broken", "pconv"])
    assert (broken.state, pconv.state) == ("broken", "loaded")
    assert said in broken.error
    assert "pconv" in plugins.records("models")
    with pytest.raises(BadInput, match="broken"):
        Plugins.find().load(["broken"], strict=True)


def test_an_unknown_plugin_gets_a_suggestion_and_a_list():
    with pytest.raises(BadInput, match=r"Did you mean 'pconv'\? Known: .*classical, .*dmfn, .*pconv"):
        Plugins.find().load(["pconf"])


def test_two_plugins_cannot_use_one_name(installed):
    door = "from bench_core import Model, hookimpl\n@hookimpl\ndef bench_models(): return [Model('pconv', '', '', '')]"
    installed("impostor", door)
    plugins = Plugins.find()
    plugins.load(["pconv", "impostor"])
    with pytest.raises(BadInput, match="Two plugins define models named 'pconv'"):
        plugins.records("models")


def test_a_module_named_like_a_hook_hides_nothing():

    plugins = Plugins.find()
    assert {"l1", "style"} <= set(plugins.records("losses"))
    assert "ssim@skimage" in plugins.records("metrics")


def test_the_list_has_name_version_hooks_papers_and_state():
    from click.testing import CliRunner

    from bench_core.cli import main

    listed = {plugin["name"]: plugin for plugin in json.loads(CliRunner().invoke(main, ["plugins", "--json"]).output)}
    assert {"pconv", "gated", "dmfn", "classical", "reports"} <= set(listed)
    assert listed["pconv"]["hooks"] == ["models"]
    assert listed["pconv"]["state"] == "loaded"
    assert listed["pconv"]["version"] == "0.1.0"
    assert "Irregular Holes" in listed["pconv"]["papers"][0]
    assert listed["dmfn"]["hooks"] == ["losses", "models"]


def test_every_reference_of_every_record_resolves():
    plugins = Plugins.find()
    plugins.load_all()
    fields = {"models": "build", "losses": "term", "masks": "draw", "image_sets": "open", "metrics": "build"}
    references: list[Reference] = [
        getattr(record, field) for hook, field in fields.items() for record in plugins.records(hook).values()
    ]
    references += [loss.term for model in plugins.records("models").values() for loss in model.losses]
    references += [report.write for report in plugins.records("reports").values()]
    assert len(references) > 30
    assert all(callable(resolve(reference)) for reference in references)
