"""Laws of LPIPS: with the official trunk it gives the published values; without it, an error that helps."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from support.paths import SHARED

from bench_core.metrics.lpips import Lpips, alex, squeeze, vgg
from bench_core.weights import download

REFERENCE = SHARED / "lpips_reference"
CPU = torch.device("cpu")
PAIRS = {
    "ex_ref|ex_p0": ("ex_ref.png", "ex_p0.png"),
    "ex_ref|ex_p1": ("ex_ref.png", "ex_p1.png"),
    **{name: (f"tid2013/ref/{name}.png", f"tid2013/dist/{name}.png") for name in ("I03", "I04", "I06", "I08", "I19")},
}
official = pytest.mark.skipif(not REFERENCE.is_dir(), reason="wants AlexNet's weights beside the repository")


@pytest.fixture
def lpips(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lpips]:
    monkeypatch.setenv("BENCH_WEIGHTS", str(SHARED / "weights"))
    download.locate.cache_clear()
    yield alex(CPU)
    download.locate.cache_clear()


def picture(name: str) -> torch.Tensor:
    with Image.open(REFERENCE / name) as file:
        return torch.from_numpy(np.array(file.convert("RGB"))).permute(2, 0, 1)[None].float() / 255


@official
def test_values_are_the_published_ones(lpips: Lpips) -> None:
    expected = json.loads((REFERENCE / "expected.json").read_text())["computed_here"]
    with torch.inference_mode():
        for name, (reference, distorted) in PAIRS.items():
            found = lpips(picture(distorted), picture(reference)).item()
            assert found == pytest.approx(expected[name]["lpips_alex"], abs=1e-4), name


@official
def test_with_squeezenet_values_are_the_published_ones_too(lpips: Lpips) -> None:
    expected = json.loads((REFERENCE / "expected.json").read_text())
    measure, generator = squeeze(CPU), torch.Generator().manual_seed(42)
    one, other = (torch.rand(2, 3, 100, 100, generator=generator) for _ in range(2))
    with torch.inference_mode():
        assert measure(one, other).tolist() == pytest.approx([0.1024, 0.0938], abs=5e-5), "as torchmetrics prints them"
        for name, (reference, distorted) in PAIRS.items():
            found = measure(picture(distorted), picture(reference)).item()
            assert found == pytest.approx(expected["computed_here"][name]["lpips_squeeze"], abs=1e-4), name


def test_with_vgg_it_is_the_papers_formula_on_that_trunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Squared differences of unit-length features after five activations, weighted by the heads, averaged."""
    torch.manual_seed(0)
    trunk = torchvision.models.vgg.make_layers(torchvision.models.vgg.cfgs["D"])
    monkeypatch.setattr(download, "load_features", lambda name: {"vgg16": trunk.state_dict()}[name])
    measure = vgg(CPU)
    one, other = torch.rand(2, 1, 3, 40, 48)
    expected = torch.zeros(1)
    scale = torch.tensor([0.458, 0.448, 0.450])[:, None, None]
    shift = torch.tensor([-0.030, -0.088, -0.188])[:, None, None]
    with torch.inference_mode():
        x, y = (((picture * 2 - 1) - shift) / scale for picture in (one, other))
        heads = (head.get_parameter("model.1.weight") for head in measure.network.lins)
        for index, layer in enumerate(trunk):
            x, y = layer(x), layer(y)
            if index in (3, 8, 15, 22, 29):
                difference = (x / x.norm(dim=1, keepdim=True) - y / y.norm(dim=1, keepdim=True)).square()
                expected += (difference * next(heads)).sum(1).mean()
        torch.testing.assert_close(measure(one, other), expected, rtol=1e-3, atol=1e-6)


@official
def test_a_batch_equals_its_images_one_by_one_and_grey_is_repeated(lpips: Lpips) -> None:
    one, other = torch.rand(2, 3, 3, 64, 48, generator=torch.Generator().manual_seed(0))
    together = lpips(one, other)
    assert together.shape == (3,)
    torch.testing.assert_close(together, torch.cat([lpips(x[None], y[None]) for x, y in zip(one, other, strict=True)]))
    torch.testing.assert_close(lpips(one, other), lpips(other, one))
    assert (lpips(one, one) == 0).all()
    grey = one[:, :1], other[:, :1]
    torch.testing.assert_close(lpips(*grey), lpips(*(x.repeat(1, 3, 1, 1) for x in grey)))


@pytest.fixture
def random_trunk(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    trunk = torchvision.models.alexnet().features.state_dict()
    monkeypatch.setattr(download, "load_features", lambda name: trunk)


@pytest.mark.usefixtures("random_trunk")
@pytest.mark.parametrize("kept", [0, 200_000, 2**30])
def test_kept_features_of_the_truth_change_no_value(kept: int) -> None:
    """Against the package's own forward pass: other pictures of the same truths, in another order and other batches."""
    measure, bare = Lpips(CPU, "alex", "alexnet", kept), alex(CPU).network
    truth = torch.rand(5, 3, 64, 72)
    for order in ([0, 1, 2], [2, 4, 0, 3], [4, 4], [1]):
        picture, image = torch.rand(len(order), 3, 64, 72), truth[order]
        expected = bare(picture, image, normalize=True).flatten()
        torch.testing.assert_close(measure(picture, image), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.usefixtures("random_trunk")
def test_the_truth_is_looked_at_once_and_known_by_its_content_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    measure, seen = alex(CPU), []
    monkeypatch.setattr(measure.network.net, "forward", _counted(measure.network.net.forward, seen))
    picture, truth = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    for image in (truth, truth.flip(0), truth.clone()):
        measure(picture, image)
    assert seen == [4, 2, 2]
    truth[0, 0, 0, 0] += 0.1  # the same tensor, another image
    measure(picture, truth)
    assert seen[-1] == 3
    held = sum(layer.nbytes for features in measure.kept.values() for layer in features)
    full = Lpips(CPU, "alex", "alexnet", held // 3)
    full(picture, truth)
    full(picture, torch.rand(2, 3, 64, 64))
    assert sum(layer.untyped_storage().nbytes() for each in full.kept.values() for layer in each) == held // 3


def _counted(forward: Callable[[torch.Tensor], Any], seen: list[int]) -> Callable[[torch.Tensor], Any]:
    """The forward pass of a network that notes how many pictures it is given."""

    def counting(pictures: torch.Tensor) -> Any:
        seen.append(len(pictures))
        return forward(pictures)

    return counting


@official
def test_building_it_leaves_the_global_generator_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_WEIGHTS", str(SHARED / "weights"))
    download.locate.cache_clear()
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    alex(CPU)
    torch.testing.assert_close(torch.rand(4), expected)


def test_without_the_trunk_the_error_names_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_network(wanted: download.OfficialWeights) -> Path:
        raise OSError("no network")

    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(download, "_download", no_network)
    download.locate.cache_clear()
    with pytest.raises(download.MissingWeights, match=r"alexnet-owt-7be5be79\.pth"):
        alex(CPU)
