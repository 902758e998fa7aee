"""Where BoyuanJiang's PyTorch files keep the tensors of the centre generator at scale `paper`."""

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
"""Place of each layer's convolution in their sequence; its batch norm comes next."""


def translate(name: str) -> TensorMapping:
    """``LAYER.conv.*`` or ``LAYER.norm.*`` to ``main.PLACE.*``."""
    layer, part, kind = name.split(".")
    return TensorMapping((f"main.{LAYERS[layer] + (part == 'norm')}.{kind}",))
