"""Layouts of the released generator, which was stored together with its discriminator."""

import re

from bench_core.methods.convert_weights import TensorMapping

NAMES = (
    (r"encoder\.convs\.(\d)", lambda found: f"encoder_conv{int(found[1]) + 1}"),
    (r"encoder\.norms\.(\d)\.hole", lambda found: f"encoder_in{int(found[1]) + 1}.foreground"),
    (r"encoder\.norms\.(\d)\.known", lambda found: f"encoder_in{int(found[1]) + 1}.background"),
    (r"blocks\.(\d)", r"middle.\1.conv_block"),
    (r"conv_block\.conv1", "conv_block.1"),
    (r"conv_block\.norm1", "conv_block.2.sa"),
    (r"conv_block\.conv2", "conv_block.5"),
    (r"conv_block\.norm2", "conv_block.6.sa"),
    (r"decoder\.ups\.0\.0", "decoder.0"),
    (r"decoder\.norms\.0", "decoder.2.sa"),
    (r"decoder\.ups\.1\.0", "decoder.4"),
    (r"decoder\.norms\.1", "decoder.6.sa"),
    (r"decoder\.last", "decoder.9"),
    (r"sa\.response_conv", "sa.conv1"),
)
"""Parts of our names, and the official ones, to be replaced in this order."""


def official(name: str) -> TensorMapping:
    """Map to the names of a training on one GPU."""
    return TensorMapping((f"generator.{_renamed(name)}",))


def parallel(name: str) -> TensorMapping:
    """Map to the names of a training on several GPUs."""
    return TensorMapping((f"generator.module.{_renamed(name)}",))


def _renamed(name: str) -> str:
    for ours, theirs in NAMES:
        name = re.sub(ours, theirs, name)
    return name
