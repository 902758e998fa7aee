"""Laws of trackers: each is told what is stored, every step once, and changes nothing."""

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
    return [Tracker("diary", "A diary", "bench_diary:Diary"), Tracker("torn", "One without pages", "bench_diary:Torn")]

class Diary:
    def __init__(self, store):
        self.path = store / "diary.jsonl"

    def __getattr__(self, event):
        return lambda *told: self.write(event, *told)

    def write(self, event, *told):
        with self.path.open("a") as file:
            file.write(json.dumps([event, *told], default=str) + chr(10))

class Torn(Diary):
    def logged(self, step, values):
        raise OSError("no page is left")
"""


@pytest.fixture(autouse=True)
def small(toy: None, protocol: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy's training has curves, and a stranger brings trackers."""
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
    """What the store holds, under the names that trackers are told."""
    store, run, cell = stored(out)
    told: Series = {}
    for line in map(json.loads, (cell.path / "training.jsonl").read_text().splitlines()):
        step = line.pop("step")
        for name, value in line.items():
            told.setdefault(name, []).append((step, value))
    for line in cell.curves():
        told.setdefault("curves/center/l1@full", []).append((line["step"], line["values"]["l1@full"]))
    rows = store.rows(run)
    told["judged/center/l1@full"] = [(25, rows.loc[rows["metric"] == "l1@full", "value"].mean())]
    return told


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
    told: Series = {}
    for record in wandb_records(out):
        found = {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
        step = found.pop("_step", None)
        for name, value in found.items():
            if not name.startswith("_") and isinstance(value, float):
                told.setdefault(name, []).append((step, value))
        for item in record.summary.update:
            if item.key.startswith("judged/"):
                told[item.key] = [(25, json.loads(item.value_json))]
    return told


def wandb_records(out: Path) -> Iterator[Any]:
    """The file is a LevelDB log behind 7 bytes: blocks of 32 KiB, in them parts with a checksum, length and type."""
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


def test_each_tracker_holds_what_is_stored_and_changes_nothing(bench: Bench, tmp_path: Path):
    bench(*TOY, out="without")
    bench(*TOY, *(word for name in ("tensorboard", "mlflow", "wandb") for word in ("--tracker", name)))
    out, without = tmp_path / "out", tmp_path / "without"
    told = expected(out)
    assert [step for step, _ in told["generator/l1"]] == [0, 10, 20]
    assert [step for step, _ in told["curves/center/l1@full"]] == [0, 10, 20]
    for found in (in_tensorboard(out), in_mlflow(out), in_wandb(out)):
        assert set(found) == set(told)
        for name, points in told.items():
            assert [step for step, _ in found[name]] == [step for step, _ in points], name
            assert [value for _, value in found[name]] == pytest.approx([value for _, value in points], rel=1e-6)
    (store, run, cell), (other, that, same) = stored(out), stored(without)
    assert cell.path.name == same.path.name
    for name in ("weights.safetensors", "training.jsonl", "curves.jsonl", "identity.json"):
        assert (cell.path / name).read_bytes() == (same.path / name).read_bytes()
    pd.testing.assert_frame_equal(store.rows(run), other.rows(that), check_exact=True)
    assert not (tmp_path / "home").exists()  # all is below the store


def fail_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Save once, early, and end in the midst."""
    real = trainer.Trainer._step

    def failing(self: trainer.Trainer, phase: Any, now: int, batches: Any) -> Any:
        if now == 5:
            self._save(5)
        if now == step:
            raise RuntimeError("the lights went out")
        return real(self, phase, now, batches)

    monkeypatch.setattr(trainer.Trainer, "_step", failing)


def test_a_training_that_goes_on_tells_no_step_twice(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    logs = ("--tracker", "tensorboard", "--tracker", "mlflow", "--tracker", "diary")
    with monkeypatch.context() as patch:
        fail_at(15, patch)
        bench(*TOY, *logs, code=1)
    _, run = mlflow_run(tmp_path / "out")
    assert run.info.status == "FAILED" and "the lights went out" in run.data.tags["reason"]
    bench(*TOY, *logs)
    out = tmp_path / "out"
    told = expected(out)
    assert [step for step, _ in told["generator/l1"]] == [0, 10, 20]
    for found in (in_tensorboard(out), in_mlflow(out)):
        for name, points in told.items():
            assert [step for step, _ in found[name]] == [step for step, _ in points], name
    _, run = mlflow_run(out)
    assert run.info.status == "FINISHED"
    steps = [line[1] for line in diary(out) if line[0] == "logged"]
    assert steps == [0, 0, 10, 10, 20, 20]  # terms and curves


def diary(out: Path) -> list[list[Any]]:
    return [json.loads(line) for line in (out / "diary.jsonl").read_text().splitlines()]


def test_a_strangers_tracker_is_told_the_whole_life_of_a_cell(bench: Bench, tmp_path: Path):
    bench(*TOY, "--tracker", "diary")
    told = diary(tmp_path / "out")
    _, _, cell = stored(tmp_path / "out")
    assert [event for event, *_ in told] == ["began", *["logged"] * 6, "judged", "pictured", "pictured", "ended"]
    assert cell.path.name in told[0][1] and "'steps': 25" in told[0][1]
    assert told[-4][1:] == ["center", {"l1@full": expected(tmp_path / "out")["judged/center/l1@full"][0][1]}]
    assert all(Path(picture).is_file() for _, _, picture in told[-3:-1])
    assert told[-1] == ["ended", "done", ""]
    bench(*TOY, "--tracker", "diary")
    assert diary(tmp_path / "out") == told  # there was nothing to do
    bench(*TOY[:-1], "l1,l2", "--tracker", "diary")
    (evaluate,) = [line for line in diary(tmp_path / "out")[len(told) :] if line[0] == "judged"]
    assert set(evaluate[2]) == {"l2@full"}  # the others were told


def test_a_tracker_that_fails_is_told_of_once_and_nothing_else_changes(bench: Bench, tmp_path: Path):
    bench(*TOY, out="without")
    said = bench(*TOY, "--tracker", "torn", "--tracker", "diary").output
    assert said.count("--tracker torn failed") == said.count("OSError: no page is left") == 1
    assert [event for event, *_ in diary(tmp_path / "out")].count("ended") == 1  # the other one's
    (store, run, cell), (other, that, same) = stored(tmp_path / "out"), stored(tmp_path / "without")
    assert (cell.path / "weights.safetensors").read_bytes() == (same.path / "weights.safetensors").read_bytes()
    pd.testing.assert_frame_equal(store.rows(run), other.rows(that), check_exact=True)


def test_an_interrupted_cell_is_told_as_pending(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trainer.Trainer, "_step", lambda *of: (_ for _ in ()).throw(KeyboardInterrupt))
    bench(*TOY, "--tracker", "diary", code=130)
    assert diary(tmp_path / "out")[-1] == ["ended", "pending", ""]
