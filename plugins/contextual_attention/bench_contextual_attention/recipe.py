"""Training as in the official configuration: five updates of both critics before each of the generator's."""

from bench_core import Optimiser, Phase, Recipe, Update

ADAM = Optimiser("Adam", {"lr": 1e-4, "betas": (0.5, 0.9)})
CRITIC_UPDATES = 5

CRITICS = (
    Update("global_critic", ADAM, {"global_score_gap": 1.0, "global_gradient_penalty": 10.0}),
    Update("local_critic", ADAM, {"local_score_gap": 1.0, "local_gradient_penalty": 10.0}),
)
GENERATOR = (Update("generator", ADAM, {"discounted_l1": 1.2, "autoencoding": 1.2, "adversarial": 0.001}),)

RECIPE = Recipe(
    # every update of the critics and of the generator has its own batch
    phases=(Phase("train", rounds=(CRITICS,) * CRITIC_UPDATES + (GENERATOR,)),),
    initialisation="Glorot and Bengio, uniform; zero bias",
    batch=16,
    steps=1_000_000,
)
