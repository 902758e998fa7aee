"""Layout of BoyuanJiang's PyTorch files, for the centre generator at scale `paper`."""

from bench_core.methods.convert_weights import TensorMapping

LAYERS = {
    "conv64": 0,
    "conv32": 2,
    "conv16": 5,
    "conv8": 8,
    "conv4": 11,
    "bottleneck": 14,
    "deconv4": 17,
    "deconv8": 20,
    "deconv16": 23,
    "deconv32": 26,
    "deconv64": 29,
}
"""Index of each layer's convolution in their sequence. Its batch norm has the next index."""


def translate(name: str) -> TensorMapping:
    """Map ``LAYER.conv.*`` or ``LAYER.norm.*`` to ``main.INDEX.*``."""
    layer, part, kind = name.split(".")
    return TensorMapping((f"main.{LAYERS[layer] + (part == 'norm')}.{kind}",))
