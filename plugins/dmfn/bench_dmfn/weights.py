"""Where the tensors of the official `latest_G.pth` are found, for `bench weights import`."""

from bench_core.methods.convert_weights import TensorMapping


def official(name: str) -> TensorMapping:
    """With released blocks our generator has the official names, shapes, colours and range."""
    return TensorMapping((name,))
