"""The harness of inpaint-bench: it trains and judges inpainting methods and knows none of them.

A plugin imports its records and `hookimpl` from here. Importing this package imports no torch.
"""

from bench_core.hookspecs import hookimpl
from bench_core.recipe import Optimiser, Phase, Recipe, Update
from bench_core.specs import (
    Checkpoint,
    Command,
    Executor,
    ImageSet,
    Loss,
    MaskFamily,
    Metric,
    Model,
    NamedFile,
    Report,
    Tracker,
)

__version__ = "0.1.0"

__all__ = [
    "Checkpoint",
    "Command",
    "Executor",
    "ImageSet",
    "Loss",
    "MaskFamily",
    "Metric",
    "Model",
    "NamedFile",
    "Optimiser",
    "Phase",
    "Recipe",
    "Report",
    "Tracker",
    "Update",
    "hookimpl",
]
