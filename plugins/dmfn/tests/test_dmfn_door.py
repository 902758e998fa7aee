"""The plugin's door: what is seen before, and after, its networks are imported."""

import subprocess
import sys

import pytest
import torch

import bench_dmfn
from bench_core.errors import BadInput
from bench_core.specs import Model, resolve
from bench_dmfn.layers import BLOCKS


def test_the_door_imports_no_torch():
    code = (
        "import sys, bench_dmfn; bench_dmfn.bench_models(), bench_dmfn.bench_losses(); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


MODELS = {model.name: model for model in bench_dmfn.bench_models()}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_every_form_builds_and_paints_sizes_it_claims(model: Model):
    build = resolve(model.build)
    method = build("nano", 3, **model.options)
    for height, width in ((8, 12), (36, 20)):
        assert all(size % model.size_multiple["nano"] == 0 for size in (height, width))
        painted = method.predict(torch.zeros(1, 3, height, width), torch.ones(1, 1, height, width))
        assert painted.shape == (1, 3, height, width) and painted.min() >= 0 and painted.max() <= 1
    with torch.device("meta"):
        assert [type(build(scale, 3, **model.options)).__name__ for scale in model.scales] == ["DMFN", "DMFN"]


def test_every_block_has_a_form_and_the_papers_is_the_plain_one():
    assert [model.options["block"] for model in MODELS.values()] == [
        name.partition(":")[2] or "paper" for name in MODELS
    ]
    assert sorted(model.options["block"] for model in MODELS.values()) == sorted(BLOCKS)
    assert MODELS["dmfn"].options == {"block": "paper", "official_vgg_norm": False}


def test_an_unknown_block_is_named():
    with pytest.raises(BadInput, match=r"dmfn.block 'papers'\. Did you mean 'paper'"):
        resolve(MODELS["dmfn"].build)("nano", 3, block="papers")
