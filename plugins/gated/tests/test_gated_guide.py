"""The user-guided form: the networks' use of a sketch, and the guides that draw it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, max_pool2d, relu

from bench_core.errors import BadInput
from bench_core.methods import LossContext
from bench_core.nn.backbones import Backbones
from bench_core.specs import resolve
from bench_core.system.files import sha256
from bench_gated import GATED, GUIDED, losses
from bench_gated.guide import Canny, HEDEdges, edges
from bench_gated.hed import HED
from bench_gated.model import Gated, build_guided

CPU = torch.device("cpu")
DEPTHS = {"One": (0, 2), "Two": (1, 3), "Thr": (1, 3, 5), "Fou": (1, 3, 5), "Fiv": (1, 3, 5)}
"""Indices of each stage's convolutions in the published file; poolings and ReLUs count, too."""
WIDTHS = {"One": 64, "Two": 128, "Thr": 256, "Fou": 512, "Fiv": 512}


@pytest.fixture
def weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the empty folder in which weights are looked up."""
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights"


@pytest.fixture(scope="module")
def published() -> dict[str, Tensor]:
    """Random weights in the layout of the published file."""
    torch.manual_seed(0)
    state, before = {}, 3
    for stage, places in DEPTHS.items():
        for place in places:
            width = WIDTHS[stage]
            state[f"moduleVgg{stage}.{place}.weight"] = torch.randn(width, before, 3, 3) * (2 / (9 * before)) ** 0.5
            state[f"moduleVgg{stage}.{place}.bias"] = torch.randn(width) * 0.1
            before = width
        state[f"moduleScore{stage}.weight"] = torch.randn(1, before, 1, 1) * 0.002
        state[f"moduleScore{stage}.bias"] = torch.randn(1) * 0.1
    state["moduleCombine.0.weight"] = torch.rand(1, 5, 1, 1)
    state["moduleCombine.0.bias"] = torch.zeros(1)
    return state


def reference(state: dict[str, Tensor], image: Tensor) -> Tensor:
    red, green, blue = (255 * image).unbind(1)
    x = torch.stack([blue - 104.00698793, green - 116.66876762, red - 122.67891434], dim=1)
    fused = state["moduleCombine.0.bias"].view(1, 1, 1, 1)
    for number, (stage, places) in enumerate(DEPTHS.items()):
        if number:
            x = max_pool2d(x, 2)
        for place in places:
            name = f"moduleVgg{stage}.{place}"
            x = relu(conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=1))
        side = conv2d(x, state[f"moduleScore{stage}.weight"], state[f"moduleScore{stage}.bias"])
        full = interpolate(side, image.shape[2:], mode="bilinear", align_corners=False)
        fused = fused + state["moduleCombine.0.weight"][0, number] * full
    return 1 / (1 + torch.exp(-fused))


@torch.no_grad()
def test_hed_agrees_with_its_equations(published: dict[str, Tensor]) -> None:
    network = HED()
    network.load(published)
    image = torch.rand(2, 3, 40, 36)
    found = network(image)
    torch.testing.assert_close(found, reference(published, image))
    assert found.std() > 0.01
    network.load({name.replace("module", "net"): value for name, value in published.items()})
    assert network(image).equal(found)


def test_hed_has_the_parameters_of_vgg_16_and_its_side_outputs() -> None:
    with torch.device("meta"):
        network = HED()
    vgg16, sides, fusion = 14_714_688, 64 + 128 + 256 + 512 + 512 + 5, 6
    assert sum(p.numel() for p in network.parameters()) == vgg16 + sides + fusion


def test_hed_is_used_with_weights_and_names_their_digest(weights_folder: Path, published: dict[str, Tensor]) -> None:
    path = weights_folder / "network-bsds500.pytorch"
    torch.save(published, path)
    guide = edges(CPU)
    assert guide.name == f"HED edges (threshold 0.6, weights of sha256 {sha256(path)[:16]})"
    image = torch.rand(2, 3, 32, 32)
    sketch = guide(image)
    assert sketch.equal((reference(published, image) > 0.6).float())
    assert 0 < sketch.mean() < 1


def test_weights_are_found_in_the_hub_cache_too(weights_folder: Path, published: dict[str, Tensor]) -> None:
    cache = weights_folder.parent / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    torch.save(published, cache / "hed-bsds500")
    assert isinstance(edges(CPU), HEDEdges)


@pytest.mark.parametrize("change", ["missing", "unknown", "shape"])
def test_a_file_of_other_weights_is_refused(weights_folder: Path, published: dict[str, Tensor], change: str) -> None:
    state = dict(published)
    if change == "unknown":
        state["extra"] = torch.zeros(1)
    else:
        weight = state.pop("moduleCombine.0.weight")
        state |= {"moduleCombine.0.weight": weight[:, :4]} if change == "shape" else {}
    torch.save(state, weights_folder / "network-bsds500.pytorch")
    with pytest.raises(BadInput, match=r"network-bsds500\.pytorch.*pytorch-hed"):
        edges(CPU)


@pytest.mark.parametrize("content", [b"", b"<html>", b"garbage" * 99])
def test_a_damaged_file_is_refused(weights_folder: Path, content: bytes) -> None:
    (weights_folder / "network-bsds500.pytorch").write_bytes(content)
    with pytest.raises(BadInput, match="cannot be read"):
        edges(CPU)


class Spy:
    """Runs code when it is unpickled."""

    ran = False

    def __reduce__(self):
        return (setattr, (Spy, "ran", True))


def test_code_in_a_file_is_not_executed(weights_folder: Path) -> None:
    torch.save({"moduleCombine.0.weight": Spy()}, weights_folder / "network-bsds500.pytorch")
    with pytest.raises(BadInput):
        edges(CPU)
    assert not Spy.ran


def test_canny_is_used_without_weights(weights_folder: Path) -> None:
    guide = edges(CPU)
    assert guide.name == "Canny edges (OpenCV, thresholds 100 and 200)"
    assert resolve(GUIDED.guide or "") is edges and GATED.guide is None


def test_canny_agrees_with_opencv_on_8_bit_grey() -> None:
    rng = np.random.default_rng(0)
    pixels = cv2.resize(rng.integers(0, 256, (6, 7, 6), dtype=np.uint8), (48, 40))
    image = torch.from_numpy(pixels).permute(2, 0, 1).reshape(2, 3, 40, 48) / 255
    sketch = Canny()(image)
    assert sketch.shape == (2, 1, 40, 48) and sketch.dtype == image.dtype
    for one, drawn in zip((pixels[..., :3], pixels[..., 3:]), sketch, strict=True):
        grey = cv2.cvtColor(one, cv2.COLOR_RGB2GRAY)
        assert np.array_equal(cv2.Canny(grey, 100, 200) == 255, drawn[0].numpy() == 1)
    assert set(sketch.unique().tolist()) == {0, 1}


@pytest.fixture
def method() -> Gated:
    torch.manual_seed(0)
    return build_guided("nano", 3)


@pytest.fixture
def ctx(method: Gated) -> LossContext:
    """A batch with the hole on the left and a sketch everywhere."""
    image, hole = torch.rand(2, 3, 32, 40), torch.zeros(2, 1, 32, 40)
    hole[..., :16] = 1
    sketch = (torch.rand(2, 1, 32, 40) < 0.5).float()
    output = method(image * (1 - hole), hole, sketch)
    return LossContext(image, hole, output, method, Backbones("random"), (sketch,))


@torch.no_grad()
def test_the_first_stage_gets_the_sketch_inside_the_hole_only(method: Gated, ctx: LossContext) -> None:
    hole, (sketch,) = ctx.hole, ctx.guidance
    recorded = []
    method.generator.coarse.register_forward_pre_hook(lambda _, inputs: recorded.append(inputs[0]))
    masked = ctx.image * (1 - hole)
    output = method(masked, hole, sketch)
    expected = torch.cat([(2 * masked - 1) * (1 - hole), sketch * hole, torch.ones_like(hole), hole], dim=1)
    torch.testing.assert_close(recorded[0], expected)
    assert method(masked, hole, sketch * hole).prediction.equal(output.prediction)


@pytest.mark.parametrize("term", ["adversarial", "discriminator"])
def test_the_discriminator_gets_the_sketch_inside_the_hole_only(method: Gated, ctx: LossContext, term: str) -> None:
    recorded = []
    method.discriminator.get_submodule("layers.conv1").register_forward_pre_hook(
        lambda _, inputs: recorded.append(inputs[0])
    )
    getattr(losses, term)(ctx)
    images = [ctx.composite] if term == "adversarial" else [ctx.image, ctx.composite]
    lines = ctx.guidance[0] * ctx.hole
    expected = torch.cat([torch.cat([2 * image - 1, ctx.hole, lines], dim=1) for image in images])
    torch.testing.assert_close(recorded[0], expected)
