"""Image Inpainting with Gradient Attention (Sadowski and Grzegorzczak): a loss, shown on three networks."""

from dataclasses import replace

from bench_core import Loss, Model, hookimpl
from bench_gradient_attention.recipe import ADVERSARIAL, CELEBA, MNIST

_LOSSES = "bench_gradient_attention.losses"


@hookimpl
def bench_models() -> list[Model]:
    celeba = Model(
        name="gradient_attention",
        title="Gradient attention",
        citation="M. Sadowski, A. Grzegorzczak. Image Inpainting with Gradient Attention.",
        build="bench_gradient_attention.model:build",
        recipe=CELEBA,
        size_multiple={"paper": 4, "nano": 4},
        num_parameters={"paper": 1_450_723},
        options={"in_channels": 5, "output": "clip", "upsampling": "nearest"},
    )
    adversarial = replace(
        celeba,
        name="gradient_attention:adversarial",
        title="Gradient attention with a Wasserstein critic",
        build="bench_gradient_attention.model:build_adversarial",
        recipe=ADVERSARIAL,
        losses=(
            Loss("adversarial", "negated mean score of the composite", f"{_LOSSES}:adversarial"),
            Loss("critic", "mean score of the composite minus that of the image", f"{_LOSSES}:critic"),
            Loss(
                "gradient_penalty",
                "squared distance from 1 of the gradient's norm in the hole",
                f"{_LOSSES}:gradient_penalty",
            ),
        ),
    )
    mnist = replace(
        celeba,
        name="gradient_attention:mnist",
        title="Gradient attention, fully connected",
        build="bench_gradient_attention.mnist:build",
        recipe=MNIST,
        size_multiple={"paper": 28, "nano": 28},
        fixed_size={"paper": 28, "nano": 28},
        channels=(1,),
        num_parameters={"paper": 489_136},
        options={},
    )
    return [celeba, adversarial, mnist]


@hookimpl
def bench_losses() -> list[Loss]:
    return [
        Loss(
            "grad_l1",
            "L1 between the image gradients of prediction and image, in the hole grown by some pixels",
            f"{_LOSSES}:grad_l1",
            parameters={"margin": 4},
        )
    ]
