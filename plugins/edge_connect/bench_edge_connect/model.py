"""The networks: an edge model draws the edges inside the hole, then an inpainting model fills in the colours.

Both have the generator of Johnson et al. with dilated blocks (Section 3 and Appendix A of the paper). Images and maps
are in [0, 1].
"""

from functools import partial
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bench_core.errors import BadInput, unknown
from bench_core.methods import Method, MethodOutput
from bench_core.nn.constants import constant
from bench_core.nn.conv import require_side
from bench_core.nn.discriminators import PatchGAN
from bench_core.nn.encoder_decoder import MIN_SIDE, Decoder, DilatedBlock, Encoder
from bench_core.nn.init import init_normal
from bench_core.nn.instance_norm import InstanceNorm
from bench_core.nn.ranges import unsigned
from bench_core.nn.spectral_norm import SpectralNormConv2d, SpectralNormConvTranspose2d
from bench_core.nn.types import HoleTensor, ImageTensor
from bench_core.specs import Scale
from bench_edge_connect.canny import canny

Plane = Float[Tensor, "b 1 h w"]
Phase = Literal["edges", "inpaint", "inpaint_with_edges", "joint", "predict"]
GREY = (0.2125, 0.7154, 0.0721)
"""Weights of red, green and blue, as in scikit-image."""
EDGE_MAPS = ("raw", "merged")
WIDTH_AND_BLOCKS = {"paper": (64, 8), "nano": (8, 2)}
SIGMA_SCALE = {"paper": 1.0, "nano": 0.5}
"""Factor of Canny's sigma, because images at scale nano are small."""


class Network(nn.Module):
    """Encoder to a quarter of the size, dilated residual blocks and decoder, each with instance norm.

    The edge model has spectral norm in all but its last layer, and no biases in its blocks.
    """

    def __init__(self, in_channels: int, out_channels: int, width: int, num_blocks: int, spectral: bool) -> None:
        super().__init__()
        norm = lambda channels: InstanceNorm()  # noqa: E731
        conv, block_conv, up = nn.Conv2d, nn.Conv2d, nn.ConvTranspose2d
        if spectral:
            conv, up = SpectralNormConv2d, SpectralNormConvTranspose2d
            block_conv = partial(SpectralNormConv2d, bias=False)
        self.encoder = Encoder(in_channels, width, norm, conv)
        self.blocks = nn.Sequential(*(DilatedBlock(4 * width, norm, block_conv) for _ in range(num_blocks)))
        self.decoder = Decoder(width, out_channels, partial(up, kernel_size=4, stride=2, padding=1), norm)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c2 h w"]:
        """Return maps without an activation."""
        return self.decoder(self.blocks(self.encoder(x)))


class Generator(nn.Module):
    """Edge model and inpainting model. Holes are filled with ones in images, and with zeros in edge maps."""

    def __init__(self, width: int, num_blocks: int, edge_maps: str) -> None:
        super().__init__()
        self.merges = edge_maps == "merged"
        self.edges = Network(3, 1, width, num_blocks, spectral=True)
        self.colours = Network(4, 3, width, num_blocks, spectral=False)
        self.apply(init_normal)

    def forward(
        self, masked: ImageTensor, hole: HoleTensor, edges: Plane, phase: Phase = "predict"
    ) -> tuple[ImageTensor, Plane]:
        """Return a whole image and the edge model's map.

        Phase "edges" runs the edge model only, and "inpaint" the inpainting model only, on the given edges. In
        "inpaint_with_edges" no gradient reaches the edge model.

        Args:
            edges: edges of the image, or of its known pixels.
        """
        require_side(masked, MIN_SIDE, "edge_connect")
        masked = masked * (1 - hole)
        if phase == "inpaint":
            return self._fill(masked, hole, edges), edges
        with torch.set_grad_enabled(torch.is_grad_enabled() and phase != "inpaint_with_edges"):
            drawn = self.edges(torch.cat([grey(masked) + hole, edges * (1 - hole), hole], dim=1)).sigmoid()
        if phase == "edges":
            return masked, drawn
        merges = self.merges or phase != "predict"
        return self._fill(masked, hole, torch.lerp(edges, drawn, hole) if merges else drawn), drawn

    def _fill(self, masked: ImageTensor, hole: HoleTensor, edges: Plane) -> ImageTensor:
        return unsigned(torch.tanh(self.colours(torch.cat([masked + hole, edges], dim=1))))


class EdgeConnect(Method):
    """Training sees the edges of the complete image, prediction those of the known pixels."""

    def __init__(self, width: int, num_blocks: int, edge_maps: str, sigma: float) -> None:
        super().__init__()
        self.sigma, self.phase = sigma, "predict"
        self.generator = Generator(width, num_blocks, edge_maps)
        self.edge_discriminator = PatchGAN(2, width).apply(init_normal)
        self.discriminator = PatchGAN(3, width).apply(init_normal)

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> MethodOutput:
        return MethodOutput(self.generator(masked, hole, canny(grey(masked), 1 - hole, self.sigma))[0])

    def training_output(self, image: ImageTensor, masked: ImageTensor, hole: HoleTensor, *_: Tensor) -> MethodOutput:
        """Return as `extras["edges"]` the edge model's map and the edges of the ground truth."""
        edges = canny(grey(image), torch.ones_like(hole), self.sigma)
        prediction, drawn = self.generator(masked, hole, edges, self.phase)
        return MethodOutput(prediction, extras={"edges": (drawn, edges)})

    def start_phase(self, phase: str) -> None:
        super().start_phase(phase)
        self.phase = phase


def grey(image: ImageTensor) -> Plane:
    """Return the luminance of RGB images."""
    weights = constant(GREY, image.dtype, image.device).view(1, 3, 1, 1)
    return (weights * image).sum(1, keepdim=True)


def build(scale: Scale, channels: int, edges: str, sigma: float) -> EdgeConnect:
    """Build the method.

    Args:
        edges: what the inpainting model gets in a prediction: "raw", the edge model's whole map as in the official test
            program, or "merged", that map inside the hole and Canny's edges outside, as in training.
        sigma: standard deviation of Canny's Gaussian in pixels; scale nano takes half of it.

    Raises:
        BadInput: an option has another value.
    """
    if edges not in EDGE_MAPS:
        raise unknown("value of edge_connect.edges", edges, EDGE_MAPS)
    if not 0.1 <= sigma <= 20:
        raise BadInput(f"The option edge_connect.sigma is {sigma}; give a number of pixels from 0.1 to 20.")
    return EdgeConnect(*WIDTH_AND_BLOCKS[scale], edges, sigma * SIGMA_SCALE[scale])
