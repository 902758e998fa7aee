"""Weights on disk: strict loading, equal files for equal weights, no code, and atomic writes."""

import os
import time
from errno import ENOSPC
from pathlib import Path

import pytest
import torch
from torch import nn

from bench_core.errors import BadInput
from bench_core.methods import Method
from bench_core.store.store import Store
from bench_core.system import files
from bench_core.training import checkpoint
from bench_core.weights import weight_file


class Small(Method):
    """Method of one layer."""

    def __init__(self, width: int, name: str = "layer") -> None:
        super().__init__()
        self.generator = nn.Module()
        self.generator.add_module(name, nn.Linear(2, width))
        self.discriminator = nn.Linear(2, 2)


def test_weights_survive_a_round_trip_with_metadata_and_without_discriminators(tmp_path: Path):
    saved, loaded = Small(3), Small(3)
    weight_file.save_weights(tmp_path / "w.safetensors", saved, {"method": "small", "scale": "nano"})
    weight_file.load_weights(tmp_path / "w.safetensors", loaded)
    assert weight_file.read_metadata(tmp_path / "w.safetensors") == {"method": "small", "scale": "nano"}
    assert loaded.generator.layer.weight.equal(saved.generator.layer.weight)
    assert not loaded.discriminator.weight.equal(saved.discriminator.weight)


def test_equal_weights_give_equal_files(tmp_path: Path):
    method = Small(3)
    for name in "ab":
        weight_file.save_weights(tmp_path / name, method, {"method": "small", "scale": "nano", "channels": 3})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Small(4), r"generator.layer.bias: \(3,\) instead of \(4,\)"),
        (Small(3, "last"), "generator.last.bias: missing instead of"),
    ],
)
def test_weights_of_another_network_are_rejected_and_change_nothing(tmp_path: Path, other: Small, message: str):
    weight_file.save_weights(tmp_path / "w.safetensors", Small(3), {})
    before = [parameter.clone() for parameter in other.parameters()]
    with pytest.raises(BadInput, match=message):
        weight_file.load_weights(tmp_path / "w.safetensors", other)
    assert all(a.equal(b) for a, b in zip(before, other.parameters(), strict=True))


class Malicious:
    def __reduce__(self):
        return Path.touch, (Path("was-run"),)


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"step": Malicious()}, "checkpoint.pt")
    with pytest.raises(BadInput, match=r"checkpoint\.pt is damaged"):
        checkpoint.load_state(Path("checkpoint.pt"))
    assert not Path("was-run").exists()


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path):
    files.write_bytes(tmp_path / "file", b"old")
    inode = (tmp_path / "file").stat().st_ino
    files.write_bytes(tmp_path / "file", b"old")
    assert (tmp_path / "file").stat().st_ino != inode  # it was replaced, not overwritten
    seen = []

    def fail(path: Path) -> None:
        path.write_bytes(b"half of the n")
        seen.append((tmp_path / "file").read_bytes())
        raise OSError(ENOSPC, "disk full")

    with pytest.raises(BadInput, match=r"file cannot be written \(disk full\)"):
        files.write(tmp_path / "file", fail)
    assert seen == [b"old"]
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_flipped_bit_in_a_checkpoint_is_detected(tmp_path: Path):
    path, state = tmp_path / "checkpoint.pt", {"method": torch.full((1000,), 1.25)}
    checkpoint.save_state(path, state)
    content = bytearray(path.read_bytes())
    inside = content.index(state["method"].numpy().tobytes()) + 2001
    content[inside] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"checkpoint\.pt is damaged"):
        checkpoint.load_state(path)


def test_temporary_files_of_a_killed_process_are_removed(tmp_path: Path):
    path = tmp_path / "below" / "file"

    def killed(temporary: Path) -> None:
        temporary.with_name(f"{temporary.name}.left").write_text("half")

    files.write(path, killed)
    files.write(path, lambda temporary: temporary.write_text("whole"))
    assert len(list(path.parent.iterdir())) == 2
    files.remove_temporary_files(tmp_path)
    assert [each.name for each in path.parent.iterdir()] == ["file"]


def test_the_store_removes_only_temporary_files_that_nobody_can_be_writing(store: Store):
    now, left = time.time(), {}
    for folder in ("decoded", "truth", "runs/mine"):
        for hours in (0, 23, 25):
            path = left[folder, hours] = store.root / folder / f".half-written-{hours}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("half")
            os.utime(path, (now, now - 3600 * hours))
    store.remove_temporary_files()
    assert {key for key, path in left.items() if not path.exists()} == {key for key in left if key[1] == 25}
    assert len(list(store.root.rglob("*.*"))) == 6
