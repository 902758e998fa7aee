"""Pooling by matrix products equals PyTorch's adaptive average pooling."""

import torch
from torch.nn.functional import adaptive_avg_pool2d

from bench_core.nn.pool import adaptive_avg_pool


def test_outputs_and_gradients_agree_with_pytorch():
    for size in ((4, 4), (1, 1), (7, 5), (2, 9)):
        x = torch.randn(2, 3, *size, requires_grad=True)
        wanted, weight = adaptive_avg_pool2d(x, 4), torch.randn(2, 3, 4, 4)
        torch.testing.assert_close(adaptive_avg_pool(x, 4), wanted)
        found = torch.autograd.grad((adaptive_avg_pool(x, 4) * weight).sum(), x)
        torch.testing.assert_close(found, torch.autograd.grad((wanted * weight).sum(), x))
