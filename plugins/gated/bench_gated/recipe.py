"""Training as in the official code. The paper gives no numbers."""

from bench_core import Optimiser, Phase, Recipe, Update

ADAM = Optimiser("Adam", {"lr": 1e-4, "betas": (0.5, 0.999)})

RECIPE = Recipe(
    phases=(
        Phase(
            "train",
            rounds=(  # each network gets its own batch
                (Update("discriminator", ADAM, {"discriminator": 1.0}),),
                (Update("generator", ADAM, {"l1": 1.0, "adversarial": 1.0}),),
            ),
        ),
    ),
    initialisation="Glorot and Bengio, uniform; zero bias",
    batch=16,
)
