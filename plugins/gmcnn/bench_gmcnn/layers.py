"""A column of the generator: convolutions and ELUs, and a resize to the size of the image."""

from collections import OrderedDict
from collections.abc import Iterable

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import elu_, interpolate

from bench_core.nn.conv import PaddedConv2d, Padding
from bench_core.nn.types import Features
from bench_core.nn.upsample import spread, upsampled_conv2d
from bench_gmcnn.wiring import Row


class UpsampledConv(PaddedConv2d):
    """Convolution of a map whose pixels are first repeated to twice the height and width."""

    def forward(self, input: Features) -> Float[Tensor, "b c2 2*h 2*w"]:
        x = self.padded(input)
        if self.kernel_size == (3, 3):
            return upsampled_conv2d(x, spread(self.weight), self.bias, self.padding_mode == "reflect")
        return super().forward(interpolate(x, scale_factor=2.0))


class Column(nn.Sequential):
    """One of the parallel columns. Its kernel size is its field of view."""

    def __init__(self, in_channels: int, width: int, rows: Iterable[Row], padding: Padding) -> None:
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for row in rows:
            layer = UpsampledConv if row.upsample else PaddedConv2d
            out_channels = int(row.width * width)
            layers[row.name] = layer(in_channels, out_channels, row.kernel_size, row.stride, row.dilation, padding)
            in_channels = out_channels
        super().__init__(layers)
        self.out_channels = in_channels

    def forward(self, input: Features) -> Float[Tensor, "b c2 h w"]:
        """Return features at the size of the input. No ELU follows the last resize."""
        x = input
        for layer in self:
            x = elu_(layer(x))
        if x.shape[-2:] == input.shape[-2:]:
            return x
        return interpolate(x, input.shape[-2:], mode="bilinear", align_corners=True)
