"""The model records and the methods that they build."""

import pytest
import torch

import bench_gradient_attention
from bench_core.specs import resolve

MODELS = {model.name: model for model in bench_gradient_attention.bench_models()}


@pytest.mark.parametrize("name", MODELS)
def test_every_form_predicts_multiples_of_its_size(name):
    model = MODELS[name]
    (channels,) = model.channels
    multiple = model.size_multiple["nano"]
    sizes = [(28, 28)] if model.fixed_size else [(multiple, 2 * multiple), (36, 20)]
    for height, width in sizes:
        hole = torch.ones(1, 1, height, width)
        prediction = resolve(model.build)("nano", channels, **model.options).predict(
            torch.zeros(1, channels, height, width), hole
        )
        assert prediction.shape == (1, channels, height, width) and prediction.min() >= 0 and prediction.max() <= 1


@pytest.mark.parametrize("name", MODELS)
def test_scale_nano_is_the_same_network_but_narrower(name):
    model = MODELS[name]
    with torch.device("meta"):
        paper, nano = (resolve(model.build)(scale, model.channels[0]).state_dict() for scale in ("paper", "nano"))
    assert list(paper) == list(nano)
    fixed = {1, 3, 5, 784}  # scores, colours, the generator's input, a digit's pixels
    for key, value in nano.items():
        for wide, narrow in zip(paper[key].shape[:2], value.shape[:2], strict=True):
            assert 4 * narrow <= wide or wide == narrow in fixed, key
        assert paper[key].shape[2:] == value.shape[2:]
    assert sum(value.numel() for value in nano.values()) < sum(value.numel() for value in paper.values()) / 8
