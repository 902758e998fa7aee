"""Training: the paper's loss weights, and the official configuration for CelebA-HQ."""

from bench_core import Optimiser, Phase, Recipe, Update

ADAM = Optimiser("Adam", {"lr": 2e-4, "betas": (0.5, 0.999)})
GENERATOR = Update(
    "generator",
    ADAM,
    # L = mae + 25 (self_guided + fm_vgg) + 5 fm_dis + 0.003 adversarial + align
    {"mae": 1.0, "self_guided": 25.0, "fm_vgg": 25.0, "fm_dis": 5.0, "adversarial": 0.003, "align": 1.0},
)
DISCRIMINATOR = Update("discriminator", ADAM, {"discriminator": 1.0})

RECIPE = Recipe(
    phases=(Phase("train", rounds=((GENERATOR, DISCRIMINATOR),)),),
    initialisation="convolutions: weights N(0, 0.02), biases 0; batch norm's gain N(1, 0.02); "
    "transposed convolutions and fully connected layers: PyTorch's default",
    batch=16,
    steps=100_000,
)
