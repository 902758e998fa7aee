"""Frozen records that plugins return from their hooks. Nothing here imports torch.

A field of type `Reference` points to code like an entry point does: ``"package.module:object"``. It is imported on
first use, so listing plugins stays fast.

Shapes: images are float tensors (b, c, h, w) in [0, 1]. Holes are (b, 1, h, w) with 1 = missing pixel.
"""

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any, Literal

from bench_core.recipe import Recipe

Reference = str
Scale = Literal["paper", "nano"]
"""Size of the networks: as published, or narrow ones for tests and CPUs."""
Precision = Literal["32-true", "tf32", "bf16-mixed", "16-mixed"]
"""Precisions of Lightning Fabric, and TF32: 32-bit floats of which NVIDIA GPUs multiply only 19 bits."""


def resolve(reference: Reference) -> Any:
    """Import the object that a reference points to. ImportError or AttributeError if it does not exist."""
    return pkgutil.resolve_name(reference)


@dataclass(frozen=True)
class Loss:
    """A named loss term. Any recipe can use it, and a user can add it with ``--add-loss NAME=WEIGHT``."""

    name: str
    title: str
    """Short description or equation."""
    term: Reference
    """Function ``(ctx: bench_core.methods.LossContext, **parameters)`` that returns a scalar tensor."""
    backbone: str | None = None
    """Pretrained network that the term needs, by its name in `bench_core.weights.download`."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of `term` with their defaults; ``--option TERM.NAME=VALUE`` changes one."""


@dataclass(frozen=True)
class Checkpoint:
    """A layout of published weights that `bench weights import` can convert."""

    name: str
    title: str
    source: str
    """Who published such files, and where."""
    translate: Reference
    """Function from a tensor name of our generator to a `bench_core.methods.convert_weights.TensorMapping`."""
    state_dict_key: str = ""
    """Key of the state dict in the file; empty if the file is the state dict itself."""
    dropped: Mapping[str, str] = field(default_factory=dict)
    """Tensors of the file to ignore: glob patterns of their names, each with the reason."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the model that these weights were trained with."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """Files that hold the weights together, in the order in which a user gives them: prefix for their tensors' names,
    such as ``"edges"`` for ``edges.conv.weight``, and published file name. Empty if one file holds everything."""


@dataclass(frozen=True)
class Model:
    """An inpainting method, or one form of it."""

    name: str
    """``NAME``, or ``NAME:FORM`` for a form. A form runs only when the user asks for it by this name."""
    title: str
    citation: str
    """The paper: authors, title, venue and year."""
    build: Reference
    """Function ``(scale: Scale, channels: int, **options) -> bench_core.methods.Method``."""
    recipe: Recipe | None = None
    """Training recipe; None for a training-free method."""
    losses: tuple[Loss, ...] = ()
    """Private loss terms of this model. They take precedence over public terms of the same name."""
    size_multiple: Mapping[str, int] = field(default_factory=lambda: {"paper": 1, "nano": 1})
    """By scale, the number that height and width in pixels must be multiples of. Its keys are the model's scales."""
    fixed_size: Mapping[str, int] = field(default_factory=dict)
    """By scale, the only height and width in pixels that the networks accept; leave out scales that accept others."""
    min_size: Mapping[str, int] = field(default_factory=dict)
    """By scale, the smallest height and width in pixels that the networks accept; leave out scales that accept any."""
    channels: tuple[int, ...] = (3,)
    """Supported numbers of image channels: 3 for RGB, 1 for grey."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of `build` with their defaults; ``--option NAME.OPTION=VALUE`` changes one."""
    supports_hole: Reference | None = None
    """Function of a hole, uint8 (height, width), 1 = missing, that returns why the model cannot fill it, such as
    ``"fills holes in the middle only"``, or "" if it can. None if the model can fill any hole."""
    guide: Reference | None = None
    """Function of a `torch.device` that returns a `bench_core.methods.Guide`, for methods that follow a sketch."""
    postprocess: Reference | None = None
    """Function ``(masked, hole, prediction) -> prediction`` on whole images in [0, 1], applied after `predict`."""
    shares_weights_with: str = ""
    """Name of the model whose trained weights this model uses. The two may differ only in `postprocess`."""
    checkpoints: tuple[Checkpoint, ...] = ()
    """Layouts of published weights for this model."""
    num_parameters: Mapping[str, int] = field(default_factory=dict)
    """By scale, the number of parameters of the generator with default options. `bench check` verifies it."""
    stochastic: bool = False
    """True if predictions are random samples, drawn from torch's default generator."""
    batch_dependent: bool = False
    """True if images of a batch influence each other. They are predicted one by one without ``--predict-batch``."""

    @property
    def scales(self) -> tuple[str, ...]:
        return tuple(self.size_multiple)


@dataclass(frozen=True)
class MaskFamily:
    """A family of masks: a function that draws holes, with parameters."""

    name: str
    title: str
    draw: Reference
    """Function ``(rng, height, width, **parameters)`` of a NumPy generator that returns uint8 (h, w), 1 = missing."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of `draw` with their defaults; `...` marks a required one."""
    source: str = ""
    """Paper or code that defines the family."""
    content: Reference | None = None
    """Function from the parameters to those to hash, to replace paths by checksums of their files."""
    numbered: bool = False
    """True if `draw` takes the pair's index in place of `rng`, because the holes exist in a file."""


@dataclass(frozen=True)
class ImageSet:
    """A set of images with a fixed split into train and test."""

    name: str
    title: str
    open: Reference
    """Function ``(folder: Path | None, split: "train" | "test") -> bench_core.images.Images``."""
    source: str
    """Origin of the images, and how to get them."""
    needs_folder: bool = True
    """True if the user must give the folder with ``--data``."""
    default_folder: str = ""
    """Folder of the images, or of their download, if the user gives none; empty if they come with a package."""


@dataclass(frozen=True)
class Metric:
    """One exact definition of a metric. Numbers share a column of a table only if they share a definition."""

    definition: str
    """``NAME@VARIANT``, such as ``ssim@skimage``. `bench_core.metrics.select` explains ``-raw`` and ``-float``."""
    title: str
    text: str
    """Formula, constants, and the library that computes it."""
    better: Literal["higher", "lower"]
    build: Reference
    """Function of a device. Returns a `bench_core.metrics.PerImage`, or a `FeatureExtractor` if `per` is "set"."""
    per: Literal["image", "set"] = "image"
    """One value for each image, or one for the whole set of images."""
    origin: str = ""
    """Paper or code that defines the metric."""
    bounds: tuple[float, float] = (0, inf)
    """Lowest and highest possible value."""
    region: str = "full"
    """Pixels that count: "full", "hole", "known", "border", or "ringK" for pixels within K of the hole's border."""
    source: Literal["composite", "raw"] = "composite"
    """Image that is measured: the composite, or the method's raw prediction."""
    quantised: bool = True
    """True if images are rounded to 8 bits first, as in a PNG."""
    features: str = ""
    """Name of the features that `build` extracts. Metrics with the same name share one extraction."""
    compare: Reference = ""
    """Torch-free function ``(predicted, ground_truth) -> float`` of features (n, d) by pair, if `per` is "set"."""
    weights: str | None = None
    """Pretrained network that the metric needs, by its name in `bench_core.weights.download`."""
    fewest_images: int = 1
    """Tables mark a value that comes from fewer images than this."""
    digits: int = 4
    """Decimals in tables."""
    version: int = 1
    """Increase it whenever the definition changes; rows of other versions are then computed again."""

    @property
    def name(self) -> str:
        return self.definition.partition("@")[0]


@dataclass(frozen=True)
class Report:
    """A table format."""

    name: str
    suffix: str
    """File suffix with its dot, such as ``".csv"``."""
    write: Reference
    """Function from a table to bytes."""
    binary: bool = False
    """True if the bytes are not text, so the format needs ``-o FILE``."""
    site: Reference | None = None
    """Function ``(folder, store, runs, plugins)`` that writes a website of all results into a folder."""


@dataclass(frozen=True)
class Executor:
    """A way to run the cells of an experiment."""

    name: str
    title: str
    run: Reference
    """Generator function ``(cells, **options)``. It yields every `bench_core.experiment.cell.Cell` when it finishes, in
    any order, with its status set. The status stays pending if another process holds the cell's lock."""
    options: tuple[str, ...] = ()
    """Names of the options of `bench run` that `run` takes, such as ``"jobs"``."""
    in_process: bool = False
    """True if cells run in the process of `bench run`."""
    needs: str = ""
    """Package that must be installed, and the extra of inpaint-bench that installs it."""


@dataclass(frozen=True)
class Tracker:
    """An experiment tracker, such as TensorBoard."""

    name: str
    title: str
    open: Reference
    """Function of the store's folder that returns a `bench_core.training.trackers.tracker.CellTracker`."""
    needs: str = ""
    """Package that must be installed, and the extra of inpaint-bench that installs it."""


@dataclass(frozen=True)
class Command:
    """A subcommand of `bench`."""

    name: str
    section: str
    """Heading in `bench --help`, such as ``"Experiments"``."""
    command: Reference
    """A `click.Command`. `bench --help` imports its module, so keep the module light."""


@dataclass(frozen=True)
class NamedFile:
    """A TOML file with a name: a protocol, or a paper's table."""

    name: str
    path: Path
