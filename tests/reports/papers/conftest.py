"""Fixture: the toy paper's table, read from its files."""

from pathlib import Path

import pytest
from support.toy_paper_table import NUMBERS, TABLE

from bench_core.paper_table import PaperTable, read
from bench_core.specs import NamedFile


@pytest.fixture
def paper(tmp_path: Path) -> PaperTable:
    (tmp_path / "numbers.csv").write_text(NUMBERS)
    (tmp_path / "nine.toml").write_text(TABLE)
    return read(NamedFile("nine", tmp_path / "nine.toml"))
