"""Divergence of normal distributions against integrals and formulas."""

import pytest
import torch

from bench_core.losses.divergence import Gaussian, gaussian_kl


def test_the_divergence_of_normal_distributions():
    """Against a fine sum over the line, and 0 for equal distributions only."""
    p, q = Gaussian(torch.tensor([0.5, -1.0]), torch.tensor([0.8, 2.0])), Gaussian(torch.zeros(2), torch.ones(2))
    x = torch.linspace(-30, 30, 600_001, dtype=torch.double)[:, None]
    density, other = (
        torch.exp(-0.5 * ((x - one.mean) / one.deviation).square()) / (one.deviation * (2 * torch.pi) ** 0.5)
        for one in (p, q)
    )
    ratio = torch.where(density > 0, (density / other.clamp_min(1e-300)).log(), 0)
    wanted = (density * ratio).sum(0) * 1e-4
    assert gaussian_kl(p, q).item() == pytest.approx(wanted.mean().item(), rel=1e-4)
    assert gaussian_kl(p, p).item() == 0
    assert gaussian_kl(q, p).item() != pytest.approx(gaussian_kl(p, q).item(), rel=0.1)
