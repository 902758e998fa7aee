"""The loss terms against independent formulas, and the phases of the recipe."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy, l1_loss

import bench_edge_connect
from bench_core.methods import LossContext, MethodOutput
from bench_core.nn.backbones import Backbones
from bench_core.specs import resolve
from bench_edge_connect.model import EdgeConnect, grey
from bench_edge_connect.recipe import RECIPE

TERMS = {loss.name: resolve(loss.term) for loss in bench_edge_connect.EDGE_CONNECT.losses}
CONVOLUTIONS = {"perceptual": (1, 3, 5, 9, 13), "style": (4, 8, 12, 14)}
"""Number of convolutions up to each layer: relu1..5_1, and relu2_2, relu3_4, relu4_4, relu5_2."""


@pytest.fixture
def ctx(nano: EdgeConnect, pair: tuple[Tensor, Tensor], random_backbones: Backbones) -> LossContext:
    """A batch with true edges, drawn ones, and predictions."""
    image, hole = pair
    drawn, edges = torch.rand_like(hole), (torch.rand_like(hole) > 0.7).float()
    output = MethodOutput(image.flip(0).requires_grad_(), extras={"edges": (drawn.requires_grad_(), edges)})
    return LossContext(image, hole, output, nano, random_backbones)


def found(ctx: LossContext, term: str) -> Tensor:
    return TERMS[term](ctx)


def test_the_recipe_is_the_papers():
    assert bench_edge_connect.EDGE_CONNECT.recipe is RECIPE
    assert (RECIPE.batch, RECIPE.steps) == (8, 2_000_000)
    assert [phase.name for phase in RECIPE.phases] == ["edges", "inpaint", "inpaint_with_edges", "joint"]
    edge, colour = (
        {"edge_adversarial": 1, "feature_matching": 10},
        {"l1": 1, "adversarial": 0.1, "perceptual": 0.1, "style": 250},
    )
    steps = [
        [(update.network, dict(update.losses), update.optimiser.settings["lr"]) for update in phase.updates]
        for phase in RECIPE.phases
    ]
    critics = [(name, {name: 1}, 1e-5) for name in ("edge_discriminator", "discriminator")]
    colours = [("generator.colours", colour, 1e-4), critics[1]]
    assert steps == [
        [("generator.edges", edge, 1e-4), critics[0]],
        colours,
        colours,
        [("generator", edge | colour, 1e-4), *critics],
    ]  # fmt: skip
    for phase in RECIPE.phases:
        assert phase.own_optimisers and phase.share == 1 and len(phase.rounds) == 1
        assert all(update.optimiser.name == "Adam" for update in phase.updates)
        assert all(update.optimiser.settings["betas"] == (0.0, 0.9) for update in phase.updates)


def test_edges_play_a_game_beside_the_grey_image(ctx: LossContext, nano: EdgeConnect):
    drawn, edges = ctx.output.extras["edges"]
    fake, real = (nano.edge_discriminator.features(torch.cat([grey(ctx.image), one], 1)) for one in (drawn, edges))
    scores = [one[-1].sigmoid() for one in (real, fake)]
    game = [binary_cross_entropy(one, torch.full_like(one, label)) for one, label in zip(scores, (1, 0), strict=True)]
    torch.testing.assert_close(found(ctx, "edge_discriminator"), sum(game) / 2)
    fooled = binary_cross_entropy(scores[1], torch.ones_like(scores[1]))
    torch.testing.assert_close(found(ctx, "edge_adversarial"), fooled)
    matching = sum(l1_loss(a, b) for a, b in zip(fake, real, strict=True))
    torch.testing.assert_close(found(ctx, "feature_matching"), matching)


def test_colours_play_a_game_of_whole_raw_predictions(ctx: LossContext, nano: EdgeConnect):
    real, fake = (nano.discriminator(one).sigmoid() for one in (ctx.image, ctx.prediction))
    game = binary_cross_entropy(real, torch.ones_like(real)) + binary_cross_entropy(fake, torch.zeros_like(fake))
    torch.testing.assert_close(found(ctx, "discriminator"), game / 2)
    torch.testing.assert_close(found(ctx, "adversarial"), binary_cross_entropy(fake, torch.ones_like(fake)))


@pytest.mark.parametrize("term", ["edge_adversarial", "feature_matching"])
def test_edge_losses_reach_the_drawn_map_and_no_true_edges_network(ctx: LossContext, nano: EdgeConnect, term: str):
    nano.zero_grad()
    found(ctx, term).backward()
    drawn, _ = ctx.output.extras["edges"]
    assert drawn.grad is not None and drawn.grad.abs().sum() > 0


def relus(backbones: Backbones, image: Tensor) -> list[Tensor]:
    """Return the outputs of VGG-19's 16 ReLUs, for an image in [0, 1] that is not normalised."""
    maps = []
    for layer in backbones.get("vgg19"):
        image = layer(image)
        if isinstance(layer, nn.ReLU):
            maps.append(image)
    return maps


def test_perceptual_and_style_are_sums_over_the_papers_layers(ctx: LossContext, random_backbones: Backbones):
    both = [relus(random_backbones, one) for one in (ctx.prediction, ctx.image)]
    wanted = sum(l1_loss(*(maps[n - 1] for maps in both)) for n in CONVOLUTIONS["perceptual"])
    torch.testing.assert_close(found(ctx, "perceptual"), wanted, rtol=1e-5, atol=0)
    both = [relus(random_backbones, one * ctx.hole) for one in (ctx.prediction, ctx.image)]
    wanted = 0
    for n in CONVOLUTIONS["style"]:
        one, other = (torch.einsum("bchw,bdhw->bcd", maps[n - 1], maps[n - 1]) for maps in both)
        wanted += l1_loss(one, other) / both[0][n - 1][0].numel()
    torch.testing.assert_close(found(ctx, "style"), wanted, rtol=1e-5, atol=0)
