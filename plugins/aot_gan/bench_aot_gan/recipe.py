"""Training: the paper's loss weights, and the official configuration."""

from bench_core import Optimiser, Phase, Recipe, Update

ADAM = Optimiser("Adam", {"lr": 1e-4, "betas": (0.5, 0.999)})
GENERATOR = Update("generator", ADAM, {"l1": 1.0, "style": 250.0, "perceptual": 0.1, "adversarial": 0.01})
DISCRIMINATOR = Update("discriminator", ADAM, {"discriminator": 1.0})

RECIPE = Recipe(
    phases=(Phase("train", rounds=((GENERATOR, DISCRIMINATOR),)),),
    initialisation="weights N(0, 0.02), biases 0",
    batch=8,
    steps=1_000_000,
)
