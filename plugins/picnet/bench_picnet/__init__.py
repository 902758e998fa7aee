"""Pluralistic Image Completion (PICNet; Zheng et al., CVPR 2019, arXiv 1903.04227)."""

from bench_core import Checkpoint, Loss, Model, hookimpl
from bench_picnet.recipe import RECIPE

_LOSSES = "bench_picnet.losses"
_ALIAS = "another name of a tensor that is used"

PICNET = Model(
    name="picnet",
    title="Pluralistic image completion (PICNet)",
    citation="C. Zheng, T.-J. Cham, J. Cai. Pluralistic Image Completion. CVPR 2019. arXiv:1903.04227",
    build="bench_picnet.model:build",
    recipe=RECIPE,
    losses=(
        Loss("kl_rec", "KL of a normal distribution, as wide as the hole asks, and the posterior", f"{_LOSSES}:kl_rec"),
        Loss("kl_g", "KL of the posterior, without gradient, and the prior", f"{_LOSSES}:kl_g"),
        Loss("app_rec", "L1 of reconstructed images of four sizes, in [-1, 1]", f"{_LOSSES}:app_rec"),
        Loss("app_g", "L1 of generated images of four sizes on known pixels, in [-1, 1]", f"{_LOSSES}:app_g"),
        Loss("ad_rec", "squared distance of the reconstructed image's scores from the image's", f"{_LOSSES}:ad_rec"),
        Loss("ad_g", "squared distance of the generated image's scores from 1", f"{_LOSSES}:ad_g"),
        Loss("discriminator", "least squares on image and generated image", f"{_LOSSES}:discriminator"),
        Loss("discriminator_rec", "least squares on image and reconstructed image", f"{_LOSSES}:discriminator_rec"),
    ),
    size_multiple={"paper": 32, "nano": 32},
    options={"latent": "sample"},
    checkpoints=(
        Checkpoint(
            "official",
            "the official encoder and generator, which are two files",
            "latest_net_E.pth and latest_net_G.pth of https://github.com/lyndonzheng/Pluralistic-Inpainting",
            "bench_picnet.weights:official",
            dropped={"*.model.[0-9].module.*": _ALIAS, "*.shortcut.[01].module.*": _ALIAS},
        ),
    ),
    num_parameters={"paper": 5_978_240, "nano": 353_912},
    stochastic=True,
)


@hookimpl
def bench_models() -> list[Model]:
    return [PICNET]
