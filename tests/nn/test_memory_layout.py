"""Maps lie in memory as convolutions are fastest, and keep their values."""

import torch

from bench_core.nn.memory_layout import for_convolutions, has_channels_last


def test_channels_come_first_in_training_on_the_cpu_and_last_elsewhere() -> None:
    x = torch.rand(2, 3, 5, 4)
    for given in (x, x.contiguous(memory_format=torch.channels_last)):
        assert for_convolutions(given).is_contiguous() and not has_channels_last(for_convolutions(given))
        with torch.no_grad():
            assert has_channels_last(for_convolutions(given))
            assert torch.equal(for_convolutions(given), x)
        assert has_channels_last(for_convolutions(given.to("meta")))
    assert torch.equal(for_convolutions(x), x)
