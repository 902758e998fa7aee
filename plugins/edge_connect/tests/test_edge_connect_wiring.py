"""Both networks against a forward pass written out layer by layer, and what each phase of the training runs."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d, leaky_relu, pad, relu

from bench_edge_connect.canny import canny
from bench_edge_connect.model import EdgeConnect, grey

State = Mapping[str, Tensor]


def weight_of(state: State, name: str, transposed: bool = False) -> Tensor:
    """Return a layer's weight, divided by its largest singular value where it has spectral norm."""
    if f"{name}.weight" in state:
        return state[f"{name}.weight"]
    weight, u, v = (state[f"{name}.weight_{part}"] for part in ("orig", "u", "v"))
    rows = weight.transpose(0, 1) if transposed else weight
    return weight / torch.einsum("o,oi,i->", u, rows.reshape(len(u), -1), v)


def normed(x: Tensor) -> Tensor:
    mean, variance = x.mean((2, 3), keepdim=True), x.var((2, 3), keepdim=True, correction=0)
    return (x - mean) / (variance + 1e-5).sqrt()


def network(state: State, x: Tensor, blocks: int = 2) -> Tensor:
    """The table of the shared layout."""

    def conv(name: str, x: Tensor, mirrored: int = 0, **options: int) -> Tensor:
        return conv2d(pad(x, (mirrored,) * 4, "reflect"), weight_of(state, name), state.get(f"{name}.bias"), **options)

    x = relu(normed(conv("encoder.convs.0", x, 3)))
    for i in (1, 2):
        x = relu(normed(conv(f"encoder.convs.{i}", x, stride=2, padding=1)))
    for i in range(blocks):
        y = relu(normed(conv(f"blocks.{i}.conv1", x, 2, dilation=2)))
        x = x + normed(conv(f"blocks.{i}.conv2", y, 1))
    for i in (0, 1):
        name = f"decoder.ups.{i}"
        up = conv_transpose2d(x, weight_of(state, name, True), state[f"{name}.bias"], stride=2, padding=1)
        x = relu(normed(up))
    return conv("decoder.last", x, 3)


def part(method: EdgeConnect, name: str) -> State:
    return {
        key.removeprefix(f"{name}."): value
        for key, value in method.generator.state_dict().items()
        if key.startswith(name)
    }


def drawn_and_filled(method: EdgeConnect, image: Tensor, hole: Tensor, edges: Tensor, merged: bool):
    white = image * (1 - hole) + hole
    luminance = (torch.tensor([0.2125, 0.7154, 0.0721]).view(3, 1, 1) * image).sum(1, keepdim=True)
    first = torch.cat([luminance * (1 - hole) + hole, edges * (1 - hole), hole], 1)
    drawn = 1 / (1 + (-network(part(method, "edges"), first)).exp())
    given = drawn * hole + edges * (1 - hole) if merged else drawn
    return drawn, (network(part(method, "colours"), torch.cat([white, given], 1)).tanh() + 1) / 2


@torch.no_grad()
def test_a_prediction_is_drawn_from_known_edges_then_filled(nano: EdgeConnect, merging: EdgeConnect, pair):
    image, hole = pair
    edges = canny(grey(image), 1 - hole, 1.0)  # half of the option's two pixels, because the scale is nano
    assert edges.sum() > 10
    for method, merged in ((nano, False), (merging, True)):
        _, filled = drawn_and_filled(method, image, hole, edges, merged)
        torch.testing.assert_close(method.predict(image * (1 - hole), hole), filled, rtol=0, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("phase", ["edges", "inpaint", "inpaint_with_edges", "joint"])
def test_each_phase_runs_its_networks_on_its_edges(nano: EdgeConnect, pair, phase: str):
    image, hole = pair
    nano.start_phase(phase)
    nano.eval()
    edges = canny(grey(image), torch.ones_like(hole), 1.0)
    assert not torch.equal(edges, canny(grey(image), 1 - hole, 1.0))
    found = nano.training_output(image, image * (1 - hole), hole)
    drawn, filled = drawn_and_filled(nano, image, hole, edges, True)
    if phase == "inpaint":
        white = torch.cat([image * (1 - hole) + hole, edges], 1)
        drawn, filled = edges, (network(part(nano, "colours"), white).tanh() + 1) / 2
    torch.testing.assert_close(found.extras["edges"], (drawn, edges), rtol=0, atol=1e-5)
    if phase != "edges":
        torch.testing.assert_close(found.prediction, filled, rtol=0, atol=1e-5)


@pytest.mark.parametrize("phase", ["inpaint", "inpaint_with_edges", "joint"])
def test_the_losses_of_colours_reach_the_edge_model_in_joint_training_only(nano: EdgeConnect, pair, phase: str):
    image, hole = pair
    nano.start_phase(phase)
    nano.training_output(image, image * (1 - hole), hole).prediction.sum().backward()
    reached = {name.partition(".")[0] for name, p in nano.generator.named_parameters() if p.grad is not None}
    assert reached == ({"edges", "colours"} if phase == "joint" else {"colours"})


@torch.no_grad()
def test_discriminators_are_five_convolutions(nano: EdgeConnect):
    for discriminator, channels in ((nano.edge_discriminator, 2), (nano.discriminator, 3)):
        x = torch.rand(2, channels, 40, 48)
        found, state = discriminator.features(x), discriminator.state_dict()
        for i, stride in enumerate((2, 2, 2, 1, 1)):
            x = conv2d(x, weight_of(state, f"layers.{i}"), stride=stride, padding=1)
            x = leaky_relu(x, 0.2) if i < 4 else x
            torch.testing.assert_close(found[i], x)
