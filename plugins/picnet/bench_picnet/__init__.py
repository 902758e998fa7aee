"""Pluralistic Image Completion (PICNet; Zheng et al., CVPR 2019, arXiv 1903.04227)."""

from dataclasses import replace

from bench_core import Checkpoint, Loss, Model, Recipe, hookimpl
from bench_picnet.recipe import ONE_PATH, RECIPE

_LOSSES = "bench_picnet.losses"
_ALIAS = "another name of a tensor that is used"

TERMS = {
    name: Loss(name, title, f"{_LOSSES}:{name}")
    for name, title in (
        ("kl_rec", "KL of a normal distribution, as wide as the hole asks, and the posterior"),
        ("kl_g", "KL of the posterior, without gradient, and the prior"),
        ("app_rec", "L1 of reconstructed images of four sizes, in [-1, 1]"),
        ("app_g", "L1 of generated images of four sizes on known pixels, in [-1, 1]"),
        ("ad_rec", "squared distance of the reconstructed image's scores from the image's"),
        ("ad_g", "squared distance of the generated image's scores from 1"),
        ("discriminator", "least squares on image and generated image"),
        ("discriminator_rec", "least squares on image and reconstructed image"),
        ("kl_one_path", "KL of a normal distribution, as wide as the hole asks, and the prior"),
        ("app_one_path", "L1 of generated images of four sizes, in [-1, 1]"),
    )
}


def _terms(recipe: Recipe) -> tuple[Loss, ...]:
    """Return the loss terms of a recipe, in its order."""
    return tuple(TERMS[name] for phase in recipe.phases for update in phase.updates for name in update.losses)


PICNET = Model(
    name="picnet",
    title="Pluralistic image completion (PICNet)",
    citation="C. Zheng, T.-J. Cham, J. Cai. Pluralistic Image Completion. CVPR 2019. arXiv:1903.04227",
    build="bench_picnet.model:build",
    recipe=RECIPE,
    losses=_terms(RECIPE),
    size_multiple={"paper": 32, "nano": 32},
    options={"latent": "sample"},
    checkpoints=(
        Checkpoint(
            "official",
            "the official encoder and generator, which are two files",
            "latest_net_E.pth and latest_net_G.pth of https://github.com/lyndonzheng/Pluralistic-Inpainting",
            "bench_picnet.weights:official",
            dropped={"*.model.[0-9].module.*": _ALIAS, "*.shortcut.[01].module.*": _ALIAS},
            parts={"encoder": "latest_net_E.pth", "decoder": "latest_net_G.pth"},
        ),
    ),
    num_parameters={"paper": 5_978_240, "nano": 353_912},
    stochastic=True,
)
PICNET_ONE_PATH = replace(
    PICNET,
    name="picnet:one_path",
    title="PICNet without the reconstructive path",
    build="bench_picnet.model:build_one_path",
    recipe=ONE_PATH,
    losses=_terms(ONE_PATH),
    checkpoints=(),  # published weights have both paths
)


@hookimpl
def bench_models() -> list[Model]:
    return [PICNET, PICNET_ONE_PATH]
