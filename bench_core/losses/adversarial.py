"""Flavours of the adversarial game, as functions of discriminator scores. A method chooses one and names its terms."""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, relu

Scores = Float[Tensor, "..."]
Scalar = Float[Tensor, ""]


def hinge_discriminator(real: Scores, fake: Scores) -> Scalar:
    """Half the sum of the hinges max(0, 1 - real) and max(0, 1 + fake), averaged over all scores."""
    return 0.5 * (relu(1 - real).mean() + relu(1 + fake).mean())


def hinge_generator(fake: Scores) -> Scalar:
    """The negated mean score."""
    return -fake.mean()


def relativistic_average(higher: Scores, lower: Scores) -> Scalar:
    """RaGAN (Jolicoeur-Martineau, ICLR 2019) with cross-entropy on logits.

    Half the cost of telling that `higher` scores above the average of `lower`, and `lower` below that of `higher`. The
    discriminator puts real scores `higher`; the generator puts fake ones there.
    """
    above, below = higher - lower.mean(), lower - higher.mean()
    cost = binary_cross_entropy_with_logits
    return 0.5 * (cost(above, above.new_ones(above.shape)) + cost(below, below.new_zeros(below.shape)))
