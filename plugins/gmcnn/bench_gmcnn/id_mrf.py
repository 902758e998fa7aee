"""Implicit diversified Markov random fields: features of one image should match those of another."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.linalg import vector_norm
from torch.nn.functional import softmax

from bench_core.nn.inner_products import inner_products
from bench_core.nn.precision import without_autocast
from bench_core.nn.types import Features

BANDWIDTH = 0.5
EPS = 1e-5

Vectors = Float[Tensor, "b n c"]


def vectors(features: Features) -> Vectors:
    """Return the feature vector of every position, row by row, in 32 bits or more."""
    return features.to(torch.promote_types(features.dtype, torch.float32)).flatten(2).mT


def id_mrf(queries: Float[Tensor, "b m c"], keys: Vectors) -> Float[Tensor, " b"]:
    """Return the distance of two sets of feature vectors of each image, 0 if they are equal.

    A query's similarities to the keys are relative to its nearest key, and add up to 1. The distance is small if every
    key is the nearest of some query, so one key that is near to all queries does not help.
    """
    with without_autocast(keys.device):
        distances = (1 - inner_products(unit(queries), unit(keys))) / 2
        nearest = distances.min(dim=2, keepdim=True).values
        # softmax, because exp((1 - d) / bandwidth) is divided by its sum over keys
        similarities = softmax(distances / (-BANDWIDTH * (nearest + EPS)), dim=2)
        return -similarities.max(dim=1).values.mean(dim=1).log()


def unit(x: Vectors) -> Vectors:
    """Scale vectors to length 1. Zeros stay zeros, of which the official code makes NaN."""
    length = vector_norm(x, dim=2, keepdim=True)
    return x / torch.where(length > 0, length, 1)
