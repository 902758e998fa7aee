"""The model records and the methods that they build."""

import pytest
import torch

import bench_dmfn
from bench_core.errors import BadInput
from bench_core.specs import Model, resolve
from bench_dmfn.layers import BLOCKS

MODELS = {model.name: model for model in bench_dmfn.bench_models()}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_every_form_builds_and_predicts_multiples_of_its_size(model: Model):
    build = resolve(model.build)
    method = build("nano", 3, **model.options)
    for height, width in ((8, 12), (36, 20)):
        assert all(size % model.size_multiple["nano"] == 0 for size in (height, width))
        prediction = method.predict(torch.zeros(1, 3, height, width), torch.ones(1, 1, height, width))
        assert prediction.shape == (1, 3, height, width) and prediction.min() >= 0 and prediction.max() <= 1
    with torch.device("meta"):
        assert [type(build(scale, 3, **model.options)).__name__ for scale in model.scales] == ["DMFN", "DMFN"]


def test_every_block_has_a_form_and_the_plain_one_has_the_papers():
    assert [model.options["block"] for model in MODELS.values()] == [
        name.partition(":")[2] or "paper" for name in MODELS
    ]
    assert sorted(model.options["block"] for model in MODELS.values()) == sorted(BLOCKS)
    assert MODELS["dmfn"].options == {"block": "paper", "official_vgg_norm": False, "align": "paper"}


def test_an_unknown_block_raises_bad_input():
    with pytest.raises(BadInput, match=r"dmfn.block 'papers'\. Did you mean 'paper'"):
        resolve(MODELS["dmfn"].build)("nano", 3, block="papers")
