"""What the paper's tables are made of: convolutions, plain, dilated or transposed, with batch norm and ReLU."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool1d, relu

Features = Float[Tensor, "b c h w"]


class Layer(nn.Module):
    """A convolution, batch norm and ReLU; or ReLU before batch norm."""

    def __init__(self, conv: nn.Conv2d | nn.ConvTranspose2d, norm_last: bool = False) -> None:
        super().__init__()
        self.conv = conv
        self.norm = nn.BatchNorm2d(conv.out_channels)
        self.norm_last = norm_last

    def forward(self, x: Features) -> Float[Tensor, "b o h2 w2"]:
        y = self.conv(x)
        return self.norm(relu(y)) if self.norm_last else relu(self.norm(y))


def pooled(x: Features, side: int) -> Float[Tensor, "b c s s"]:
    """Adaptive average pooling to `side` x `side`, as two matrix products: its own gradient is random on CUDA."""
    rows, columns = (adaptive_avg_pool1d(torch.eye(size).to(x), side) for size in x.shape[-2:])
    return rows.T @ x @ columns
