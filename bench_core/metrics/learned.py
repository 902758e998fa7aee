"""LPIPS (Zhang et al., CVPR 2018), computed by its authors' package."""

import warnings

import torch
from jaxtyping import Float
from torch import Tensor

from bench_core import weights

Pictures = Float[Tensor, "b c h w"]


class Lpips:
    """The package brings its linear heads; the trunk's weights are those that `bench_core.weights` finds."""

    def __init__(self, device: torch.device, net: str, trunk: str) -> None:
        import lpips

        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")  # the package calls torchvision the old way
            self.network = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
        layers = {name.rpartition(".")[2]: layer for name, layer in self.network.net.named_modules()}
        for key, value in weights.load_features(trunk).items():
            index, _, parameter = key.partition(".")
            layers[index].get_parameter(parameter).data.copy_(value)
        self.network.to(device).eval().requires_grad_(False)

    def __call__(self, picture: Pictures, image: Pictures) -> Float[Tensor, " b"]:
        return self.network(picture.expand(-1, 3, -1, -1), image.expand(-1, 3, -1, -1), normalize=True).flatten()


def alex(device: torch.device) -> Lpips:
    return Lpips(device, "alex", "alexnet")


def vgg(device: torch.device) -> Lpips:
    return Lpips(device, "vgg", "vgg16")


def squeeze(device: torch.device) -> Lpips:
    return Lpips(device, "squeeze", "squeezenet")
