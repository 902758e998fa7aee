"""EdgeConnect: Generative Image Inpainting with Adversarial Edge Learning (Nazeri et al., ICCV Workshops 2019)."""

from bench_core import Checkpoint, Loss, Model, hookimpl
from bench_edge_connect.recipe import RECIPE

_LOSSES = "bench_edge_connect.losses"

EDGE_CONNECT = Model(
    name="edge_connect",
    title="EdgeConnect: edges first, then colours",
    citation="K. Nazeri, E. Ng, T. Joseph, F. Z. Qureshi, M. Ebrahimi. EdgeConnect: Generative Image Inpainting with "
    "Adversarial Edge Learning. ICCV Workshops 2019. arXiv:1901.00212",
    build="bench_edge_connect.model:build",
    recipe=RECIPE,
    losses=(
        Loss("edge_adversarial", "non-saturating GAN of edge maps, generator", f"{_LOSSES}:edge_adversarial"),
        Loss("feature_matching", "L1 of the edge discriminator's features", f"{_LOSSES}:feature_matching"),
        Loss("edge_discriminator", "GAN of edge maps, discriminator", f"{_LOSSES}:edge_discriminator"),
        Loss("l1", "mean |prediction - image| / mean(hole)", f"{_LOSSES}:l1"),
        Loss("adversarial", "non-saturating GAN, generator", f"{_LOSSES}:adversarial"),
        Loss("perceptual", "L1 between VGG-19 relu1..5_1, prediction only", f"{_LOSSES}:perceptual", "vgg19"),
        Loss("style", "L1 between Gram matrices of the hole's pixels, four VGG-19 ReLUs", f"{_LOSSES}:style", "vgg19"),
        Loss("discriminator", "GAN, discriminator", f"{_LOSSES}:discriminator"),
    ),
    size_multiple={"paper": 4, "nano": 4},
    options={"edges": "raw", "sigma": 2.0},
    checkpoints=(
        Checkpoint(
            "official",
            "the official edge model and inpainting model",
            "two files of https://github.com/knazeri/edge-connect",
            "bench_edge_connect.weights:official",
            state_dict_key="generator",
            parts={"edges": "EdgeModel_gen.pth", "colours": "InpaintingModel_gen.pth"},
        ),
    ),
    num_parameters={"paper": 21_535_684, "nano": 119_292},
)


@hookimpl
def bench_models() -> list[Model]:
    return [EDGE_CONNECT]
