"""Terminal output: no escape codes on plain terminals, and tables that fit."""

import re
from pathlib import Path
from typing import Any

import pytest
from support import pty_session
from support.stored_cells import done, run_of

from bench_core.store.store import Store

METRICS = ["l1", "l2", "psnr", "ssim", "ms_ssim", "grad_l1"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two methods under two mask sets and six metrics."""
    store = Store(tmp_path_factory.mktemp("results"))
    entries = []
    for number, name in enumerate(("gradient_of_something", "telea")):
        values: dict[str, Any] = {metric: [0.1 + number, 0.2, 0.4] for metric in METRICS}
        entry = done(store, name, **values)
        done(store, name, mask_set="strokes", **values)
        entry.evaluation_ids["strokes"] = "evaluation"
        entries.append(entry)
    store.write_run(run_of(*entries, metrics=METRICS, test_masks=["center", "strokes"], num_pairs=3))
    return store.root


def words_of(command: str, results: Path) -> list[str]:
    return [str(results) if word == "RESULTS" else word for word in command.split()]


@pytest.mark.parametrize(
    ("command", "plain"),
    [
        ("doctor", {"NO_COLOR": "1"}),
        ("report RESULTS", {"NO_COLOR": "1"}),
        ("report RESULTS", {"TERM": "dumb"}),
        ("compare gradient_of_something telea RESULTS", {"NO_COLOR": "1"}),
    ],
)
def test_plain_terminals_get_no_escape_codes(command: str, plain: dict[str, str], results: Path):
    shown = pty_session.run(words_of(command, results), 80, **plain)
    assert shown.strip() and "\x1b" not in shown


def test_a_colour_terminal_gets_colours(results: Path):
    assert "\x1b[" in pty_session.run(["report", str(results)])


def test_progress_bars_become_lines_on_plain_terminals(photographs: Path, protocol: Path, tmp_path: Path):
    world = ["--protocol", str(protocol), "--data", str(photographs), "--device", "cpu", "--out", str(tmp_path / "out")]
    shown = pty_session.run(["run", "--plugins", "pconv", "--no-baselines", *world], NO_COLOR="1")
    assert "4/4" in shown and "\x1b" not in shown


@pytest.mark.parametrize("width", [80, 200])
def test_a_table_fits_the_terminal_and_keeps_all_values(width: int, results: Path):
    shown = pty_session.run(["report", str(results)], width, NO_COLOR="1")
    table = [line for line in shown.splitlines() if line and line[0] in "┏┃┡│└"]
    assert max(map(len, table)) <= width
    whole = pty_session.run(["report", str(results)], 400, NO_COLOR="1")
    assert sorted(re.findall(r"\d\.\d+ ± \d+\.\d+", shown)) == sorted(re.findall(r"\d\.\d+ ± \d+\.\d+", whole))
    for name in ("gradient_of_something", "telea"):
        assert shown.count(f"│ {name} ") == shown.count("┏") >= whole.count("┏") == 2


def test_numbers_are_whole_on_a_very_narrow_terminal(results: Path):
    shown = pty_session.run(["report", str(results)], 30, NO_COLOR="1")
    assert len(re.findall(r" \d\.\d+ ± \d+\.\d+[ ≈]*│", shown)) == 2 * shown.count("┏") == 2 * 2 * len(METRICS)
    assert "…" not in shown
    assert max(map(len, shown.rpartition("┘")[2].splitlines())) <= 30, "notes fit"
