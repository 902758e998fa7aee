"""Short+long term attention (Section 3.4): one map of weights copies from two sets of features."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softmax

from bench_core.nn.attention_slabs import max_scores
from bench_core.nn.precision import without_autocast
from bench_core.nn.types import Features, HoleTensor
from bench_picnet.layers import ResidualBlock

FUSION_SLOPE = 0.01
"""Slope of the fusion's leaky ReLUs, which differs from that of all others."""
SCORES_IN_CACHE = 2**18
"""Scores that a CPU computes at a time: 1 MiB in 32 bits stay in its cache."""


class ShortLongAttention(nn.Module):
    """Attention of decoder features to themselves (short term) and to features of the encoder (long term).

    Discriminators use the short-term part only, and leave the fusion unused.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, channels // 4, 1)
        # the only layer that the official initialiser reaches, because those with spectral norm have no `weight`
        nn.init.orthogonal_(self.query.weight, gain=0.02)
        nn.init.zeros_(self.query.bias)  # pyright: ignore[reportArgumentType]
        self.gamma, self.alpha = (nn.Parameter(torch.zeros(1)) for _ in range(2))
        self.fusion = ResidualBlock(2 * channels, channels, channels, slope=FUSION_SLOPE)

    def forward(self, x: Features) -> Features:
        """Return the short-term part: x + gamma times the features that it attends to."""
        return x + self.gamma * attend(self.query(x), x)

    def fuse(self, x: Features, encoded: Features, known: HoleTensor) -> Features:
        """Fuse the short-term part with the encoder's features, which are copied to the hole by the same weights.

        Args:
            x: decoder features.
            encoded: the encoder's features of the masked image, of the same shape.
            known: 1 where a pixel is known, resized to the features, so that borders lie in between.
        """
        attended_x, attended = attend(self.query(x), torch.cat([x, encoded], dim=1)).chunk(2, dim=1)
        short = x + self.gamma * attended_x
        long = self.alpha * (1 - known) * attended + known * encoded
        # CPUs convolve faster with channels last, the layout of the features before
        return self.fusion(torch.cat([short, long], dim=1).contiguous(memory_format=torch.channels_last))


def attend(queries: Float[Tensor, "b q h w"], values: Features) -> Features:
    """Average values over all positions, by the softmax of inner products of the queries there and here.

    Keys are the queries, and scores are not scaled. Slabs of positions follow one another, so that a prediction never
    holds the scores of a large map at once. The result has 32 bits or more.
    """
    with without_autocast(queries.device):  # 16 bits are too few for the scores
        wide = torch.promote_types(queries.dtype, torch.float32)
        q = queries.to(wide).flatten(2).mT
        v = values.to(wide).flatten(2).mT
        fitting = SCORES_IN_CACHE if q.device.type == "cpu" else max_scores(q.device)
        rows = max(1, fitting // (len(q) * q.shape[1]))
        keys = q.mT
        attended = torch.cat([softmax(slab @ keys, dim=-1) @ v for slab in q.split(rows, dim=1)], dim=1)
    return attended.mT.unflatten(2, values.shape[-2:])
