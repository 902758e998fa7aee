"""`bench doctor`: findings are true, and faults come with advice."""

import os
import re
import shutil
from importlib.metadata import metadata, version
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from click.testing import CliRunner
from support import pty_session

from bench_core.cli import main
from bench_core.doctor import machine
from bench_core.weights import download


def output(*options: str) -> str:
    result = CliRunner().invoke(main, ["doctor", *options])
    assert result.exit_code == 0, result.output
    return result.output


class Usage(NamedTuple):
    free: int


def test_it_lists_versions_plugins_threads_and_space_and_writes_nothing(tmp_path: Path):
    shown = output("--out", str(tmp_path / "not" / "there"))
    assert f"torch {version('torch')}" in shown and f"inpaint-bench {version('inpaint-bench')}" in shown
    assert "pconv" in shown and "photos" in shown and "allocator" in shown
    assert f"torch {torch.get_num_threads()}, OpenCV" in shown
    free = shutil.disk_usage(tmp_path).free / 2**30
    assert abs(float(shown.partition(" GiB free")[0].split()[-1]) - free) < 1
    assert not list(tmp_path.iterdir())


def test_weights_are_found_in_their_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    every = ", ".join(download.OFFICIAL)
    assert re.search(rf"^missing +weights +{every}: downloaded", output(), re.MULTILINE)
    (tmp_path / "alexnet_features.pth").touch()
    shown = output()
    assert re.search(rf"^ok +weights +alexnet \(in {tmp_path}\)$", shown, re.MULTILINE)
    assert re.search(rf"^missing +{every.replace('alexnet, ', '')}: downloaded", shown, re.MULTILINE)


def test_image_sets_are_available_in_their_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "available: photos\n" in output() and "mnist, cifar10: downloaded" in output()
    (tmp_path / ".cache" / "inpaint-bench" / "mnist" / "MNIST").mkdir(parents=True)
    assert "available: photos, mnist\n" in output() and "cifar10: downloaded" in output()


def test_extras_are_those_of_the_distribution(monkeypatch: pytest.MonkeyPatch):
    extras = metadata("inpaint-bench").get_all("Provides-Extra") or []
    assert set(machine.EXTRAS) == set(extras) - {"docs", "methods", "test"}
    monkeypatch.setattr(machine, "find_spec", lambda name: None if name in ("ray", "wandb") else name)
    assert re.search(r"^ok +extras +demo, mlflow, tensorboard, tensorflow$", shown := output(), re.MULTILINE)
    assert "ray, wandb: pip install 'inpaint-bench[ray,wandb]'" in shown


@pytest.mark.parametrize("width", [80, 100])
def test_it_fits_one_screen_and_marks_are_words(width: int):
    shown = pty_session.run(["doctor"], width, NO_COLOR="1").splitlines()
    assert len(shown) <= 24 and max(map(len, shown)) <= max(width, 100)
    facts = [line for line in shown[: shown.index("")] if not line.startswith(" ")]
    assert {line.split()[0] for line in facts} <= {"ok", "missing", "wrong"}


@pytest.mark.parametrize(
    ("cores", "threads", "omp", "advised"),
    [
        (2, 2, None, ""),
        (2, 4, None, "OMP_NUM_THREADS=2"),
        (8, 1, "1", "unset it"),
        (2, 1, "1", "unset it"),
        (2, 1, None, ""),
        (2, 2, "2", ""),
    ],
)
def test_too_many_or_too_few_threads_get_advice(
    monkeypatch: pytest.MonkeyPatch, cores: int, threads: int, omp: str | None, advised: str
):
    monkeypatch.setattr(machine, "usable_cores", lambda: cores)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setenv("OMP_NUM_THREADS", omp or "")
    if omp is None:
        monkeypatch.delenv("OMP_NUM_THREADS")
    shown = output()
    assert ("threads: " in shown) is bool(advised) and advised in shown


def test_low_disk_space_gets_advice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda folder: Usage(2**30))
    assert "has 1.0 GiB left; give another folder with --out" in output("--out", str(tmp_path))


@pytest.mark.parametrize(("build", "driver", "advised"), [(None, "x", True), (None, None, False), ("13", "x", False)])
def test_a_build_without_cuda_gets_advice_if_there_is_a_driver(
    monkeypatch: pytest.MonkeyPatch, build: str | None, driver: str | None, advised: bool
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", build)
    monkeypatch.setattr(machine.shutil, "which", lambda name: driver)
    assert ("built without CUDA" in output()) is advised


def test_a_broken_plugin_is_shown_with_its_error(monkeypatch: pytest.MonkeyPatch):
    from bench_core.plugins import Plugins

    found = Plugins.find()
    found.load_all()
    found.installed["pconv"].error = "Traceback\nRuntimeError: out of ink"
    monkeypatch.setattr(machine.Plugins, "find", lambda: found)
    shown = output()
    assert "pconv is broken: RuntimeError: out of ink" in shown and "`bench plugins`" in shown


def test_a_file_or_pipe_gets_each_finding_on_one_line(monkeypatch: pytest.MonkeyPatch):
    long = "one, another, " * 40 + "the last"
    monkeypatch.setattr(machine, "examine", lambda out: [machine.Finding("plugins", long)])
    assert re.search(f"^ok +plugins +{long}$", output(), re.MULTILINE)


def test_a_file_instead_of_a_folder_is_refused(tmp_path: Path):
    (tmp_path / "file").touch()
    assert CliRunner().invoke(main, ["doctor", "--out", str(tmp_path / "file")]).exit_code == 2
    assert os.listdir(tmp_path) == ["file"]
