"""`bench tables` lists, measures and shows papers' tables."""

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.cli import call

from bench_core.cli import main
from bench_reports import bench_paper_tables, bench_protocols


def bench(*words: str, code: int = 0) -> Result:
    return call("tables", *words, code=code)


SMALL = "--image-set photos --size 32 --scale nano --steps 2 --batch 2 --backbone random --test-images 2 --device cpu"


def test_run_measures_a_table_and_shows_it(tmp_path: Path) -> None:
    out = str(tmp_path / "results")
    shown = bench("run", "dmfn-3", "--out", out, *SMALL.split()).output
    for column in ("published", "measured", "25.83", "0.8892"):
        assert column in shown
    printed = json.loads((next(Path(out).glob("runs/*/run.json"))).read_text())
    assert [entry["variant"] for entry in printed["entries"]] == [
        "dmfn-self_guided",
        "dmfn-align",
        "dmfn-fm_dis",
        "dmfn",
    ], "in the order of the table, without baselines"
    csv = bench("show", "dmfn-3", out, "--format", "csv").stdout.splitlines()
    assert csv[0].startswith("method,dmfn-celeba-hq/LPIPS published,dmfn-celeba-hq/LPIPS measured")
    assert csv[-1].startswith("DMFN loss: with all,0.053,,25.83,")
    for format_, mark in (("markdown", "| DMFN loss: with all |"), ("latex", r"\toprule"), ("html", "<table")):
        assert mark in bench("show", "dmfn-3", out, "--format", format_).output
    bench("show", "dmfn-3", out, "--format", "parquet", "-o", str(tmp_path / "table.parquet"))
    assert (tmp_path / "table.parquet").exists()


def test_table_can_be_shown_before_it_is_measured() -> None:
    shown = bench("show", "dmfn-1", "--format", "markdown").output
    assert "| DMFN (ours) | 0.1018 | - | 25.00 | - | 0.8563 | - |" in shown
    assert "dmfn-ffhq has not been run." in shown


def test_protocol_without_data_is_skipped_with_a_message() -> None:
    refused = bench("run", "dmfn-1", code=2).output
    assert "Skipping dmfn-places2: give --data places2=FOLDER" in refused
    assert "Nothing in the table dmfn-1 can be measured here" in refused


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["show", "dmfn-9"], "no table 'dmfn-9'. Did you mean 'dmfn-"),
        (["run", "dmfn-9"], "no table 'dmfn-9'"),
        (["show", "dmfn-1", "--format", "pdf"], "no format 'pdf'"),
        (["show", "dmfn-1", "nowhere"], "nowhere holds no runs"),
        (["show", "dmfn-1", "-o", "a.svg"], "dmfn-1 is a table, not a figure of curves"),
        (["show", "gradient-attention-2", "-o", "a.svg"], "no curves of alpha = 0, alpha = 1"),
    ],
)
def test_bad_input_is_rejected_with_a_message(words: list[str], message: str) -> None:
    assert message in bench(*words, code=2).output


def test_every_table_is_listed_with_needs_and_missing_items() -> None:
    listed = bench().output
    for file in bench_paper_tables():
        assert f"\n{file.name}: " in f"\n{listed}"
        methods = tomllib.loads(file.path.read_text()).get("methods", {})
        without = ", ".join(name for name, method in methods.items() if not method)
        assert not without or f"missing  methods for {without}" in listed
    given = bench("--data", "celeba_hq=anywhere").output
    assert "--data celeba_hq=FOLDER" in listed
    assert "--data celeba_hq=FOLDER" not in given


def test_protocols_of_plugins_are_listed_and_printed() -> None:
    listed = call("protocols").output
    assert "quick " in listed
    assert all(file.name in listed for file in bench_protocols())
    file = bench_protocols()[0]
    assert call("protocols", file.name).output == file.path.read_text()
    assert "Did you mean 'dmfn-places2'" in CliRunner().invoke(main, ["protocols", "dmfn-place2"]).output
