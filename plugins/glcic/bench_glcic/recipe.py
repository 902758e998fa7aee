"""Training: Algorithm 1 of the paper, and the report's loop for CIFAR-10."""

from bench_core import Optimiser, Phase, Recipe, Update

ADADELTA = Optimiser("Adadelta", {"lr": 1.0, "rho": 0.9, "eps": 1e-6})
ALPHA = 4e-4
"""Weight of the adversarial term in Eq. 4."""
DISCRIMINATOR = Update("discriminator", ADADELTA, {"discriminator": 1.0})

RECIPE = Recipe(
    phases=(
        Phase("completion", rounds=((Update("generator", ADADELTA, {"mse": 1.0}),),), share=90_000.0),
        Phase("discriminators", rounds=((DISCRIMINATOR,),), share=10_000.0),
        Phase(
            "joint",
            rounds=((DISCRIMINATOR, Update("generator", ADADELTA, {"mse": 1.0, "adversarial": ALPHA})),),
            share=400_000.0,
        ),
    ),
    initialisation="PyTorch's own, as the paper states none",
    batch=96,
    steps=500_000,
)

ADAM = Optimiser("Adam", {"lr": 2e-4})

CIFAR10 = Recipe(
    phases=(
        Phase(
            "train",
            rounds=(
                (Update("generator", ADAM, {"mse": 1.0}),),
                (
                    Update("discriminator", ADAM, {"real": 1.0}),
                    Update("discriminator", ADAM, {"fake": 1.0}),
                    Update("generator", ADAM, {"adversarial": ALPHA}),
                ),
            ),
        ),
    ),
    initialisation="PyTorch's own, as the report states none",
)
