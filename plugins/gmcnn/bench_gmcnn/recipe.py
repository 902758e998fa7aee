"""Training in two phases: reconstruction first, then ID-MRF and the discriminators too."""

from bench_core import Optimiser, Phase, Recipe, Update

PRETRAINING = Optimiser("Adam", {"lr": 1e-4, "betas": (0.5, 0.9)})
FINE_TUNING = Optimiser("Adam", {"lr": 1e-5, "betas": (0.5, 0.9)})
DISCRIMINATOR_UPDATES = 5

FIRST = {"reconstruction": 1.4, "autoencoding": 1.2}
ALL = {**FIRST, "id_mrf": 0.05, "adversarial": 1e-3}
HINGE = Update("discriminator", FINE_TUNING, {"discriminator": 1.0})

RECIPE = Recipe(
    phases=(
        Phase("pretraining", rounds=((Update("generator", PRETRAINING, FIRST),),)),
        # all six updates share a batch and its predictions
        Phase("fine-tuning", rounds=((*(HINGE,) * DISCRIMINATOR_UPDATES, Update("generator", FINE_TUNING, ALL)),)),
    ),
    initialisation="generator: weights N(0, 0.02), biases 0; discriminators: PyTorch's default",
    batch=16,
)

# the official factors 1.2 (`pretrain_l1_alpha`) and 1.4 (`l1_loss_alpha`) are multiplied into the weights
TF_FIRST = {"reconstruction": 1.4 * 1.2, "autoencoding": 1.2 * 1.2}
TF_ALL = {"reconstruction": 1.4 * 1.2, "autoencoding": 2 * 1.2 * 1.2, "id_mrf": 1.4 * 0.05, "adversarial": 1e-3}
CRITICS = Update("discriminator", FINE_TUNING, {"score_gap": 1.0, "gradient_penalty": 10.0})

TF_RECIPE = Recipe(
    phases=(
        Phase("pretraining", rounds=((Update("generator", PRETRAINING, TF_FIRST),),)),
        # every update has its own batch
        Phase(
            "fine-tuning",
            rounds=((CRITICS,),) * DISCRIMINATOR_UPDATES + ((Update("generator", FINE_TUNING, TF_ALL),),),
        ),
    ),
    initialisation="Glorot and Bengio, uniform; zero bias",
    batch=16,
    steps=40_000,
)
