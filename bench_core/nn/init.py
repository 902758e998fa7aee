"""Initial weights. Apply a rule to a whole network with ``network.apply(rule)``."""

from torch import nn

from bench_core.nn.spectral_norm import SpectralNorm


def init_normal(module: nn.Module) -> None:
    """Draw weights from N(0, 0.02) and batch norm's gains from N(1, 0.02); set biases to 0."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d):
        weight = module.weight_orig if isinstance(module, SpectralNorm) else module.weight
        nn.init.normal_(weight, 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def init_glorot(module: nn.Module) -> None:
    """Draw weights from Glorot and Bengio's uniform distribution, TensorFlow's default; set biases to 0."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
