"""Layout of the official encoder and generator, whose file names end in `net_E.pth` and `net_G.pth`.

The official files hold many tensors twice: under the name of their layer, and under its place in a sequence. Norms have
a place only.
"""

import re

from bench_core.methods.convert_weights import TensorMapping

BLOCKS = {
    r"encoder\.head": "block0",
    r"encoder\.downs\.(\d)": r"encoder\1",
    r"encoder\.refinements\.(\d)": r"infer_prior\1",
    r"encoder\.(prior|posterior)": r"\1",
    r"decoder\.latent": "generator",
    r"decoder\.ups\.(\d)": r"decoder\1",
    r"decoder\.attention\.fusion": "attn1.model",
    r"decoder\.attention": "attn1",
}
"""Official names of our blocks."""
KINDS = {"weight_orig": "weight_bar", "weight_u": "weight_u", "weight_v": "weight_v", "bias": "bias"}
NORMS = {"norm1": "model.0", "norm2": "model.3"}


def official(name: str) -> TensorMapping:
    """Map to the official names, such as ``encoder2.conv1.module.bias`` for ``encoder.downs.2.conv1.bias``."""
    return TensorMapping((f"{name.partition('.')[0]}.{_official(*_parts(name))}",))


def _official(block: str, layer: str, kind: str) -> str:
    if layer in NORMS:
        return f"{block}.{NORMS[layer]}.{kind}"
    if layer == "query":
        return f"{block}.query_conv.{kind}"
    if not layer:
        return f"{block}.{kind}"
    return f"{block}.{layer}.module.{KINDS[kind]}"


def _parts(name: str) -> tuple[str, str, str]:
    """Split a tensor's name into the official name of its block, its layer and its kind; the layer may be empty."""
    if match := re.fullmatch(r"decoder\.outputs\.(\d)\.(\w+)\.(\w+)", name):
        return f"out{int(match[1]) + 1}", match[2], match[3]  # images begin after the second block
    for pattern, block in BLOCKS.items():
        if match := re.fullmatch(rf"{pattern}(?:\.(?P<layer>\w+))?\.(?P<kind>\w+)", name):
            return match.expand(block), match["layer"] or "", match["kind"]
    raise AssertionError(name)
