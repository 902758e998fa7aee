"""A metric that a plugin brings is known after the run that asked for it, too."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.cli import call


@pytest.mark.usefixtures("toy")
def test_its_numbers_are_printed_again_compared_drawn_and_verified(bench: Callable, tmp_path: Path):
    bench("--plugins", "toy", "--metrics", "l1,mean@toy")
    store = str(tmp_path / "out")
    (table,) = tmp_path.glob("out/runs/*/table.md")
    call("report", store, "--format", "markdown", "-o", str(tmp_path / "again.md"))
    assert (tmp_path / "again.md").read_text() == table.read_text()
    assert "| mean@toy |" in call("compare", "toy", "telea", store, "--format", "markdown").output
    call("figure", "scatter", store, "--metric", "mean@toy", "-o", str(tmp_path / "costs.svg"))
    assert "wrong" not in call("doctor", "--store", store).output
