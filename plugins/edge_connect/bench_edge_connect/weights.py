"""Layout of the official generators, `EdgeModel_gen.pth` and `InpaintingModel_gen.pth`, which have the same names.

Layers keep their order, but the official code counts padding, norms and activations, too.
"""

import re

from bench_core.methods.convert_weights import TensorMapping

PLACES = {
    r"encoder\.convs\.(\d)": lambda found: f"encoder.{3 * int(found[1]) + 1}",
    r"blocks\.(\d)\.conv1": lambda found: f"middle.{found[1]}.conv_block.1",
    r"blocks\.(\d)\.conv2": lambda found: f"middle.{found[1]}.conv_block.5",
    r"decoder\.ups\.(\d)": lambda found: f"decoder.{3 * int(found[1])}",
    r"decoder\.last": lambda found: "decoder.7",
}


def official(name: str) -> TensorMapping:
    """Map to the official names, such as ``edges.middle.0.conv_block.1.bias`` for ``edges.blocks.0.conv1.bias``."""
    network, rest = name.split(".", 1)
    layer, kind = rest.rsplit(".", 1)
    (place,) = (place(found) for pattern, place in PLACES.items() if (found := re.fullmatch(pattern, layer)))
    return TensorMapping((f"{network}.{place}.{kind}",))
