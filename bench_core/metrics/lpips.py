"""LPIPS (Zhang et al., CVPR 2018), with the network and heads of its authors' package."""

import warnings
from collections.abc import Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from bench_core.weights import download

Images = Float[Tensor, "b c h w"]
Features = list[Tensor]
"""One tensor per layer, (b, d, h, w), of unit length at every pixel."""
CACHE_BYTES = 2**30
"""Size of the cache of ground-truth features."""


class Lpips:
    """LPIPS distance. The package brings the linear heads; the trunk gets the official weights.

    Features of ground-truth images with a key are cached, since all methods and mask sets share them. The first images
    that fit stay cached. Evicting the least recently used one would drop each image just before the next pass needs it.
    """

    caches_ground_truth = True

    def __init__(self, device: torch.device, net: str, trunk: str, cache_bytes: int = CACHE_BYTES) -> None:
        import lpips

        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")  # the package uses a deprecated call of torchvision
            self.network = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
        layers = {name.rpartition(".")[2]: layer for name, layer in self.network.net.named_modules()}
        for key, value in download.load_features(trunk).items():
            index, _, parameter = key.partition(".")
            layers[index].get_parameter(parameter).data.copy_(value)
        self.network.eval().requires_grad_(False).to(device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.free_bytes = cache_bytes
        self.cache: dict[bytes, Features] = {}
        """Features by the hash of an image's content."""

    def __call__(self, prediction: Images, image: Images, keys: Sequence[bytes] = ()) -> Float[Tensor, " b"]:
        """Return the distances. `keys` are hashes of the images of `image`; without them nothing is cached."""
        known = [self.cache.get(key) for key in keys] or [None] * len(image)
        missing = [index for index, features in enumerate(known) if features is None]
        # one forward pass for the predictions and the uncached images
        computed = self._features(torch.cat([prediction, *(image[index, None] for index in missing)]))
        new = {index: [layer[len(prediction) + n, None] for layer in computed] for n, index in enumerate(missing)}
        ground_truth = [features or new[index] for index, features in enumerate(known)]
        for index, key in enumerate(keys):
            if index in new:
                self._cache(key, new[index])
        layers = zip(self.network.lins, computed, zip(*ground_truth, strict=True), strict=True)
        distances = [head((fake[: len(prediction)] - torch.cat(real)).square()) for head, fake, real in layers]
        return sum(distance.mean((1, 2, 3)) for distance in distances)  # type: ignore[return-value]

    def _features(self, images: Images) -> Features:
        from lpips import normalize_tensor

        scaled = self.network.scaling_layer(2 * images.expand(-1, 3, -1, -1) - 1)
        layers = self.network.net(scaled.contiguous(memory_format=torch.channels_last))
        return [normalize_tensor(layer) for layer in layers]

    def _cache(self, key: bytes, features: Features) -> None:
        size = sum(layer.nbytes for layer in features)
        if key not in self.cache and size <= self.free_bytes:
            self.free_bytes -= size
            self.cache[key] = [layer.clone() for layer in features]


alex = partial(Lpips, net="alex", trunk="alexnet")
vgg = partial(Lpips, net="vgg", trunk="vgg16")
squeeze = partial(Lpips, net="squeeze", trunk="squeezenet")
