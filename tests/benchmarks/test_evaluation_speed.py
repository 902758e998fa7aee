"""Candidates of `python -m benchmarks.evaluation_speed` run and agree. No test asks for a speed."""

from typing import Any

import pytest
from support.paths import ROOT

from bench_core.plugins import Plugins
from bench_perf.precision import Precision
from bench_perf.roofline import RooflineKernel
from bench_perf.run_case import run_case
from bench_perf.settings import Settings


@pytest.fixture
def evaluation_speed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import the benchmark, which is not installed."""
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import evaluation_speed

    return evaluation_speed


def no_kernel(precision: Precision) -> RooflineKernel:
    raise AssertionError("evaluation has no roofline")


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:.*disp:DeprecationWarning")  # of scipy, in pytorch-fid
def test_all_candidates_run_and_equal_functions_agree(evaluation_speed: Any):
    settings = Settings(Plugins.find(), ("mean_color",), ("metrics", "ssim", "overhead"))
    with evaluation_speed.random_weights():
        cases = evaluation_speed.cases(settings, num_pairs=2, num_images=2)
        rows = [row for case in cases for row in run_case(case, 0.0, no_kernel)]
    assert [row.reason for row in rows if row.reason] == []
    compared = [row for row in rows if row.difference is not None]
    assert all(row.agrees for row in compared)
    assert {"bench", "bench, LPIPS and FID only"} <= {row.name for row in compared}
