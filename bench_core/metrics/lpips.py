"""LPIPS (Zhang et al., CVPR 2018), with the network and the heads of its authors' package."""

import warnings
from hashlib import sha256

import torch
from jaxtyping import Float
from torch import Tensor

from bench_core.weights import download

Pictures = Float[Tensor, "b c h w"]
Features = list[Tensor]
"""Of each layer, (b, d, h, w), of unit length at every pixel."""
KEPT = 2**30
"""Bytes of features of the truth that a network keeps."""


class Lpips:
    """The package brings its linear heads; the trunk's weights are those that `bench_core.weights.download` finds.

    The features of images are kept, for every method and mask set meets the same ones. Those that came first stay: of a
    list that is gone through again and again, what was used last would be dropped just before it is needed.
    """

    def __init__(self, device: torch.device, net: str, trunk: str, kept: int = KEPT) -> None:
        import lpips

        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")  # the package calls torchvision the old way
            self.network = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
        layers = {name.rpartition(".")[2]: layer for name, layer in self.network.net.named_modules()}
        for key, value in download.load_features(trunk).items():
            index, _, parameter = key.partition(".")
            layers[index].get_parameter(parameter).data.copy_(value)
        self.network.eval().requires_grad_(False).to(device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.room = kept
        """Bytes that may still be filled."""
        self.kept: dict[bytes, Features] = {}
        """Features of images, by the images' content."""

    def __call__(self, picture: Pictures, image: Pictures) -> Float[Tensor, " b"]:
        keys = [_content(one) for one in image]
        unknown = [place for place, key in enumerate(keys) if key not in self.kept]
        found = self._features(torch.cat([picture, image[unknown]]))
        fresh = {place: [layer[len(picture) + n, None] for layer in found] for n, place in enumerate(unknown)}
        truth = [fresh[place] if place in fresh else self.kept[key] for place, key in enumerate(keys)]
        for place, features in fresh.items():
            self._keep(keys[place], features)
        layers = zip(self.network.lins, found, zip(*truth, strict=True), strict=True)
        distances = [head((ours[: len(picture)] - torch.cat(theirs)).square()) for head, ours, theirs in layers]
        return sum(distance.mean((1, 2, 3)) for distance in distances)  # type: ignore[return-value]

    def _features(self, pictures: Pictures) -> Features:
        from lpips import normalize_tensor

        scaled = self.network.scaling_layer(2 * pictures.expand(-1, 3, -1, -1) - 1)
        layers = self.network.net(scaled.contiguous(memory_format=torch.channels_last))
        return [normalize_tensor(layer) for layer in layers]

    def _keep(self, key: bytes, features: Features) -> None:
        size = sum(layer.nbytes for layer in features)
        if key not in self.kept and size <= self.room:
            self.room -= size
            self.kept[key] = [layer.clone() for layer in features]


def alex(device: torch.device) -> Lpips:
    return Lpips(device, "alex", "alexnet")


def vgg(device: torch.device) -> Lpips:
    return Lpips(device, "vgg", "vgg16")


def squeeze(device: torch.device) -> Lpips:
    return Lpips(device, "squeeze", "squeezenet")


def _content(image: Float[Tensor, "c h w"]) -> bytes:
    return sha256(f"{tuple(image.shape)}".encode() + image.numpy(force=True).tobytes()).digest()
