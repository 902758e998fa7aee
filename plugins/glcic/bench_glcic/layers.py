"""The layer that all of the paper's tables consist of."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu

from bench_core.nn.types import Features


class Layer(nn.Module):
    """Convolution (plain, dilated or transposed), batch norm and ReLU. With `norm_last`, ReLU precedes batch norm."""

    def __init__(self, conv: nn.Conv2d | nn.ConvTranspose2d, norm_last: bool = False) -> None:
        super().__init__()
        self.conv = conv
        self.norm = nn.BatchNorm2d(conv.out_channels)
        self.norm_last = norm_last

    def forward(self, x: Features) -> Float[Tensor, "b o h2 w2"]:
        y = self.conv(x)
        return self.norm(relu(y)) if self.norm_last else relu(self.norm(y))
