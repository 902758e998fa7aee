"""The harness of inpaint-bench: trains and evaluates inpainting methods that come from plugins.

Plugins import `hookimpl` and the record classes from here. Importing this package does not import torch.
"""

from bench_core.hookspecs import hookimpl
from bench_core.recipe import Average, Optimiser, Phase, Recipe, Schedule, Update, lazy
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
    "Average",
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
    "Schedule",
    "Tracker",
    "Update",
    "hookimpl",
    "lazy",
]
