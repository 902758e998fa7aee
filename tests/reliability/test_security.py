"""No file that is given to a command runs code, and no name leaves the store."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from bench_core.cli import main
from bench_core.errors import BadInput
from bench_core.protocol import load, validated
from bench_core.store.store import CellStatus, Run, Store
from bench_core.training import checkpoint


class Canary:
    """Makes a folder when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = str(trace)

    def __reduce__(self) -> tuple:
        return os.mkdir, (self.trace,)


def zipped(path: Path, canary: Canary) -> None:
    torch.save({"generator.weight": canary}, path)


def legacy(path: Path, canary: Canary) -> None:
    torch.save({"generator.weight": canary}, path, _use_new_zipfile_serialization=False)


def bare(path: Path, canary: Canary) -> None:
    path.write_bytes(pickle.dumps(canary))


def array(path: Path, canary: Canary) -> None:
    with path.open("wb") as file:
        np.save(file, np.array([canary], dtype=object), allow_pickle=True)


def arrays(path: Path, canary: Canary) -> None:
    with path.open("wb") as file:
        np.savez(file, values=np.array([canary], dtype=object))


COMMANDS = {
    "run --weights": "run --plugins pconv --out OUT --data . --size 64 --scale nano --weights pconv=FILE",
    "run --protocol": "run --plugins pconv --out OUT --protocol FILE.toml",
    "weights import": "weights import gated FILE -o OUT",
    "weights show": "weights show FILE",
    "inpaint --weights": "inpaint --plugin pconv --weights FILE PICTURE PICTURE -o OUT",
    "inpaint an image": "inpaint --plugin telea FILE PICTURE -o OUT",
    "inpaint with a mask": "inpaint --plugin telea PICTURE FILE -o OUT",
    "masks show": "masks show FILE",
    "masks import": "masks import FOLDER --hole-color white -o OUT",
    "report of rows": "report STORE",
    "report of a record": "report DAMAGED",
}


def world(tmp_path: Path, disguise: Callable[[Path, Canary], None], trace: Path) -> dict[str, str]:
    """What the words of the commands stand for: files, each of them malicious."""
    picture, malicious, folder = tmp_path / "picture.png", tmp_path / "theirs.safetensors", tmp_path / "folder"
    Image.fromarray(np.eye(64, dtype=np.uint8) * 255).save(picture)
    folder.mkdir()
    store, damaged = Store(tmp_path / "store"), tmp_path / "damaged" / "runs" / "a" / "run.json"
    cell = store.cell({"variant": "a", "seed": 0})
    damaged.parent.mkdir(parents=True)
    cell.rows_path("judgement").parent.mkdir(parents=True)
    entry = CellStatus("a", "a", 0, "done", cell.path.name, evaluation_ids={"center": "judgement"})
    store.write_run(Run(load("quick"), "digest", 20, [entry], {}))
    for path in (malicious, tmp_path / "theirs.safetensors.toml", folder / "a.png", damaged):
        disguise(path, Canary(trace))
    disguise(cell.rows_path("judgement"), Canary(trace))
    names = {"FILE": malicious, "PICTURE": picture, "FOLDER": folder, "STORE": store.root, "OUT": tmp_path / "out"}
    return {name: str(path) for name, path in names.items()} | {"DAMAGED": str(tmp_path / "damaged")}


@pytest.mark.parametrize("disguise", [zipped, legacy, bare, array, arrays])
@pytest.mark.parametrize("command", COMMANDS)
def test_code_in_a_file_is_never_run(command: str, disguise: Callable, tmp_path: Path) -> None:
    trace = tmp_path / "was here"
    words = COMMANDS[command]
    for name, path in world(tmp_path, disguise, trace).items():
        words = words.replace(name, path)
    result = CliRunner().invoke(main, words.split())
    assert not trace.exists()
    assert result.exit_code == 2, result.output
    assert "Error: " in result.output and "Traceback" not in result.output
    refused = ("theirs.safetensors", "folder/a.png", "rows/judgement.parquet", "run.json")
    assert any(name in result.output for name in refused), result.output


@pytest.mark.parametrize("disguise", [zipped, legacy, bare, array, arrays])
def test_code_in_a_checkpoint_is_never_run(disguise: Callable, tmp_path: Path) -> None:
    disguise(tmp_path / "checkpoint.pt", Canary(tmp_path / "was here"))
    with pytest.raises(BadInput, match=r"checkpoint\.pt is damaged"):
        checkpoint.load_state(tmp_path / "checkpoint.pt")
    assert not (tmp_path / "was here").exists()


def test_the_canary_sings(tmp_path: Path) -> None:
    """What the tests above look for does happen where a file is trusted."""
    bare(tmp_path / "file", Canary(tmp_path / "was here"))
    pickle.loads((tmp_path / "file").read_bytes())
    assert (tmp_path / "was here").is_dir()


@pytest.mark.parametrize("name", ["../../away", "/away", "..", "a/../../b", "a\nb", "a\0b"])
def test_no_name_leads_out_of_the_store(name: str, tmp_path: Path) -> None:
    folder = Store(tmp_path / "store").cell({"variant": name, "seed": 0}).path
    assert folder.resolve().parent == (tmp_path / "store" / "cells").resolve()
    rules = load("quick").model_dump()
    for changed in ({"name": name}, {"masks": {name: rules["masks"]["center"]}, "train_masks": [], "test_masks": []}):
        with pytest.raises(BadInput, match="not valid"):
            validated({**rules, **changed}, "protocol")


def test_nothing_is_written_but_below_out_and_the_caches(protocol: Path, photographs: Path, tmp_path: Path) -> None:
    homes = {name: str(tmp_path / name) for name in ("HOME", "XDG_CACHE_HOME", "TORCH_HOME", "TMPDIR")}
    for folder in (*homes.values(), tmp_path / "here"):
        Path(folder).mkdir()
    before = set(tmp_path.rglob("*"))
    world = ["--protocol", str(protocol), "--data", str(photographs), "--plugins", "gated", "--device", "cpu"]
    for words in (["run", *world, "--out", str(tmp_path / "out")], ["report", str(tmp_path / "out")]):
        kept = {name: value for name, value in os.environ.items() if name != "BENCH_CACHE"}
        command = [sys.executable, "-B", "-m", "bench_core", *words]
        subprocess.run(command, cwd=tmp_path / "here", env=kept | homes, check=True, capture_output=True)
    written = {path.relative_to(tmp_path).as_posix() for path in set(tmp_path.rglob("*")) - before}
    caches = ("HOME/.cache", "XDG_CACHE_HOME", "TORCH_HOME")
    theirs = ("HOME/.config", "TMPDIR/torchinductor")
    """What matplotlib and torch make for themselves."""
    assert not [path for path in written if not path.startswith(("out", *caches, *theirs))]
