"""Training: the losses of Section 3.3 and the phases of Section 4.1."""

from bench_core import Optimiser, Phase, Recipe, Update

LOSSES = {"valid_l1": 1.0, "hole_l1": 6.0, "perceptual": 0.05, "style": 120.0, "tv": 0.1}  # Eq. 7


def _phase(name: str, learning_rate: float, share: float) -> Phase:
    return Phase(name, rounds=((Update("generator", Optimiser("Adam", {"lr": learning_rate}), LOSSES),),), share=share)


RECIPE = Recipe(
    # ten days of training, then one of fine-tuning with the encoder's batch norm frozen
    phases=(_phase("train", 2e-4, share=10.0), _phase("finetune", 5e-5, share=1.0)),
    initialisation="He et al., normal, fan-in",
    batch=6,
)
