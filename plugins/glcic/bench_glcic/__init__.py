"""Globally and Locally Consistent Image Completion (Iizuka et al., ACM Transactions on Graphics 36(4), 2017)."""

from dataclasses import replace

from bench_core import Checkpoint, Loss, Model, hookimpl
from bench_glcic.recipe import CIFAR10, RECIPE

_LOSSES = "bench_glcic.losses"
_MSE = Loss("mse", "squared error inside the hole, averaged over all pixels", f"{_LOSSES}:mse")

GLCIC = Model(
    name="glcic",
    title="Globally and locally consistent completion",
    citation="S. Iizuka, E. Simo-Serra, H. Ishikawa. Globally and Locally Consistent Image Completion. "
    "ACM Transactions on Graphics 36(4):107 (SIGGRAPH), 2017",
    build="bench_glcic.model:build",
    recipe=RECIPE,
    losses=(
        _MSE,
        Loss("adversarial", "-log D(composite)", f"{_LOSSES}:adversarial"),
        Loss("discriminator", "-log D(image) - log(1 - D(composite))", f"{_LOSSES}:discriminator"),
    ),
    size_multiple={"paper": 4, "nano": 4},
    num_parameters={"paper": 6_072_131},
    options={
        "batch_norm": "before_relu",
        "pixels": "unit",
        "discriminator": "places2",
        "local_resized": False,
    },
    checkpoints=(
        Checkpoint(
            "mmagic",
            "Global&Local of MMEditing and MMagic",
            "OpenMMLab, configs/global_local of open-mmlab/mmagic (Places2, CelebA-HQ; 256 x 256)",
            "bench_glcic.weights:mmagic",
            state_dict_key="state_dict",
            dropped={"disc.*": "discriminators, which prediction does not need"},
            options={"pixels": "signed"},
        ),
        Checkpoint(
            "otenim",
            "Completion network of GLCIC-PyTorch, with its mean colour added as `mpv`",
            "github.com/otenim/GLCIC-PyTorch (CelebA; 160 x 160)",
            "bench_glcic.weights:otenim",
            options={"batch_norm": "after_relu"},
        ),
    ),
)


@hookimpl
def bench_models() -> list[Model]:
    return [
        GLCIC,
        replace(
            GLCIC,
            name="glcic:poisson",
            title="Globally and locally consistent completion, blended in",
            postprocess="bench_glcic.blending:poisson",
            shares_weights_with="glcic",
        ),
        replace(
            GLCIC,
            name="glcic:cifar10",
            title="Globally and locally consistent completion for 32 x 32, with squared errors only",
            citation="S. Nalla. Image Inpainting using GAN's. Course report; after Iizuka et al., SIGGRAPH 2017",
            recipe=CIFAR10,
            losses=(
                _MSE,
                Loss("adversarial", "(D(composite) - 1)^2", f"{_LOSSES}:squared_adversarial"),
                Loss("real", "(D(image) - 1)^2", f"{_LOSSES}:squared_real"),
                Loss("fake", "D(composite)^2", f"{_LOSSES}:squared_fake"),
            ),
            options={**GLCIC.options, "discriminator": "cifar10"},
            checkpoints=(),
        ),
    ]
