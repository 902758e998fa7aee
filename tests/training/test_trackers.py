"""Trackers log exactly what is stored, every step once, and change no result."""

import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import Result

from bench_core.specs import resolve
from bench_core.store.store import CellFolder, Run, Store, read_runs
from bench_core.training import trainer

Bench = Callable[..., Result]
Series = dict[str, list[tuple[int, float]]]
TOY = ("--plugins", "toy", "--no-baselines", "--steps", "25", "--test-masks", "center", "--metrics", "l1")
DIARY = """
import json
from bench_core import hookimpl
from bench_core.specs import Tracker

@hookimpl
def bench_trackers():
    return [Tracker("diary", "A diary", "bench_diary:Diary"), Tracker("torn", "A broken one", "bench_diary:Torn")]

class Diary:
    def __init__(self, store):
        self.path = store / "diary.jsonl"

    def __getattr__(self, event):
        return lambda *values: self.write(event, *values)

    def write(self, event, *values):
        with self.path.open("a") as file:
            file.write(json.dumps([event, *values], default=str) + chr(10))

class Torn(Diary):
    def log(self, step, values):
        raise OSError("no page is left")
"""


@pytest.fixture(autouse=True)
def small(toy: None, protocol: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the toy's training curves, and install a third-party plugin with two trackers."""
    protocol.write_text("curve_every = 10\ncurve_images = 1\n" + protocol.read_text())
    information = tmp_path / "modules" / "bench_diary-0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-diary\nVersion: 0\n")
    (information / "entry_points.txt").write_text("[bench]\ndiary = bench_diary\n")
    (tmp_path / "modules" / "bench_diary.py").write_text(DIARY)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    monkeypatch.delenv("WANDB_CACHE_DIR", raising=False)


def stored(out: Path) -> tuple[Store, Run, CellFolder]:
    store, runs = read_runs(out)
    return store, runs[-1], store.folder(runs[-1].entries[-1])


def expected(out: Path) -> Series:
    """Return what the store holds, under the names that trackers show."""
    store, run, cell = stored(out)
    logged: Series = {}
    for line in map(json.loads, (cell.path / "training.jsonl").read_text().splitlines()):
        step = line.pop("step")
        for name, value in line.items():
            logged.setdefault(name, []).append((step, value))
    for line in cell.curves():
        logged.setdefault("curves/center/l1@full", []).append((line["step"], line["values"]["l1@full"]))
    rows = store.rows(run)
    logged["final/center/l1@full"] = [(25, rows.loc[rows["metric"] == "l1@full", "value"].mean())]
    return logged


def in_tensorboard(out: Path) -> Series:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (folder,) = (out / "tensorboard").iterdir()
    events = EventAccumulator(str(folder)).Reload()
    return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]}


def in_mlflow(out: Path) -> Series:
    client, run = mlflow_run(out)
    histories = {name: client.get_metric_history(run.info.run_id, name) for name in run.data.metrics}
    return {
        name.replace("_full", "@full"): [(metric.step, metric.value) for metric in history]
        for name, history in histories.items()
    }


def mlflow_run(out: Path) -> tuple[Any, Any]:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=(out / "mlruns").as_uri())
    (run,) = client.search_runs([each.experiment_id for each in client.search_experiments()])
    return client, run


def in_wandb(out: Path) -> Series:
    logged: Series = {}
    for record in wandb_records(out):
        found = {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
        step = found.pop("_step", None)
        for name, value in found.items():
            if not name.startswith("_") and isinstance(value, float):
                logged.setdefault(name, []).append((step, value))
        for item in record.summary.update:
            if item.key.startswith("final/"):
                logged[item.key] = [(25, json.loads(item.value_json))]
    return logged


def wandb_records(out: Path) -> Iterator[Any]:
    """Read a run's records: a LevelDB log after 7 bytes, with blocks of 32 KiB of parts (checksum, length, type)."""
    record = resolve("wandb.proto.wandb_internal_pb2:Record")
    (path,) = (out / "wandb").glob("offline-run-*/*.wandb")
    content, place, whole = path.read_bytes(), 7, b""
    while place + 7 <= len(content):
        if 2**15 - place % 2**15 < 7:
            place += 2**15 - place % 2**15
        _, length, kind = struct.unpack_from("<IHB", content, place)
        whole += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # all of it, or its last part
            yield record.FromString(whole)
            whole = b""


def test_each_tracker_logs_what_is_stored_and_changes_no_result(bench: Bench, tmp_path: Path):
    bench(*TOY, out="without")
    bench(*TOY, *(word for name in ("tensorboard", "mlflow", "wandb") for word in ("--tracker", name)))
    out, without = tmp_path / "out", tmp_path / "without"
    logged = expected(out)
    assert [step for step, _ in logged["generator/l1"]] == [0, 10, 20]
    assert [step for step, _ in logged["curves/center/l1@full"]] == [0, 10, 20]
    for found in (in_tensorboard(out), in_mlflow(out), in_wandb(out)):
        assert set(found) == set(logged)
        for name, points in logged.items():
            assert [step for step, _ in found[name]] == [step for step, _ in points], name
            assert [value for _, value in found[name]] == pytest.approx([value for _, value in points], rel=1e-6)
    (store, run, cell), (other, that, same) = stored(out), stored(without)
    assert cell.path.name == same.path.name
    for name in ("weights.safetensors", "training.jsonl", "curves.jsonl", "identity.json"):
        assert (cell.path / name).read_bytes() == (same.path / name).read_bytes()
    pd.testing.assert_frame_equal(store.rows(run), other.rows(that), check_exact=True)
    assert not (tmp_path / "home").exists()  # everything is below the store


def fail_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Save a checkpoint at step 5, then fail at `step`."""
    real = trainer.Trainer._step

    def failing(self: trainer.Trainer, phase: Any, now: int, batches: Any) -> Any:
        if now == 5:
            self._save(5)
        if now == step:
            raise RuntimeError("power failure")
        return real(self, phase, now, batches)

    monkeypatch.setattr(trainer.Trainer, "_step", failing)


def test_a_resumed_training_logs_no_step_twice(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    logs = ("--tracker", "tensorboard", "--tracker", "mlflow", "--tracker", "diary")
    with monkeypatch.context() as patch:
        fail_at(15, patch)
        bench(*TOY, *logs, code=1)
    _, run = mlflow_run(tmp_path / "out")
    assert run.info.status == "FAILED" and "power failure" in run.data.tags["reason"]
    bench(*TOY, *logs)
    out = tmp_path / "out"
    logged = expected(out)
    assert [step for step, _ in logged["generator/l1"]] == [0, 10, 20]
    for found in (in_tensorboard(out), in_mlflow(out)):
        for name, points in logged.items():
            assert [step for step, _ in found[name]] == [step for step, _ in points], name
    _, run = mlflow_run(out)
    assert run.info.status == "FINISHED"
    steps = [line[1] for line in diary(out) if line[0] == "log"]
    assert steps == [0, 0, 10, 10, 20, 20]  # terms and curves


def diary(out: Path) -> list[list[Any]]:
    return [json.loads(line) for line in (out / "diary.jsonl").read_text().splitlines()]


def test_a_third_party_tracker_receives_all_events_of_a_cell(bench: Bench, tmp_path: Path):
    bench(*TOY, "--tracker", "diary")
    events = diary(tmp_path / "out")
    _, _, cell = stored(tmp_path / "out")
    names = [name for name, *_ in events]
    assert names == ["start", *["log"] * 6, "log_metrics", "log_image", "log_image", "finish"]
    assert cell.path.name in events[0][1] and "'steps': 25" in events[0][1]
    assert events[-4][1:] == ["center", {"l1@full": expected(tmp_path / "out")["final/center/l1@full"][0][1]}]
    assert all(Path(image).is_file() for _, _, image in events[-3:-1])
    assert events[-1] == ["finish", "done", ""]
    bench(*TOY, "--tracker", "diary")
    assert diary(tmp_path / "out") == events  # there was nothing to do
    bench(*TOY[:-1], "l1,l2", "--tracker", "diary")
    (metrics,) = [line for line in diary(tmp_path / "out")[len(events) :] if line[0] == "log_metrics"]
    assert set(metrics[2]) == {"l2@full"}  # the others were logged before


def test_a_failing_tracker_is_reported_once_and_changes_no_result(bench: Bench, tmp_path: Path):
    bench(*TOY, out="without")
    output = bench(*TOY, "--tracker", "torn", "--tracker", "diary").output
    assert output.count("--tracker torn failed") == output.count("OSError: no page is left") == 1
    assert [event for event, *_ in diary(tmp_path / "out")].count("finish") == 1  # the other one's
    (store, run, cell), (other, that, same) = stored(tmp_path / "out"), stored(tmp_path / "without")
    assert (cell.path / "weights.safetensors").read_bytes() == (same.path / "weights.safetensors").read_bytes()
    pd.testing.assert_frame_equal(store.rows(run), other.rows(that), check_exact=True)


def test_an_interrupted_cell_finishes_as_pending(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trainer.Trainer, "_step", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
    bench(*TOY, "--tracker", "diary", code=130)
    assert diary(tmp_path / "out")[-1] == ["finish", "pending", ""]
