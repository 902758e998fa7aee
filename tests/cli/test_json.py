"""`--json`: standard output is always one document of strict JSON."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.command_tree import COMMANDS, ask
from support.stored_cells import FID, INF, L1, PSNR, done, run_of

from bench_core.cli.json_output import plain
from bench_core.store.store import Run, Store

__all__ = ["ask"]
Ask = Callable[..., Any]
WITH_JSON = (
    *("run", "report", "compare", "score", "check", "show", "cost", "doctor", "plugins", "protocols", "metrics"),
    *("masks list", "masks show", "weights list", "tables", "tables show", "tables run"),
)


@pytest.mark.parametrize("name", WITH_JSON)
def test_commands_with_results_have_json(name: str):
    options = {option for param in COMMANDS[f"bench {name}"].params for option in param.opts}
    assert "--json" in options


def test_nan_and_infinity_become_null():
    assert plain({"a": (math.nan, -INF, 1.5), Path("b"): Path("c")}) == {"a": [None, None, 1.5], "b": "c"}


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        ("plugins", {"name", "version", "hooks", "methods", "papers", "state", "error"}),
        ("protocols", {"name", "title", "image_set", "size", "masks", "metrics", "hash"}),
        ("metrics", {"definition", "title", "text", "better", "bounds", "version"}),
        ("masks list", {"name", "title", "source", "parameters", "required"}),
        ("weights list", {"method", "layout", "title", "source", "options"}),
        ("tables", {"name", "title", "needs", "missing"}),
    ],
)
def test_lists_hold_records_with_these_keys(words: str, keys: set[str], ask: Ask):
    records = ask(*words.split(), "--json")
    assert records and all(keys <= set(each) for each in records)


def test_one_protocol_and_one_method_are_records(ask: Ask):
    assert ask("protocols", "quick", "--json")["masks"]["center"]["family"] == "center_box"
    assert ask("show", "telea", "--json")["recipe"] is None
    record = ask("show", "gated", "--scale", "nano", "--json")
    assert record["parameters"]["generator"] > 0 and record["recipe"]["phases"][0]["rounds"][0][0]["losses"]


def test_the_record_of_a_mask_set_counts_its_holes(tmp_path: Path, ask: Ask, capfd: pytest.CaptureFixture[str]):
    from support.cli import call

    call("masks", "make", "center_box", "--count", "5", "--size", "16", "-o", str(tmp_path / "a.holes"))
    record = ask("masks", "show", str(tmp_path / "a.holes"), "--json")
    assert sum(each["border"] + each["no_border"] for each in record["counts"]) == 5
    assert record["mean_hole_ratio"] == 0.25 and record["manifest"]["family"] == "center_box"


@pytest.fixture
def stored(store: Store) -> Store:
    entries = [
        done(store, "a", l1=[0.1, 0.3], psnr=[20.0, 24.0], fid=[7.0]),
        done(store, "b", l1=[0.2, 0.4], psnr=[18.0, 25.0]),
        done(store, "c", l1=[0.0, 0.0], psnr=[INF, INF]),
    ]
    store.write_run(run_of(*entries, metrics=["l1", "psnr", "fid"], num_pairs=2, missing={FID: "no weights"}))
    return store


def cell(table: dict[str, Any], method: str, metric: str) -> dict[str, Any]:
    (row,) = (row for row in table["rows"] if row["method"] == method)
    return next(each for each in row["values"] if each["metric"] == metric)


def test_a_table_holds_values_texts_and_the_best(stored: Store, ask: Ask):
    (table,) = ask("report", str(stored.root), "--json")
    assert cell(table, "a", L1)["value"] == pytest.approx(0.2) and cell(table, "b", L1)["value"] == pytest.approx(0.3)
    assert cell(table, "c", L1)["best"] is True and cell(table, "b", L1)["best"] is False
    assert cell(table, "a", L1)["mask_set"] == "center" and cell(table, "a", L1)["text"].startswith("0.2000")
    assert cell(table, "c", PSNR)["value"] is None and cell(table, "c", PSNR)["text"].startswith("inf")
    assert cell(table, "b", FID)["value"] is None and cell(table, "b", FID)["text"] == "-"
    assert table["notes"]


def test_every_kind_of_table_has_a_record(stored: Store, ask: Ask, tmp_path: Path):
    root = str(stored.root)
    (table,) = ask("report", root, "--statistics", "--json")
    row = next(row for row in table["rows"] if row["metric"] == L1 and row["method"] == "a")
    assert {each["metric"]: each["value"] for each in row["values"]}["mean"] == pytest.approx(0.2)
    (by,) = ask("report", root, "--by", "hole_ratio", "--json")
    assert by["rows"][0].keys() == {"mask_set", "hole_ratio", "pairs", "method", "values"}
    (record,) = ask("compare", "a", "b", root, "--json")
    assert record["comparisons"][0]["difference"] == pytest.approx(-0.1)
    assert ask("tables", "show", "dmfn-1", "--json")["rows"]
    assert ask("doctor", "--store", root, "--json")["facts"][0]["subject"] == "runs"


@pytest.mark.parametrize(
    "words",
    [
        ["report", "nowhere"],
        ["show", "nobody"],
        ["check"],
        ["report", "nowhere", "--by", "moon"],
        ["run", "--size", "x"],
    ],
)
def test_errors_are_json_on_stdout_and_text_on_stderr(words: list[str], capfd: pytest.CaptureFixture[str], ask: Ask):
    record = ask(*words, "--json", code=2)
    assert set(record) == {"error"} and record["error"]
    with pytest.raises(SystemExit):
        from bench_core.cli import main

        main([*words, "--json"], prog_name="bench")
    printed = capfd.readouterr()
    assert record["error"].splitlines()[0] in printed.err


def test_a_format_and_json_exclude_each_other(stored: Store, ask: Ask):
    assert "two formats" in ask("report", str(stored.root), "--json", "--format", "csv", code=2)["error"]


def test_a_run_prints_its_cells_and_table_and_all_else_goes_to_stderr(
    toy: None, protocol: Path, photographs: Path, tmp_path: Path, ask: Ask
):
    out, world = str(tmp_path / "out"), ["--protocol", str(protocol), "--data", str(photographs), "--device", "cpu"]
    options = ["--add-loss", "l2=1e38", "--metrics", "l1,fid", "--out", out]
    record = ask("run", "--plugins", "toy", *world, *options, "--json", code=1)
    assert Path(record["run"], "table.md").exists() and record["protocol"]["name"] == "small"
    states = {each["variant"]: each["state"] for each in record["cells"]}
    assert states.pop("telea") == "done" and "failed" in states.values()
    (failed,) = (each for each in record["cells"] if each["state"] == "failed")
    assert failed["reason"] and Path(failed["folder"]).is_dir()
    assert FID in record["missing"] and cell(record["table"], "telea", FID)["value"] is None
    (table,) = ask("report", out, "--json")
    assert table == record["table"]
    cost = ask("cost", out, "--steps", "10", "--images", "36000", "--json")
    assert cost["hours"] == pytest.approx(sum(each["hours"] for each in cost["methods"]))


def test_check_and_score_print_records(photographs: Path, tmp_path: Path, ask: Ask):
    report = ask("check", "telea", "--json")
    assert report["passed"] is True and {"rule", "state", "note"} == set(report["findings"][0])
    import cv2
    import numpy as np

    (tmp_path / "holes").mkdir()
    for path in (photographs / "test").iterdir():
        cv2.imwrite(str(tmp_path / "holes" / path.name), np.pad(np.full((10, 10), 255, np.uint8), ((5, 25), (5, 33))))
    test, holes = str(photographs / "test"), str(tmp_path / "holes")
    words = ["score", "--pred", test, "--truth", test, "--holes", holes, "--name", "Theirs", "--metrics", "l1,psnr"]
    record = ask(*words, "--out", str(tmp_path / "out"), "--json")
    assert cell(record["table"], "Theirs", L1)["value"] == 0 and record["cells"][0]["state"] == "done"


def test_several_tables_are_several_records(store: Store, ask: Ask):
    runs: list[Run] = [run_of(done(store, "a", l1=[0.1]), steps=steps, num_pairs=1) for steps in (1, 2)]
    for run in runs:
        store.write_run(run)
    assert len(ask("report", str(store.root), "--json")) == 2
