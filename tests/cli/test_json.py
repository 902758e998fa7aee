"""`--json`: whatever is asked for, standard output is one document of strict JSON."""

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
TELLING = (
    *("run", "report", "compare", "score", "check", "show", "cost", "doctor", "plugins", "protocols", "metrics"),
    *("masks list", "masks show", "weights list", "tables", "tables show", "tables run"),
)


@pytest.mark.parametrize("name", TELLING)
def test_commands_that_tell_something_tell_it_to_programs(name: str):
    options = {option for param in COMMANDS[f"bench {name}"].params for option in param.opts}
    assert "--json" in options


def test_numbers_that_are_none_become_null():
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
def test_lists_are_of_records_with_these_names(words: str, keys: set[str], ask: Ask):
    told = ask(*words.split(), "--json")
    assert told and all(keys <= set(each) for each in told)


def test_one_protocol_and_one_method_are_records(ask: Ask):
    assert ask("protocols", "quick", "--json")["masks"]["center"]["family"] == "center_box"
    assert ask("show", "telea", "--json")["recipe"] is None
    told = ask("show", "gated", "--scale", "nano", "--json")
    assert told["parameters"]["generator"] > 0 and told["recipe"]["phases"][0]["rounds"][0][0]["losses"]


def test_a_mask_sets_record_counts_its_holes(tmp_path: Path, ask: Ask, capfd: pytest.CaptureFixture[str]):
    from support.cli import call

    call("masks", "make", "center_box", "--count", "5", "--size", "16", "-o", str(tmp_path / "a.holes"))
    told = ask("masks", "show", str(tmp_path / "a.holes"), "--json")
    assert sum(each["border"] + each["no_border"] for each in told["counts"]) == 5
    assert told["mean_hole_ratio"] == 0.25 and told["manifest"]["family"] == "center_box"


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


def test_a_table_holds_values_texts_and_what_is_best(stored: Store, ask: Ask):
    (table,) = ask("report", str(stored.root), "--json")
    assert cell(table, "a", L1)["value"] == pytest.approx(0.2) and cell(table, "b", L1)["value"] == pytest.approx(0.3)
    assert cell(table, "c", L1)["best"] is True and cell(table, "b", L1)["best"] is False
    assert cell(table, "a", L1)["mask_set"] == "center" and cell(table, "a", L1)["text"].startswith("0.2000")
    assert cell(table, "c", PSNR)["value"] is None and cell(table, "c", PSNR)["text"].startswith("inf")
    assert cell(table, "b", FID)["value"] is None and cell(table, "b", FID)["text"] == "-"
    assert table["notes"]


def test_every_kind_of_table_can_be_told(stored: Store, ask: Ask, tmp_path: Path):
    root = str(stored.root)
    (table,) = ask("report", root, "--statistics", "--json")
    row = next(row for row in table["rows"] if row["metric"] == L1 and row["method"] == "a")
    assert {each["metric"]: each["value"] for each in row["values"]}["mean"] == pytest.approx(0.2)
    (by,) = ask("report", root, "--by", "hole_ratio", "--json")
    assert by["rows"][0].keys() == {"mask_set", "hole_ratio", "pairs", "method", "values"}
    (told,) = ask("compare", "a", "b", root, "--json")
    assert told["comparisons"][0]["difference"] == pytest.approx(-0.1)
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
def test_errors_are_told_to_programs_and_to_people(words: list[str], capfd: pytest.CaptureFixture[str], ask: Ask):
    told = ask(*words, "--json", code=2)
    assert set(told) == {"error"} and told["error"]
    with pytest.raises(SystemExit):
        from bench_core.cli import main

        main([*words, "--json"], prog_name="bench")
    printed = capfd.readouterr()
    assert told["error"].splitlines()[0] in printed.err


def test_a_format_and_json_exclude_each_other(stored: Store, ask: Ask):
    assert "two formats" in ask("report", str(stored.root), "--json", "--format", "csv", code=2)["error"]


def test_a_run_tells_its_cells_and_its_table_and_all_else_goes_aside(
    toy: None, protocol: Path, photographs: Path, tmp_path: Path, ask: Ask
):
    out, world = str(tmp_path / "out"), ["--protocol", str(protocol), "--data", str(photographs), "--device", "cpu"]
    options = ["--add-loss", "l2=1e38", "--metrics", "l1,fid", "--out", out]
    told = ask("run", "--plugins", "toy", *world, *options, "--json", code=1)
    assert Path(told["run"], "table.md").exists() and told["protocol"]["name"] == "small"
    states = {each["variant"]: each["state"] for each in told["cells"]}
    assert states.pop("telea") == "done" and "failed" in states.values()
    (failed,) = (each for each in told["cells"] if each["state"] == "failed")
    assert failed["reason"] and Path(failed["folder"]).is_dir()
    assert FID in told["missing"] and cell(told["table"], "telea", FID)["value"] is None
    (table,) = ask("report", out, "--json")
    assert table == told["table"]
    cost = ask("cost", out, "--steps", "10", "--images", "36000", "--json")
    assert cost["hours"] == pytest.approx(sum(each["hours"] for each in cost["methods"]))


def test_a_report_card_and_a_score_are_told(photographs: Path, tmp_path: Path, ask: Ask):
    card = ask("check", "telea", "--json")
    assert card["passed"] is True and {"rule", "state", "told"} == set(card["findings"][0])
    import cv2
    import numpy as np

    (tmp_path / "holes").mkdir()
    for path in (photographs / "test").iterdir():
        cv2.imwrite(str(tmp_path / "holes" / path.name), np.pad(np.full((10, 10), 255, np.uint8), ((5, 25), (5, 33))))
    test, holes = str(photographs / "test"), str(tmp_path / "holes")
    words = ["score", "--pred", test, "--truth", test, "--holes", holes, "--name", "Theirs", "--metrics", "l1,psnr"]
    told = ask(*words, "--out", str(tmp_path / "out"), "--json")
    assert cell(told["table"], "Theirs", L1)["value"] == 0 and told["cells"][0]["state"] == "done"


def test_several_tables_are_several_records(store: Store, ask: Ask):
    runs: list[Run] = [run_of(done(store, "a", l1=[0.1]), steps=steps, num_pairs=1) for steps in (1, 2)]
    for run in runs:
        store.write_run(run)
    assert len(ask("report", str(store.root), "--json")) == 2
