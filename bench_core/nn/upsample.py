"""Nearest-neighbour upsampling followed by a 3x3 convolution, without the upsampled image."""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv_transpose2d, pad


def upsampled_conv2d(
    x: Float[Tensor, "b c h w"],
    kernel: Float[Tensor, "c c2 4 4"],
    bias: Float[Tensor, " c2"] | None = None,
    reflect: bool = False,
) -> Float[Tensor, "b c2 2*h 2*w"]:
    """Repeat pixels to twice the height and width, pad one zero (or one mirrored pixel) and convolve.

    The kernel is `spread` from the 3x3 one. Upsampled pixels mirrored at a border are the ones that stand there.
    """
    if reflect:
        x = pad(x, (1, 1, 1, 1), "replicate")
    return conv_transpose2d(x, kernel, bias, stride=2, padding=3 if reflect else 1)


def spread(weight: Float[Tensor, "c2 c 3 3"]) -> Float[Tensor, "c c2 4 4"]:
    """The kernel of the transposed convolution of stride 2 that upsamples and convolves at once; linear in the weight.

    A pixel repeated to 2x2 and weighed by 3x3 reaches 4x4 places. What it adds there is the weight, mirrored and summed
    over 2x2 windows: 16 products a pixel in place of 4 x 9.
    """
    mirrored = weight.transpose(0, 1).flip(2, 3)
    return avg_pool2d(mirrored, 2, stride=1, padding=1, divisor_override=1)  # sums, not means
