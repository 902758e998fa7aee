"""Where the tensors of the official `latest_G.pth` are found, for `bench weights import`."""

from bench_core.methods.convert_weights import Origin


def official(name: str) -> Origin:
    """With released blocks our generator has the official names, shapes, colours and range."""
    return Origin((name,))
