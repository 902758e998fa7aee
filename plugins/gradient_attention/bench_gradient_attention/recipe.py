"""Training of the three models: L_inp with alpha = 1; the third adds 0.001 L_adv."""

from bench_core import Optimiser, Phase, Recipe, Update

INITIALISATION = "Glorot and Bengio, uniform; zero bias"
L_INP = {"l1": 1.0, "grad_l1": 1.0}
BETA = 0.001 / 2
"""Half of the paper's 0.001, which belongs to an L_inp in [-1, 1]: twice that in [0, 1]."""

ADAM_MNIST = Optimiser("Adam", {"lr": 1e-4, "betas": (0.9, 0.999)})
ADAM_CELEBA = Optimiser("Adam", {"lr": 1e-4, "betas": (0.5, 0.9)})

CRITIC = (Update("critic", ADAM_CELEBA, {"critic": 1.0, "gradient_penalty": 10.0}),)
GENERATOR = (Update("generator", ADAM_CELEBA, {**L_INP, "adversarial": BETA}),)

MNIST = Recipe(
    phases=(Phase("train", rounds=((Update("generator", ADAM_MNIST, L_INP),),)),),
    initialisation=INITIALISATION,
    batch=128,
    steps=14_000,
)
CELEBA = Recipe(
    phases=(Phase("train", rounds=((Update("generator", ADAM_CELEBA, L_INP),),)),),
    initialisation=INITIALISATION,
    batch=16,
    steps=120_000,
)
ADVERSARIAL = Recipe(
    phases=(Phase("train", rounds=(CRITIC,) * 5 + (GENERATOR,)),),
    initialisation=INITIALISATION,
    batch=16,
    steps=120_000,
)
