"""The model records and the methods that they build."""

import torch

from bench_core.specs import resolve


def test_every_form_builds_and_predicts_multiples_of_its_size(models):
    assert list(models) == ["glcic", "glcic:poisson", "glcic:cifar10"]
    for model in models.values():
        for height, width in ((8, 12), (36, 20)):
            assert all(size % model.size_multiple["nano"] == 0 for size in (height, width))
            hole = torch.ones(1, 1, height, width)
            prediction = (
                resolve(model.build)("nano", 3, **model.options).eval().predict(torch.zeros(1, 3, height, width), hole)
            )
            assert prediction.shape == (1, 3, height, width) and prediction.min() >= 0 and prediction.max() <= 1


def test_the_blended_form_differs_in_post_processing_only(models):
    plain, blended = models["glcic"], models["glcic:poisson"]
    assert (plain.recipe, plain.losses, plain.options) == (blended.recipe, blended.losses, blended.options)
    assert blended.shares_weights_with == "glcic" and plain.postprocess is None
    assert blended.postprocess is not None and callable(resolve(blended.postprocess))


def test_the_form_for_cifar_10_has_the_reports_discriminator(models):
    model = models["glcic:cifar10"]
    with torch.device("meta"):
        discriminator = resolve(model.build)("paper", 3, **model.options).discriminator
    assert sum(parameter.numel() for parameter in discriminator.parameters()) == 29_335_041
