"""Nearest-neighbour upsampling followed by a 3x3 convolution, computed without the upsampled image."""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv_transpose2d, pad

from bench_core.nn.types import Features


def upsampled_conv2d(
    x: Features,
    kernel: Float[Tensor, "c c2 4 4"],
    bias: Float[Tensor, " c2"] | None = None,
    reflect: bool = False,
) -> Float[Tensor, "b c2 2*h 2*w"]:
    """Repeat pixels to twice the height and width, pad one zero (or one mirrored pixel) and convolve.

    `kernel` is the 3x3 kernel after `spread`.
    """
    if reflect:  # upsampled pixels mirrored at a border equal the border's own
        x = pad(x, (1, 1, 1, 1), "replicate")
    return conv_transpose2d(x, kernel, bias, stride=2, padding=3 if reflect else 1)


def spread(weight: Float[Tensor, "c2 c 3 3"]) -> Float[Tensor, "c c2 4 4"]:
    """Turn a 3x3 kernel into the kernel of the transposed convolution that upsamples and convolves at once.

    A pixel repeated to 2x2 and convolved with 3x3 reaches 4x4 places. Its contribution there is the mirrored weight
    summed over 2x2 windows: 16 products per pixel instead of 4 x 9. The result is linear in the weight.
    """
    mirrored = weight.transpose(0, 1).flip(2, 3)
    return avg_pool2d(mirrored, 2, stride=1, padding=1, divisor_override=1)  # sums, not means
