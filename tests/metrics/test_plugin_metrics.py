"""Metrics of plugins are known to the commands that read the store later."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.cli import call


@pytest.mark.usefixtures("toy")
def test_rows_of_a_plugins_metric_can_be_reported_compared_plotted_and_verified(bench: Callable, tmp_path: Path):
    bench("--plugins", "toy", "--metrics", "l1,mean@toy")
    store = str(tmp_path / "out")
    (table,) = tmp_path.glob("out/runs/*/table.md")
    call("report", store, "--format", "markdown", "-o", str(tmp_path / "again.md"))
    assert (tmp_path / "again.md").read_text() == table.read_text()
    assert "| mean@toy |" in call("compare", "toy", "telea", store, "--format", "markdown").output
    call("figure", "scatter", store, "--metric", "mean@toy", "-o", str(tmp_path / "costs.svg"))
    assert "wrong" not in call("doctor", "--store", store).output
