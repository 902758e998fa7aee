"""Selection of metrics: a name selects one definition, and the names of variants say how they differ."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from bench_core.errors import BadInput
from bench_core.metrics import bench_metrics, select_metrics
from bench_core.specs import Metric
from bench_core.store.store import read_runs

KNOWN = {metric.definition: metric for metric in bench_metrics()}


def one(name: str) -> Metric:
    return select_metrics([name], KNOWN)[0]


def test_metrics_are_selected_by_bare_name_or_definition_in_the_given_order() -> None:
    definitions = [metric.definition for metric in select_metrics(["psnr", "ssim@skimage", "l1"], KNOWN)]
    assert definitions == ["psnr@full", "ssim@skimage", "l1@full"]
    assert select_metrics([], KNOWN) == []


def test_a_bare_name_selects_the_first_definition() -> None:
    second = Metric("ssim@other", "SSIM", "another", "higher", "nowhere:ssim")
    known = {**KNOWN, second.definition: second}
    assert [metric.definition for metric in select_metrics(["ssim", "ssim@other"], known)] == [
        "ssim@skimage",
        "ssim@other",
    ]


@pytest.mark.parametrize(
    ("given", "nearest"),
    [("pnsr", "psnr"), ("ssim@skimag", "ssim@skimage"), ("LPIPS@alex", ""), ("l1@ring0", ""), ("lpips@ring3", "")],
)
def test_an_unknown_metric_is_rejected_with_the_nearest_name(given: str, nearest: str) -> None:
    with pytest.raises(BadInput, match=rf"no metric '{given}'.*{nearest}.*fid@pytorch-fid"):
        select_metrics(["l1", given], KNOWN)


def test_two_names_of_one_definition_are_rejected() -> None:
    with pytest.raises(BadInput, match="l1@full is given twice"):
        select_metrics(["l1", "psnr", "l1@full"], KNOWN)


def test_variants_have_names_of_their_own() -> None:
    assert one("ssim-float").definition == "ssim@skimage-float"
    assert one("l1@hole-raw-float").definition == "l1@hole-raw-float"
    assert (one("psnr").quantised, one("psnr-float").quantised) == (True, False)
    assert (one("psnr").source, one("psnr-raw").source) == ("composite", "raw")
    titles = {one(name).title for name in ("l1", "l1-raw", "l1-float", "l1-raw-float", "l1@ring8", "l1@ring3")}
    assert len(titles) == 6
    with pytest.raises(BadInput, match="no metric"):
        one("l1-float-raw")


def test_variants_of_set_metrics_have_features_of_their_own() -> None:
    names = [one(f"fid@pytorch-fid{variant}").features for variant in ("", "-raw", "-float", "-raw-float")]
    assert len(set(names)) == 4
    assert one("kid-raw").features == one("fid-raw").features


def test_a_ring_may_have_any_width() -> None:
    assert (one("psnr@ring3").region, one("psnr@ring30").region) == ("ring3", "ring30")
    assert "within 30 of" in one("psnr@ring30").text
    assert one("psnr@ring8") == KNOWN["psnr@ring8"]


def test_float_metrics_are_definitions_of_their_own_and_measure_unrounded_values(
    bench: Callable[..., Result], tmp_path: Path
) -> None:
    bench("--plugins", "pconv", "--steps", "0", "--metrics", "l1,psnr@hole", "--float-metrics", out="floats")
    bench("--plugins", "pconv", "--steps", "0", "--metrics", "l1,psnr@hole", out="bytes")
    floats, bits = (store.rows(runs[-1]) for store, runs in (read_runs(tmp_path / out) for out in ("floats", "bytes")))
    assert set(floats["metric"]) == {"l1@full-float", "psnr@hole-float"}
    assert set(bits["metric"]) == {"l1@full", "psnr@hole"}
    apart = (floats["value"] - bits["value"]).abs()
    assert 0 < apart[floats["metric"] == "l1@full-float"].max() < 0.5 / 255
