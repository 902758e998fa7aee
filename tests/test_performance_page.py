"""The page of measurements says what is in the measurements."""

import runpy
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "reports" / "performance"


def test_the_page_is_the_one_that_the_measurements_make():
    page = runpy.run_path(str(FOLDER / "page.py"))["page"]()
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == page
