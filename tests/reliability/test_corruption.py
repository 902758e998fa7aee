"""Whatever is damaged between two runs is named, nothing else is touched, and a repetition after repair works."""

import re
import runpy
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from support.corruption import FAULTS, Fault
from support.paths import ROOT
from torch import nn

from bench_core.errors import BadInput
from bench_core.system import files
from bench_core.training import checkpoint, trainer
from bench_core.weights import weight_file

Bench = Callable[..., Result]
TOY = ("--plugins", "toy", "--no-baselines", "--metrics", "l1,mean@toy")
pytestmark = pytest.mark.usefixtures("toy")


def interrupted_or_done(bench: Bench, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave a checkpoint where one is to be damaged; else weights, without rows where the weights are."""
    if "checkpoint" not in fault.damaged:
        bench(*TOY)
        return
    with monkeypatch.context() as patch:
        patch.setattr(trainer.Trainer, "waiting_share", property(lambda self: 1 / 0))
        bench(*TOY, code=1)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_damage_is_named_and_repaired(bench: Bench, tmp_path: Path, fault: Fault, monkeypatch: pytest.MonkeyPatch):
    bench(*TOY, out="straight")
    interrupted_or_done(bench, fault, monkeypatch)
    path = sorted((tmp_path / "out").glob(fault.damaged))[0]
    fault.inject(path)
    broken = path.read_bytes()
    if fault.damaged.endswith(".safetensors"):  # nobody reads them until something is to be measured
        for rows in (tmp_path / "out").glob("cells/*/rows/*"):
            rows.unlink()
    if fault.damaged.startswith("decoded"):  # nor are these, until something is to be trained
        shutil.rmtree(tmp_path / "out" / "cells")
    result = bench(*TOY, code=1 if fault.said else 0)
    assert "Traceback" not in result.output
    if fault.said:
        said = re.sub(r"\s+", "", result.output)
        assert re.sub(r"\s+", "", f"{path} {fault.said}") in said and "removeit" in said
        assert path.read_bytes() == broken  # the user's to remove
        path.unlink()
        bench(*TOY)
    for kind in ("weights.safetensors", "*.parquet", "table.csv"):
        straight, mended = (sorted((tmp_path / out).rglob(kind)) for out in ("straight", "out"))
        assert [each.read_bytes() for each in straight] == [each.read_bytes() for each in mended]


def test_the_page_lists_these_faults():
    """`python docs/reliability_page.py` mends it."""
    made = runpy.run_path(str(ROOT / "docs" / "reliability_page.py"))
    shown = made["PAGE"].read_text()
    assert made["page"](shown) == shown
    assert made["faults"]() in shown and made["failures"]() in shown


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB; only root may mount it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("no file system may be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("library", ["torch", "safetensors", "plain"])
def test_a_full_disk_is_named_and_what_was_there_is_kept(tiny_disk: Path, library: str):
    """Real ENOSPC, which torch reports as an unexpected position."""
    large = nn.Module()
    large.generator = nn.Linear(1000, 1000)
    write = {
        "torch": lambda path: checkpoint.save_state(path, large.state_dict()),
        "safetensors": lambda path: weight_file.save_weights(path, large, {}),
        "plain": lambda path: files.write_bytes(path, bytes(2**21)),
    }[library]
    files.write_bytes(tiny_disk / "file", b"before")
    with pytest.raises(BadInput, match=r"file cannot be written \(No space left on device\)"):
        write(tiny_disk / "file")
    assert [(path.name, path.read_bytes()) for path in tiny_disk.iterdir()] == [("file", b"before")]
