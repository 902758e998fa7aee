"""Nearest-neighbour upsampling followed by a 3x3 convolution, without the upsampled image."""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv_transpose2d, pad


def upsampled_conv2d(
    x: Float[Tensor, "b c h w"],
    weight: Float[Tensor, "c2 c 3 3"],
    bias: Float[Tensor, " c2"] | None = None,
    reflect: bool = False,
) -> Float[Tensor, "b c2 2*h 2*w"]:
    """Repeat pixels to twice the height and width, pad one zero (or one mirrored pixel) and convolve.

    A pixel repeated to 2x2 and weighed by 3x3 reaches 4x4 places. What it adds there is the kernel, mirrored and summed
    over 2x2 windows: a transposed convolution of stride 2, with 16 products a pixel in place of 4 x 9. Upsampled pixels
    mirrored at a border are the ones that stand there.
    """
    if reflect:
        x = pad(x, (1, 1, 1, 1), "replicate")
    return conv_transpose2d(x, spread(weight), bias, stride=2, padding=3 if reflect else 1)


def spread(weight: Float[Tensor, "c2 c 3 3"]) -> Float[Tensor, "c c2 4 4"]:
    """The kernel of the transposed convolution, linear in the weight."""
    mirrored = weight.transpose(0, 1).flip(2, 3)
    return 4 * avg_pool2d(mirrored, 2, stride=1, padding=1)
