"""LPIPS: published values with the official trunk, a helpful error without it, and a cache that changes nothing."""

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
official = pytest.mark.skipif(not REFERENCE.is_dir(), reason="needs AlexNet's weights beside the repository")


@pytest.fixture
def lpips(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lpips]:
    monkeypatch.setenv("BENCH_WEIGHTS", str(SHARED / "weights"))
    download.locate.cache_clear()
    yield alex(CPU)
    download.locate.cache_clear()


def load_image(name: str) -> torch.Tensor:
    with Image.open(REFERENCE / name) as file:
        return torch.from_numpy(np.array(file.convert("RGB"))).permute(2, 0, 1)[None].float() / 255


@official
def test_values_are_the_published_ones(lpips: Lpips) -> None:
    expected = json.loads((REFERENCE / "expected.json").read_text())["computed_here"]
    with torch.inference_mode():
        for name, (reference, distorted) in PAIRS.items():
            found = lpips(load_image(distorted), load_image(reference)).item()
            assert found == pytest.approx(expected[name]["lpips_alex"], abs=1e-4), name


@official
def test_values_with_squeezenet_are_the_published_ones(lpips: Lpips) -> None:
    expected = json.loads((REFERENCE / "expected.json").read_text())
    metric, generator = squeeze(CPU), torch.Generator().manual_seed(42)
    one, other = (torch.rand(2, 3, 100, 100, generator=generator) for _ in range(2))
    with torch.inference_mode():
        assert metric(one, other).tolist() == pytest.approx([0.1024, 0.0938], abs=5e-5), (
            "values in the documentation of torchmetrics"
        )
        for name, (reference, distorted) in PAIRS.items():
            found = metric(load_image(distorted), load_image(reference)).item()
            assert found == pytest.approx(expected["computed_here"][name]["lpips_squeeze"], abs=1e-4), name


def test_values_with_vgg_follow_the_papers_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare with squared differences of unit-length features after five activations, weighted by the heads."""
    torch.manual_seed(0)
    trunk = torchvision.models.vgg.make_layers(torchvision.models.vgg.cfgs["D"])
    monkeypatch.setattr(download, "load_features", lambda name: {"vgg16": trunk.state_dict()}[name])
    metric = vgg(CPU)
    one, other = torch.rand(2, 1, 3, 40, 48)
    expected = torch.zeros(1)
    scale = torch.tensor([0.458, 0.448, 0.450])[:, None, None]
    shift = torch.tensor([-0.030, -0.088, -0.188])[:, None, None]
    with torch.inference_mode():
        x, y = (((image * 2 - 1) - shift) / scale for image in (one, other))
        heads = (head.get_parameter("model.1.weight") for head in metric.network.lins)
        for index, layer in enumerate(trunk):
            x, y = layer(x), layer(y)
            if index in (3, 8, 15, 22, 29):
                difference = (x / x.norm(dim=1, keepdim=True) - y / y.norm(dim=1, keepdim=True)).square()
                expected += (difference * next(heads)).sum(1).mean()
        torch.testing.assert_close(metric(one, other), expected, rtol=1e-3, atol=1e-6)


@official
def test_a_batch_equals_single_images_and_grey_equals_three_equal_channels(lpips: Lpips) -> None:
    one, other = torch.rand(2, 3, 3, 64, 48, generator=torch.Generator().manual_seed(0))
    batch = lpips(one, other)
    assert batch.shape == (3,)
    torch.testing.assert_close(batch, torch.cat([lpips(x[None], y[None]) for x, y in zip(one, other, strict=True)]))
    torch.testing.assert_close(lpips(one, other), lpips(other, one))
    assert (lpips(one, one) == 0).all()
    grey = one[:, :1], other[:, :1]
    coloured = [x.repeat(1, 3, 1, 1) for x in grey]
    torch.testing.assert_close(lpips(*grey), lpips(coloured[0], coloured[1]))


@pytest.fixture
def random_trunk(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    trunk = torchvision.models.alexnet().features.state_dict()
    monkeypatch.setattr(download, "load_features", lambda name: trunk)


@pytest.mark.usefixtures("random_trunk")
@pytest.mark.parametrize("cache_bytes", [0, 200_000, 2**30])
def test_cached_features_change_no_value(cache_bytes: int) -> None:
    """Compare with the package's forward pass, for the same images in different orders and batches."""
    metric, package = Lpips(CPU, "alex", "alexnet", cache_bytes), alex(CPU).network
    images = torch.rand(5, 3, 64, 72)
    for order in ([0, 1, 2], [2, 4, 0, 3], [4, 4], [1]):
        prediction, image = torch.rand(len(order), 3, 64, 72), images[order]
        expected = package(prediction, image, normalize=True).flatten()
        torch.testing.assert_close(metric(prediction, image, keys(image)), expected, rtol=1e-6, atol=1e-7)
        torch.testing.assert_close(metric(prediction, image), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.usefixtures("random_trunk")
def test_images_are_cached_by_their_content_within_the_size_of_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    metric, counts = alex(CPU), []
    monkeypatch.setattr(metric.network.net, "forward", _counted(metric.network.net.forward, counts))
    prediction, images = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    for image in (images, images.flip(0), images.clone()):
        metric(prediction, image, keys(image))
    assert counts == [4, 2, 2]
    images[0, 0, 0, 0] += 0.1  # the same tensor, another image
    metric(prediction, images, keys(images))
    assert counts[-1] == 3
    size = sum(layer.nbytes for features in metric.cache.values() for layer in features)
    full = Lpips(CPU, "alex", "alexnet", size // 3)
    for image in (images, torch.rand(2, 3, 64, 64)):
        full(prediction, image, keys(image))
    assert sum(layer.untyped_storage().nbytes() for each in full.cache.values() for layer in each) == size // 3


def keys(images: torch.Tensor) -> list[bytes]:
    return [image.numpy().tobytes() for image in images]


def _counted(forward: Callable[[torch.Tensor], Any], counts: list[int]) -> Callable[[torch.Tensor], Any]:
    """Wrap a forward pass so that it records the size of each batch."""

    def counting(images: torch.Tensor) -> Any:
        counts.append(len(images))
        return forward(images)

    return counting


@official
def test_building_it_does_not_change_the_global_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_WEIGHTS", str(SHARED / "weights"))
    download.locate.cache_clear()
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    alex(CPU)
    torch.testing.assert_close(torch.rand(4), expected)


def test_without_the_trunk_the_error_names_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_network(official: download.OfficialWeights) -> Path:
        raise OSError("no network")

    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(download, "_download", no_network)
    download.locate.cache_clear()
    with pytest.raises(download.MissingWeights, match=r"alexnet-owt-7be5be79\.pth"):
        alex(CPU)
