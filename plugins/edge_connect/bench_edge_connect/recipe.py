"""Training in four phases: edges, colours on true edges, colours on the edge model's, both together.

Each official phase is a run of its own, which starts from the networks of the one before. In a step, generators come
first: so their gradient sees the discriminators as they were before the step, as in the paper's simultaneous update.
"""

from bench_core import Optimiser, Phase, Recipe, Update

ADAM = Optimiser("Adam", {"lr": 1e-4, "betas": (0.0, 0.9)})
SLOW_ADAM = Optimiser("Adam", {"lr": 1e-5, "betas": (0.0, 0.9)})
EDGES = {"edge_adversarial": 1.0, "feature_matching": 10.0}
COLOURS = {"l1": 1.0, "adversarial": 0.1, "perceptual": 0.1, "style": 250.0}

EDGE_DISCRIMINATOR = Update("edge_discriminator", SLOW_ADAM, {"edge_discriminator": 1.0})
DISCRIMINATOR = Update("discriminator", SLOW_ADAM, {"discriminator": 1.0})
EDGE_MODEL = (Update("generator.edges", ADAM, EDGES), EDGE_DISCRIMINATOR)
INPAINTING_MODEL = (Update("generator.colours", ADAM, COLOURS), DISCRIMINATOR)
JOINT = (Update("generator", ADAM, EDGES | COLOURS), EDGE_DISCRIMINATOR, DISCRIMINATOR)

RECIPE = Recipe(
    phases=(
        Phase("edges", rounds=(EDGE_MODEL,), own_optimisers=True),
        Phase("inpaint", rounds=(INPAINTING_MODEL,), own_optimisers=True),
        Phase("inpaint_with_edges", rounds=(INPAINTING_MODEL,), own_optimisers=True),
        Phase("joint", rounds=(JOINT,), own_optimisers=True),
    ),
    initialisation="weights N(0, 0.02), biases 0",
    batch=8,
    steps=2_000_000,
)
