"""Training: the official configuration of 10 epochs."""

from dataclasses import replace

from bench_core import Optimiser, Phase, Recipe, Schedule, Update

EPOCHS = 10
DECAY = Schedule(tuple(((epoch - 1) / EPOCHS, 0.8 ** (epoch - 2)) for epoch in range(3, EPOCHS + 1)), linear=False)
"""Two epochs at the full rate; each epoch after them lowers it by a fifth."""

ADAM = Optimiser("Adam", {"lr": 1e-4, "betas": (0.0, 0.9)}, DECAY)
SLOWER = replace(ADAM, settings={**ADAM.settings, "lr": 1e-5})

DISCRIMINATOR = Update("discriminator", SLOWER, {"discriminator": 1.0})
GENERATOR = Update("generator", ADAM, {"l1": 1.0, "adversarial": 0.1})

RECIPE = Recipe(
    phases=(Phase("train", rounds=((DISCRIMINATOR, GENERATOR),)),),
    initialisation="weights He normal times 0.1, biases N(0.0001, 1)",
    batch=14,
)
