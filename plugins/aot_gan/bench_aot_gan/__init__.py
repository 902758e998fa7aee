"""Aggregated Contextual Transformations for High-Resolution Image Inpainting (AOT-GAN; Zeng et al., TVCG 2022)."""

from bench_aot_gan.recipe import RECIPE
from bench_core import Checkpoint, Loss, Model, hookimpl

_LOSSES = "bench_aot_gan.losses"

AOT_GAN = Model(
    name="aot_gan",
    title="Aggregated contextual transformations (AOT-GAN)",
    citation="Y. Zeng, J. Fu, H. Chao, B. Guo. Aggregated Contextual Transformations for High-Resolution Image "
    "Inpainting. TVCG 2022. arXiv:2104.01431",
    build="bench_aot_gan.model:build",
    recipe=RECIPE,
    losses=(
        Loss("l1", "mean |prediction - image| in units of [-1, 1]", f"{_LOSSES}:l1"),
        Loss("style", "L1 between Gram matrices of four VGG-19 ReLUs, prediction only", f"{_LOSSES}:style", "vgg19"),
        Loss("perceptual", "L1 between VGG-19 relu1..5_1, prediction only", f"{_LOSSES}:perceptual", "vgg19"),
        Loss("adversarial", "soft-mask GAN, generator", f"{_LOSSES}:adversarial"),
        Loss("discriminator", "soft-mask GAN, discriminator", f"{_LOSSES}:discriminator"),
    ),
    size_multiple={"paper": 4, "nano": 4},
    options={"labels": "paper"},
    checkpoints=(
        Checkpoint(
            "official",
            "the official generator, Places2 or CelebA-HQ",
            "G0000000.pt of https://github.com/researchmm/AOT-GAN-for-Inpainting",
            "bench_aot_gan.weights:official",
        ),
    ),
    num_parameters={"paper": 15_200_835, "nano": 73_355},
)


@hookimpl
def bench_models() -> list[Model]:
    return [AOT_GAN]
