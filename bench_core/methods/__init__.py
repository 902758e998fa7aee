"""Methods: what a plugin implements, and how the harness selects, loads and runs it."""

from bench_core.methods.method import (
    Guidance,
    Guide,
    HoleTensor,
    ImageTensor,
    LossContext,
    Method,
    MethodOutput,
    Postprocess,
    composite,
    guided,
)

__all__ = [
    "Guidance",
    "Guide",
    "HoleTensor",
    "ImageTensor",
    "LossContext",
    "Method",
    "MethodOutput",
    "Postprocess",
    "composite",
    "guided",
]
