"""Spectral norm (Miyato et al., ICLR 2018, arXiv 1802.05957) in the forms that papers and their checkpoints have."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv_transpose2d, linear, normalize

from bench_core.nn.precision import without_autocast
from bench_core.nn.types import Features, Scalar

EPS = 1e-12


class SpectralNorm(nn.Module):
    """Base of the layers below, whose weight is divided by its largest singular value.

    The state dict has the names of `torch.nn.utils.spectral_norm`: the parameter `weight_orig`, and the singular
    vectors `weight_u` and `weight_v`. Each forward pass in training takes one step of power iteration and stores both
    vectors. Evaluation stores nothing, so a prediction does not depend on those before it: it uses the stored vectors,
    or with `step_in_evaluation` the vectors one step after them. Gradients treat both vectors as constants. Unlike
    PyTorch's, the iteration stays in 32 bits under autocast.
    """

    weight: Tensor
    weight_orig: Tensor
    weight_u: Tensor
    weight_v: Tensor

    def _split_weight(self, rows: int, step_in_evaluation: bool) -> None:
        """Replace `weight` by the parts of the norm. Axis `rows` of the weight gives the rows of the matrix."""
        weight = self.weight
        del self.weight
        self.weight_orig = weight
        self._rows, self._step_in_evaluation = rows, step_in_evaluation
        height, width = self._matrix().shape
        self.register_buffer("weight_u", normalize(torch.randn(height), dim=0, eps=EPS))
        self.register_buffer("weight_v", normalize(torch.randn(width), dim=0, eps=EPS))

    def normalised_weight(self) -> Tensor:
        return self.weight_orig / self.sigma()

    def sigma(self) -> Scalar:
        """Estimate the largest singular value, in training after one step of power iteration."""
        with without_autocast(self.weight_orig.device):
            matrix = self._matrix()
            u, v = self._vectors(matrix.detach())
            return u @ (matrix @ v)

    def _matrix(self) -> Float[Tensor, "rows columns"]:
        return self.weight_orig.transpose(0, self._rows).flatten(1)

    def _vectors(self, matrix: Tensor) -> tuple[Tensor, Tensor]:
        """Return u and v. In training, store them too."""
        if not (self.training or self._step_in_evaluation):
            # copies, because a later pass overwrites the buffers before the backward pass of this one
            return self.weight_u.clone(), self.weight_v.clone()
        v = normalize(matrix.T @ self.weight_u, dim=0, eps=EPS)
        u = normalize(matrix @ v, dim=0, eps=EPS)
        if self.training:
            self.weight_u.copy_(u)
            self.weight_v.copy_(v)
        return u, v


class SpectralNormConv2d(SpectralNorm, nn.Conv2d):
    """Convolution under `SpectralNorm`. The matrix has one row per output channel."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        bias: bool = True,
        *,
        step_in_evaluation: bool = False,
    ) -> None:
        nn.Conv2d.__init__(self, in_channels, out_channels, kernel_size, stride, padding, dilation, bias=bias)
        self._split_weight(0, step_in_evaluation)

    def forward(self, input: Features) -> Float[Tensor, "b c2 h2 w2"]:
        return self._conv_forward(input, self.normalised_weight(), self.bias)


class SpectralNormConvTranspose2d(SpectralNorm, nn.ConvTranspose2d):
    """Transposed convolution under `SpectralNorm`. The weight has shape (in, out, k, k).

    Args:
        rows: axis of the weight that gives the rows of the matrix: 1, the output channels as in PyTorch, or 0.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        output_padding: int = 0,
        bias: bool = True,
        *,
        rows: int = 1,
        step_in_evaluation: bool = False,
    ) -> None:
        nn.ConvTranspose2d.__init__(
            self, in_channels, out_channels, kernel_size, stride, padding, output_padding, bias=bias
        )
        self._split_weight(rows, step_in_evaluation)

    def forward(self, input: Features) -> Float[Tensor, "b c2 h2 w2"]:  # pyright: ignore[reportIncompatibleMethodOverride]
        weight = self.normalised_weight()
        return conv_transpose2d(input, weight, self.bias, self.stride, self.padding, self.output_padding)  # pyright: ignore[reportArgumentType]


class SpectralNormLinear(SpectralNorm, nn.Linear):
    """Linear layer under `SpectralNorm`. The matrix has one row per output."""

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, step_in_evaluation: bool = False
    ) -> None:
        nn.Linear.__init__(self, in_features, out_features, bias)
        self._split_weight(0, step_in_evaluation)

    def forward(self, input: Float[Tensor, "b c"]) -> Float[Tensor, "b c2"]:
        return linear(input, self.normalised_weight(), self.bias)
