"""Training as in the official configuration: discriminators learn, then encoder and decoder, from one batch."""

from dataclasses import replace

from bench_core import Optimiser, Phase, Recipe, Update

ADAM = Optimiser("Adam", {"lr": 1e-4, "betas": (0.0, 0.999)})
KL = 20.0 * 4
"""The official weight, times the number of sizes."""
APPEARANCE = 20.0

DISCRIMINATOR = Update("discriminator", ADAM, {"discriminator": 1.0})
DISCRIMINATOR_REC = Update("discriminator_rec", ADAM, {"discriminator_rec": 1.0})
GENERATOR = Update(
    "generator",
    ADAM,
    {"kl_rec": KL, "kl_g": KL, "app_rec": APPEARANCE, "app_g": APPEARANCE, "ad_rec": 1.0, "ad_g": 1.0},
)

GENERATOR_ONE_PATH = Update("generator", ADAM, {"kl_one_path": KL, "app_one_path": APPEARANCE, "ad_g": 1.0})

RECIPE = Recipe(
    phases=(Phase("train", rounds=((DISCRIMINATOR, DISCRIMINATOR_REC, GENERATOR),)),),
    initialisation="PyTorch's; queries of attention orthogonal with gain 0.02",
    batch=8,
    steps=5_000_000,
)
ONE_PATH = replace(RECIPE, phases=(Phase("train", rounds=((DISCRIMINATOR, GENERATOR_ONE_PATH),)),))
