"""Conversions between the harness's pixel range [0, 1] and the range [-1, 1] of most networks."""

from bench_core.nn.types import HoleTensor, ImageTensor


def signed(image: ImageTensor) -> ImageTensor:
    """Convert from [0, 1] to [-1, 1]."""
    return 2 * image - 1


def unsigned(image: ImageTensor) -> ImageTensor:
    """Convert from [-1, 1] to [0, 1], without clamping."""
    return (image + 1) / 2


def signed_masked(masked: ImageTensor, hole: HoleTensor) -> ImageTensor:
    """Convert a masked image to [-1, 1] with hidden pixels at 0, which is mid-grey."""
    return signed(masked) * (1 - hole)  # hidden pixels are 0 before, and would be -1, black, without the product
