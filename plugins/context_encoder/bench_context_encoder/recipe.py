"""Training (Section 5): Eq. 3 with the numbers of the official code, and with Maggiordomo's."""

from bench_core import Optimiser, Phase, Recipe, Update


def _recipe(learning_rate: float, steps: int) -> Recipe:
    """Build a recipe in which the generator's learning rate is ten times the discriminator's."""

    def adam(rate: float) -> Optimiser:
        return Optimiser("Adam", {"lr": rate, "betas": (0.5, 0.999)})

    # the discriminator's step comes first; the generator is scored by its new weights
    one_round = (
        Update("discriminator", adam(learning_rate), {"discriminator": 1.0}),
        Update("generator", adam(10 * learning_rate), {"reconstruction": 0.999, "adversarial": 0.001}),
    )
    return Recipe(
        phases=(Phase("train", rounds=(one_round,)),),
        initialisation="weights N(0, 0.02); batch norm's gain N(1, 0.02), its bias 0",
        batch=64,
        steps=steps,
    )


OFFICIAL = _recipe(2e-4, steps=500 * 233)  # epochs of the 14 900 photographs of Paris StreetView
MAGGIORDOMO = _recipe(1e-4, steps=370 * 548)  # epochs of 35 040 images of Places2
