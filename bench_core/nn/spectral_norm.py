"""Spectral norm (Miyato et al., ICLR 2018, arXiv 1802.05957) in PyTorch's form."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from bench_core.nn.precision import without_autocast
from bench_core.nn.types import Features, Scalar

EPS = 1e-12


class SpectralNormConv2d(nn.Conv2d):
    """Convolution whose weight is divided by its largest singular value, as in `torch.nn.utils.spectral_norm`.

    The state dict has that function's names: the parameter `weight_orig`, and the singular vectors `weight_u` and
    `weight_v`. The weight counts as a matrix with one row per output channel. Each forward pass in training takes one
    step of power iteration. Evaluation uses the stored vectors. Gradients treat both vectors as constants. Unlike
    PyTorch's, the iteration stays in 32 bits under autocast.
    """

    weight_orig: Tensor
    weight_u: Tensor
    weight_v: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, bias=bias)
        weight = self.weight
        del self.weight
        self.weight_orig = weight
        self.register_buffer("weight_u", normalize(torch.randn(out_channels), dim=0, eps=EPS))
        self.register_buffer("weight_v", normalize(torch.randn(weight[0].numel()), dim=0, eps=EPS))

    def forward(self, input: Features) -> Float[Tensor, "b c2 h2 w2"]:
        return self._conv_forward(input, self.weight_orig / self.sigma(), self.bias)

    def sigma(self) -> Scalar:
        """Estimate the largest singular value, in training after one step of power iteration."""
        with without_autocast(self.weight_orig.device):
            matrix = self.weight_orig.flatten(1)
            # copies, because a later pass overwrites the buffers before the backward pass of this one
            u, v = self._iterated(matrix.detach()) if self.training else (self.weight_u.clone(), self.weight_v.clone())
            return u @ (matrix @ v)

    def _iterated(self, matrix: Tensor) -> tuple[Tensor, Tensor]:
        """Take one step of power iteration, store the vectors u and v and return them."""
        v = normalize(matrix.T @ self.weight_u, dim=0, eps=EPS)
        u = normalize(matrix @ v, dim=0, eps=EPS)
        self.weight_u.copy_(u)
        self.weight_v.copy_(v)
        return u, v
