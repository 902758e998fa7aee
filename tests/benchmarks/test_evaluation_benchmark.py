"""What `python -m benchmarks.judging` sets side by side does run, and computes the same. Nothing asks for a speed."""

from typing import Any

import pytest
from support.paths import ROOT

from bench_core.plugins import Plugins
from bench_perf.roofline import RooflineKernel
from bench_perf.run_case import measured
from bench_perf.settings import Settings
from bench_perf.variants import Arithmetic


@pytest.fixture
def judging(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The benchmark, which is no installed package."""
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import judging

    return judging


def no_kernel(arithmetic: Arithmetic) -> RooflineKernel:
    raise AssertionError("judging has no floor")


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:.*disp:DeprecationWarning")  # of scipy, in pytorch-fid
def test_all_contenders_run_and_those_that_should_agree_do(judging: Any):
    settings = Settings(Plugins.find(), ("mean_color",), ("metrics", "ssim", "overhead"))
    with judging.random_weights():
        cases = judging.cases_of(settings, num_pairs=2, num_images=2)
        rows = [row for case in cases for row in measured(case, 0.0, no_kernel)]
    assert [row.reason for row in rows if row.reason] == []
    compared = [row for row in rows if row.difference is not None]
    assert all(row.agrees for row in compared)
    assert {"judge", "bench, LPIPS and FID only"} <= {row.name for row in compared}
