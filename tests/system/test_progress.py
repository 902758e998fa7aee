"""Progress output: rates count this run's work only, and plain terminals get plain lines."""

import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from click.testing import Result
from rich.text import Text

from bench_core.system import progress

Bench = Callable[..., Result]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    fake = Clock()
    monkeypatch.setattr(progress, "clock", fake)
    return fake


class FakeTerminal(StringIO):
    def isatty(self) -> bool:
        return True


def capture(monkeypatch: pytest.MonkeyPatch, printed: StringIO, **environment: str) -> StringIO:
    """Send progress to `printed`, with these environment variables."""
    for name, value in {"TERM": "xterm-256color", "NO_COLOR": "", "COLUMNS": "150", **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stderr", printed)
    monkeypatch.setattr(progress, "console", progress.open_console(stderr=True))
    return printed


def train(clock: Clock) -> None:
    """Train 100 steps of 4 images: resume at step 40 after 10 seconds, then run 2 steps a second."""
    with progress.progress_bar("training toy[fuse=no], seed 0", 100, each=4.0) as update:
        clock.now = 10
        update(40)
        for step in range(42, 101, 2):
            clock.now += 1
            update(step, f"l1 0.{step}")


LINES = [
    "training toy[fuse=no], seed 0: 52/100 after 16 s, 8 images/s, 0:00:24 left  l1 0.52",
    "training toy[fuse=no], seed 0: 84/100 after 32 s, 8 images/s, 0:00:08 left  l1 0.84",
    "training toy[fuse=no], seed 0: 100/100 after 40 s, 8 images/s  l1 0.100",
]


def test_plain_lines_show_rate_loss_and_time_left(clock: Clock, monkeypatch: pytest.MonkeyPatch):
    printed = capture(monkeypatch, StringIO())
    train(clock)
    assert printed.getvalue().splitlines() == LINES


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": "unknown"}, {"NO_COLOR": "1"}], ids=str)
def test_a_dumb_terminal_or_no_color_gets_plain_lines(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
):
    printed = capture(monkeypatch, FakeTerminal(), **environment)
    train(clock)
    assert printed.getvalue().splitlines() == LINES


def test_a_terminal_gets_a_bar_with_the_same_facts(clock: Clock, monkeypatch: pytest.MonkeyPatch):
    printed = capture(monkeypatch, FakeTerminal())
    with progress.progress_bar("evaluating toy[fuse=no] on center", 100) as update:
        for done in range(10, 70, 10):
            clock.now += 20
            update(done, "[l1] 0.5")
    assert "\x1b[" in printed.getvalue()
    lines = Text.from_ansi(printed.getvalue()).plain.splitlines()
    last = " ".join(re.sub(r"[━╸╺]+", "|", lines[-1]).split())
    assert last == "evaluating toy[fuse=no] on center | 60/100 0:02:00 0.5 images/s 0:01:20 left [l1] 0.5"


def test_skipped_units_do_not_count_in_the_rate(clock: Clock, monkeypatch: pytest.MonkeyPatch):
    printed = capture(monkeypatch, StringIO())
    with progress.progress_bar("checking images", 2000) as update:
        update.skip_to(900)
        for done in range(901, 917):
            clock.now += 1
            update(done)
        update.skip_to(1990)
        clock.now += 10
        update(2000)
    assert printed.getvalue().splitlines() == [
        "checking images: 916/2000 after 16 s, 1 images/s, 0:18:04 left",
        "checking images: 2000/2000 after 26 s, 1 images/s",
    ]


@pytest.mark.parametrize(
    ("speed", "expected"), [(0.01234, "0.0123"), (12.345, "12.3"), (99.7, "99.7"), (12345.0, "12,345")]
)
def test_rates_have_three_digits(clock: Clock, monkeypatch: pytest.MonkeyPatch, speed: float, expected: str):
    printed = capture(monkeypatch, StringIO())
    with progress.progress_bar("holes", 3, "holes", each=speed) as update:
        for done in (1, 2, 3):
            clock.now += 1
            update(done)
    assert f", {expected} holes/s\n" in printed.getvalue()


def test_a_run_prints_the_number_of_the_running_cell_and_of_all_cells(
    bench: Bench, toy: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(progress, "LINE_SECONDS", -1)
    asked = ("--plugins", "toy", "--seeds", "0,1", "--test-masks", "center", "--metrics", "l1", "--steps", "3")
    output = bench(*asked, "--no-baselines").output
    assert re.findall(r"^\d/2 .*$", output, re.MULTILINE) == ["1/2 toy, seed 0", "2/2 toy, seed 1"]
    number = r"[\d.,e+]+"
    assert re.search(
        rf"^training toy, seed 0: 2/3 after \d+ s, {number} images/s, 0:00:0\d left  l1 {number}  far ", output, re.M
    )
    assert re.search(r"^evaluating toy on center: 2/2 after \d+ s", output, re.M)
    again = bench(*asked).output
    assert re.findall(r"^\d/5 .*$", again, re.MULTILINE) == [
        "1/5 mean_color, seed 0",
        "2/5 telea, seed 0",
        "3/5 navier_stokes, seed 0",
    ]
