"""Layout of the official generator, `G0000000.pt`.

Layers keep their order, but the official code counts padding, activations and upsampling differently.
"""

import re

from bench_core.methods.convert_weights import TensorMapping

ENCODER = {"0": "1", "2": "3", "4": "5"}
DECODER = {"1": "0.conv", "4": "2.conv", "6": "4"}


def official(name: str) -> TensorMapping:
    """Map to the official names, such as ``middle.0.block02.1.weight`` for ``blocks.0.branches.2.weight``."""
    part, layer, rest = name.split(".", 2)
    if part == "encoder":
        return TensorMapping((f"encoder.{ENCODER[layer]}.{rest}",))
    if part == "decoder":
        return TensorMapping((f"decoder.{DECODER[layer]}.{rest}",))
    place = re.sub(r"^branches\.(\d)", r"block0\1", rest)
    conv, kind = place.rsplit(".", 1)
    return TensorMapping((f"middle.{layer}.{conv}.1.{kind}",))
