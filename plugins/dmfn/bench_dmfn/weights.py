"""Layout of the official weights, `latest_G.pth`."""

from bench_core.methods.convert_weights import TensorMapping


def official(name: str) -> TensorMapping:
    """Map to the same name: with `released` blocks our generator has the official names, shapes, colours and range."""
    return TensorMapping((name,))
