"""Thread counts of processes that run side by side, and memory that malloc keeps after it is freed."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import pytest
import torch

from bench_core.system import allocator
from bench_core.system.threads import usable_cores, use_one_thread

FAULTS = """
import resource
from multiprocessing import get_context


def faults(times, size=40 * 2**20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        b"x" * size
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def warm(times):
    faults(2)
    return faults(times)


if __name__ == "__main__":
    from bench_core.system.allocator import tune_malloc

    reason = tune_malloc() if CALLED else ""
    with get_context("spawn").Pool(1) as pool:
        print(warm(20), pool.apply(warm, (20,)), reason)
"""
"""Script that prints page faults of allocating and freeing 40 MiB blocks, in itself and in a spawned process."""

FORKED = """
import cv2, numpy as np, torch
from torch.utils.data import Dataset

from bench_core.data.loader import loader


class Threads(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        blurred()
        return cv2.getNumThreads(), torch.get_num_threads()


def blurred():
    image = np.zeros((2000, 2000, 3), np.uint8)
    cv2.resize(cv2.GaussianBlur(image, (31, 31), 5), (500, 500), interpolation=cv2.INTER_AREA)


cv2.setNumThreads(2)
torch.set_num_threads(2)
blurred()  # starts OpenCV's threads
for _ in range(2):
    for one, other in loader(Threads(), 2, 2, torch.device("cpu"), range(len(Threads()))):
        assert one.tolist() == other.tolist() == [1, 1], (one, other)
    assert cv2.getNumThreads() == 2
"""


def python(folder: Path, script: str, environment: Mapping[str, str]) -> str:
    path = folder / "script.py"
    path.write_text(script)
    done = subprocess.run(
        [sys.executable, path], env=dict(environment), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return this process's environment without any setting of an allocator."""
    for name in (allocator.SWITCH, allocator.MMAP_THRESHOLD, allocator.TRIM_THRESHOLD, "LD_PRELOAD", "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)
    return {**os.environ, "PYTHONPATH": ":".join(filter(None, sys.path))}


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is glibc's")
def test_tune_malloc_keeps_memory_like_glibcs_own_variables_here_and_in_child_processes(
    plain: dict[str, str], tmp_path: Path
):
    if reason := allocator.why_not_tuned():
        pytest.skip(reason)
    given = plain | {allocator.MMAP_THRESHOLD: str(1 << 30), allocator.TRIM_THRESHOLD: str(2**31 - 1)}
    called, uncalled = (FAULTS.replace("CALLED", word) for word in ("True", "False"))
    default, by_variables, by_us, off = (
        python(tmp_path, script, environment).split(maxsplit=2)
        for script, environment in (
            (uncalled, plain),
            (uncalled, given),
            (called, plain),
            (called, plain | {allocator.SWITCH: "off"}),
        )
    )
    for place in (0, 1):
        untuned, variables, tuned, switched_off = (int(each[place]) for each in (default, by_variables, by_us, off))
        assert untuned > 10 * max(variables, 1), "without a setting every block faults in its pages again"
        assert untuned > 10 * max(tuned, 1)
        assert switched_off > 10 * max(tuned, 1)
    assert len(by_us) == 2 and off[2].strip() == "BENCH_ALLOCATOR=off"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (allocator.SWITCH, "off"),
        (allocator.TRIM_THRESHOLD, "1000"),
        ("LD_PRELOAD", "/usr/lib/libjemalloc.so.2"),
        ("GLIBC_TUNABLES", "glibc.malloc.trim_threshold=1"),
    ],
)
def test_a_users_allocator_is_kept(plain: dict[str, str], monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    monkeypatch.setattr(allocator.platform, "libc_ver", lambda: ("glibc", "2.36"))
    assert not allocator.why_not_tuned()
    monkeypatch.setenv(name, value)
    assert f"{name}={value}" in allocator.why_not_tuned()


def test_another_c_library_is_not_tuned(plain: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(allocator.platform, "libc_ver", lambda: ("", ""))
    assert "not glibc" in allocator.why_not_tuned()


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux")
def test_loader_workers_have_one_thread_and_do_not_hang_on_threads_lost_in_the_fork(
    plain: dict[str, str], tmp_path: Path
):
    python(tmp_path, FORKED, plain)


def threads() -> tuple[int, int]:
    return cv2.getNumThreads(), torch.get_num_threads()


def use_one_thread_after_torch() -> None:
    """Set one thread after torch, imported by this module, already runs on two."""
    torch.set_num_threads(2)
    use_one_thread()


@pytest.mark.parametrize("begin", [use_one_thread, use_one_thread_after_torch], ids=["torch later", "torch before"])
def test_a_worker_process_has_one_thread(begin: Callable[[], None], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with ProcessPoolExecutor(1, get_context("spawn"), begin) as pool:
        assert pool.submit(threads).result(60) == (1, 1)


def test_usable_cores_counts_the_cores_this_process_may_run_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 2, 5}, raising=False)
    assert usable_cores() == 3
