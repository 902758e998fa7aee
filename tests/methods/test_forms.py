"""Optional features of a method: forms, options, guides, post-processing, given weights and curves."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from click.testing import Result

from bench_core.store.store import CellFolder, CellStatus, read_runs
from bench_core.system import files
from bench_core.weights.weight_file import read_metadata

Bench = Callable[..., Result]
pytestmark = pytest.mark.usefixtures("toy")


def entries(out: Path) -> dict[str, CellStatus]:
    return {entry.variant: entry for entry in read_runs(out)[1][-1].entries if entry.method.startswith("toy")}


def rows(out: Path, variant: str) -> pd.DataFrame:
    store, runs = read_runs(out)
    found = store.rows(runs[-1])
    return found[found["variant"] == variant].reset_index(drop=True)


def cell(out: Path, variant: str) -> Path:
    return out / "cells" / entries(out)[variant].folder


def identity(out: Path, variant: str) -> dict:
    return json.loads((cell(out, variant) / "identity.json").read_text())


def test_forms_run_only_where_they_are_asked_for(bench: Bench, tmp_path: Path):
    bench("--plugins", "toy", out="plain")
    assert list(entries(tmp_path / "plain")) == ["toy"]
    bench("--plugins", "toy:picky,toy", out="both")
    assert list(entries(tmp_path / "both")) == ["toy:picky", "toy"]
    assert "no form of toy 'pickky'. Did you mean 'picky'" in bench("--plugins", "toy:pickky", code=2).output


def test_changes_of_one_method_leave_the_others_alone(bench: Bench, tmp_path: Path):
    bench("--plugins", "toy,toy-far,toy+far=2", "--add-loss", "l2=1")
    assert list(entries(tmp_path / "out")) == ["toy+l2=1", "toy+l2=1-far", "toy+l2=1+far=2"]
    losses = identity(tmp_path / "out", "toy+l2=1+far=2")["recipe"]["phases"][0]["rounds"][0][0]["losses"]
    assert losses == {"l1": 1.0, "far": 2.0, "l2": 1.0}


def test_options_reach_the_network_and_the_loss_and_the_name(bench: Bench, tmp_path: Path):
    bench("--plugins", "toy", "--option", "toy.bias=false", "--option", "toy.start=0.25", "--option", "far.level=0.75")
    name = "toy[bias=false][start=0.25][far.level=0.75]"
    found = identity(tmp_path / "out", name)
    assert found["options"] == {"bias": False, "start": 0.25}
    assert found["loss_parameters"] == {"l1": {}, "far": {"level": 0.75}}
    facts = read_metadata(cell(tmp_path / "out", name) / "weights.safetensors")
    assert facts["options"] == {"bias": False, "start": 0.25}
    bench("--plugins", "toy", out="plain")
    assert not rows(tmp_path / "plain", "toy")["value"].equals(rows(tmp_path / "out", name)["value"])


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("toy.biass=false", "no option of these methods and loss terms 'toy.biass'. Did you mean 'toy.bias'"),
        ("toy.bias=maybe", "The option toy.bias is 'maybe'; give true or false"),
        ("toy.start=much", "The option toy.start is 'much'; give a value like 0.5"),
        ("toy.bias", "is not NAME=VALUE"),
    ],
)
def test_options_that_make_no_sense_are_refused(bench: Bench, tmp_path: Path, option: str, said: str):
    assert said in " ".join(bench("--plugins", "toy", "--option", option, code=2).output.split())
    assert not (tmp_path / "out" / "cells").exists()


def test_an_unsupported_mask_set_is_not_used(bench: Bench, tmp_path: Path):
    output = bench("--plugins", "toy:picky,toy").output
    picky = entries(tmp_path / "out")["toy:picky"]
    assert picky.state == "done"
    assert picky.refused == {"free-form": "fills holes in the middle only"}
    assert set(rows(tmp_path / "out", "toy:picky")["mask_set"]) == {"center"}
    assert set(rows(tmp_path / "out", "toy")["mask_set"]) == {"center", "free-form"}
    assert [masks["family"] for masks in identity(tmp_path / "out", "toy:picky")["masks"]] == ["center_box"]
    text = " ".join(output.split())
    assert "toy:picky is n/a on free-form: it fills holes in the middle only." in text
    assert "toy:picky was trained with the masks center only" in text
    line = next(line for line in output.splitlines() if "toy:picky" in line and "n/a" in line)
    assert line.count("n/a") == 3  # metrics


def test_a_method_without_any_mask_set_is_refused_before_training(bench: Bench, tmp_path: Path):
    result = bench("--plugins", "toy:picky", "--test-masks", "free-form", code=2)
    assert "toy:picky fills holes in the middle only" in " ".join(result.output.split())
    bench("--plugins", "toy:picky,toy", "--test-masks", "free-form", out="beside")
    assert entries(tmp_path / "beside")["toy:picky"].state == "n/a"


def test_a_network_of_one_size_takes_no_other(bench: Bench):
    said = "toy:tiny takes images of 8 pixels only at scale 'nano', not 32"
    assert said in " ".join(bench("--plugins", "toy:tiny", code=2).output.split())


def test_a_guide_helps_in_training_and_evaluation_and_is_noted(bench: Bench, tmp_path: Path):
    output = " ".join(bench("--plugins", "toy:guided").output.split())
    assert entries(tmp_path / "out")["toy:guided"].state == "done"
    assert identity(tmp_path / "out", "toy:guided")["guide"] == "brightness"
    assert "toy:guided is helped by brightness of the ground truth inside the hole." in output


def test_a_failing_guide_is_a_row_and_the_others_run(bench: Bench, tmp_path: Path):
    module = tmp_path / "modules" / "bench_toy.py"
    module.write_text(module.read_text() + "\n\ndef Brightness(device):\n    raise BadInput('The lamp is broken.')\n")
    output = " ".join(bench("--plugins", "toy:guided,toy", code=1).output.split())
    found = entries(tmp_path / "out")
    assert (found["toy:guided"].state, found["toy:guided"].reason) == ("failed", "The lamp is broken.")
    assert found["toy"].state == "done"
    assert "toy:guided failed: The lamp is broken." in output


def test_post_processing_shares_the_training(bench: Bench, tmp_path: Path):
    output = bench("--plugins", "toy,toy:black").output
    assert output.count("training toy") == output.count("training toy,") > 0
    assert cell(tmp_path / "out", "toy") == cell(tmp_path / "out", "toy:black")
    plain, black = (rows(tmp_path / "out", name) for name in ("toy", "toy:black"))
    assert len(plain) == len(black)
    assert not plain["value"].equals(black["value"])
    bench("--plugins", "toy:black", out="alone")
    assert rows(tmp_path / "alone", "toy:black")["value"].equals(black["value"])


def test_given_weights_are_evaluated_without_training(bench: Bench, tmp_path: Path):
    bench("--plugins", "toy", "--option", "toy.start=0.25", out="first")
    weights = cell(tmp_path / "first", "toy[start=0.25]") / "weights.safetensors"
    output = bench("--plugins", "toy", "--weights", f"toy={weights}").output
    assert "training toy" not in output
    name = f"toy (weights {files.sha256(weights)[:8]})"
    assert identity(tmp_path / "out", name)["options"]["start"] == 0.25
    given, trained = rows(tmp_path / "out", name), rows(tmp_path / "first", "toy[start=0.25]")
    assert given["value"].equals(trained["value"])
    assert f"{name} was not trained here; its weights are weights.safetensors, sha256" in " ".join(output.split())
    bench("--plugins", "toy", "--weights", f"toy={weights}", "--precision", "bf16-mixed")
    assert f"{name} (bf16-mixed)" in entries(tmp_path / "out")


def test_weights_of_another_method_or_scale_are_refused(bench: Bench, tmp_path: Path):
    bench("--plugins", "toy", out="first")
    weights = cell(tmp_path / "first", "toy") / "weights.safetensors"
    for plugin, more, said in (
        ("toy:guided", [], "holds weights of 'toy', not of 'toy:guided'"),
        ("toy", ["--scale", "paper"], "holds weights of scale nano, but the protocol has scale paper"),
    ):
        result = bench("--plugins", plugin, "--weights", f"{plugin}={weights}", *more, code=2)
        assert said in " ".join(result.output.split())
    result = bench("--plugins", "toy", "--weights", f"tog={weights}", code=2)
    assert "no method among those asked for 'tog'. Did you mean 'toy'" in " ".join(result.output.split())


def test_curves_are_evaluated_during_training(bench: Bench, protocol: Path, tmp_path: Path):
    protocol.write_text("curve_every = 2\ncurve_images = 1\n" + protocol.read_text())
    bench("--plugins", "toy")
    lines = CellFolder(cell(tmp_path / "out", "toy"), {}).curves()
    assert [(line["step"], line["mask_set"]) for line in lines] == [
        (step, name) for step in (0, 2, 4) for name in ("center", "free-form")
    ]
    final = rows(tmp_path / "out", "toy")
    for line in lines[-2:]:
        one = final[(final["image"] == final["image"][0]) & (final["mask_set"] == line["mask_set"])]
        assert line["values"] == pytest.approx(dict(zip(one["metric"], one["value"], strict=True)), abs=1e-12)
