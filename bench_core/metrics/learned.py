"""LPIPS (Zhang et al., CVPR 2018), computed by its authors' package."""

import warnings

import torch
from jaxtyping import Float
from torch import Tensor

from bench_core import weights

Pictures = Float[Tensor, "b c h w"]


class Lpips:
    """The package brings its linear heads; the trunk's weights are those that `bench_core.weights` finds."""

    def __init__(self, device: torch.device) -> None:
        import lpips

        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")  # the package calls torchvision the old way
            self.network = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
        trunk = weights.load_features("alexnet")
        layers = {name.rpartition(".")[2]: layer for name, layer in self.network.net.named_modules()}
        for key, value in trunk.items():
            index, parameter = key.split(".")
            getattr(layers[index], parameter).data.copy_(value)
        self.network.to(device).eval().requires_grad_(False)

    def __call__(self, composite: Pictures, image: Pictures) -> Float[Tensor, " b"]:
        return self.network(composite.expand(-1, 3, -1, -1), image.expand(-1, 3, -1, -1), normalize=True).flatten()
