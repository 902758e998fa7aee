"""Frozen records that plugins hand to the harness. Nothing here imports torch.

A field of type `Reference` names code as an entry point does, ``"package.module:object"``; it is imported when
it is first needed, so listing plugins stays light.
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
Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


def resolve(reference: Reference) -> Any:
    """Import what a reference names.

    Raises:
        ImportError, AttributeError: the module or the object in it does not exist.
    """
    return pkgutil.resolve_name(reference)


@dataclass(frozen=True)
class Loss:
    """A named loss term: any recipe may use it, and a user may add it with ``--add-loss NAME=WEIGHT``."""

    name: str
    title: str
    """Its meaning in a few words or as an equation."""
    term: Reference
    """A function ``(bench_core.methods.method.LossContext, **parameters)`` that returns a scalar tensor."""
    backbone: str | None = None
    """The pretrained network that it looks through, by the name in `bench_core.weights.download`."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Every keyword argument of `term` with its default; ``--option TERM.NAME=VALUE`` changes one."""


@dataclass(frozen=True)
class Checkpoint:
    """A layout in which somebody published weights of a model."""

    name: str
    title: str
    source: str
    """Who published such files, and where."""
    translate: Reference
    """A function from a tensor's name in our generator to its `bench_core.methods.convert_weights.TensorMapping`."""
    inside: str = ""
    """Under which key a file holds its tensors, where it holds other things too."""
    dropped: Mapping[str, str] = field(default_factory=dict)
    """Patterns of foreign names that have no use here, each with the reason."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The model's options under which these weights mean what they meant."""


@dataclass(frozen=True)
class Model:
    """An inpainting method, or one form of it."""

    name: str
    """``NAME``, or ``NAME:FORM`` for a form of a method, which runs only where it is asked for by this name."""
    title: str
    citation: str
    build: Reference
    """A function ``(scale, channels, **options) -> bench_core.methods.method.Method``."""
    recipe: Recipe | None = None
    """None where nothing is trained."""
    losses: tuple[Loss, ...] = ()
    """Terms that only this model can compute; they hide public terms of the same name."""
    size_multiple: Mapping[str, int] = field(default_factory=lambda: {"paper": 1, "nano": 1})
    """For each scale, what height and width must be multiples of."""
    fixed_size: Mapping[str, int] = field(default_factory=dict)
    """For each scale whose networks take one size only, that height and width."""
    channels: tuple[int, ...] = (3,)
    options: Mapping[str, Any] = field(default_factory=dict)
    """Every option of `build` with its default; ``--option NAME.OPTION=VALUE`` changes one."""
    supports_hole: Reference | None = None
    """A function of a hole, uint8 (height, width), 1 = missing, that returns why this model cannot fill it, or ""."""
    guide: Reference | None = None
    """A function of the device that returns a `bench_core.methods.method.Guide`, for methods that a user helps."""
    postprocess: Reference | None = None
    """Post-processing ``(masked, hole, prediction) -> prediction``, on whole canvases in [0, 1]."""
    shares_weights_with: str = ""
    """The model whose trained weights this one shares, where both differ by `postprocess` only."""
    checkpoints: tuple[Checkpoint, ...] = ()
    """Layouts of published weights that `bench weights import` can read."""
    num_parameters: Mapping[str, int] = field(default_factory=dict)
    """For each scale, how many the generator has under the default options; empty where none is declared."""
    stochastic: bool = False
    """Whether predictions are drawn at random, from torch's generator, so that one input has many."""

    @property
    def scales(self) -> tuple[str, ...]:
        return tuple(self.size_multiple)


@dataclass(frozen=True)
class MaskFamily:
    """A law by which holes are drawn."""

    name: str
    title: str
    draw: Reference
    """A function ``(rng, height, width, **parameters) -> uint8 array (height, width)``, 1 = missing."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Every parameter with its default; `...` marks one that must be given."""
    source: str = ""
    content: Reference | None = None
    """A function of the parameters that returns those to hash in place of names that stand for something on disk."""
    numbered: bool = False
    """Whether `draw` takes the number of the pair in place of `rng`, since the holes exist already."""


@dataclass(frozen=True)
class ImageSet:
    """A collection of images with a fixed division into train and test."""

    name: str
    title: str
    open: Reference
    """A function ``(folder: Path | None, split: "train" | "test") -> bench_core.images.Images``."""
    source: str
    """Where the images come from and how a user gets them."""
    needs_folder: bool = True
    home: str = ""
    """Where it lies, or will lie once it is downloaded, if no folder is given; empty where it is installed."""


@dataclass(frozen=True)
class Metric:
    """One exact definition of a measure. Two numbers may share a column only if they share a definition."""

    definition: str
    """``NAME@VARIANT``, such as ``ssim@skimage``. What ``-raw`` and ``-float`` mean: `bench_core.metrics.select`."""
    title: str
    text: str
    """The definition in words: formula, constants, what it is computed with."""
    better: Literal["higher", "lower"]
    build: Reference
    """A function of the device that returns a `bench_core.metrics.PerImage`, or `Features` when `per` is "set"."""
    per: Literal["image", "set"] = "image"
    origin: str = ""
    """Who defined it, or whose numbers it reproduces."""
    bounds: tuple[float, float] = (0, inf)
    """The lowest and the highest value that there can be."""
    region: str = "full"
    """Which pixels it looks at: "full", "hole", "known", "border" or "ringK", within K pixels of the hole's border."""
    source: Literal["composite", "raw"] = "composite"
    """Whether it looks at the composite or at the method's whole canvas."""
    quantised: bool = True
    """Whether it sees what a PNG would hold, 8 bits a sample, or the method's floats."""
    features: str = ""
    """What `build` extracts from each image, by a name that all metrics which compare the same features share."""
    compare: Reference = ""
    """A function of the features ``(found (n, d), truth (n, d)) -> float``, arrays of pairs in order, without torch."""
    weights: str | None = None
    """The pretrained network that it looks through, by the name in `bench_core.weights.download`."""
    fewest_images: int = 1
    """A value from fewer images than this is marked in every table."""
    digits: int = 4
    """Decimals in tables."""
    version: int = 1
    """Raised whenever the definition changes; rows of another version are measured anew."""

    @property
    def name(self) -> str:
        return self.definition.partition("@")[0]


@dataclass(frozen=True)
class Report:
    """A format in which a table can be written."""

    name: str
    suffix: str
    write: Reference
    """A function from a table to bytes."""
    binary: bool = False
    """Whether it cannot be shown on a terminal."""
    site: Reference | None = None
    """A function ``(folder, store, runs, plugins)`` that fills a folder with pages of all that is stored."""


@dataclass(frozen=True)
class Executor:
    """A way of running the cells of a comparison."""

    name: str
    title: str
    run: Reference
    """A function ``(cells, **options)`` that yields every `bench_core.experiment.cell.Cell` once it is finished, in any
    order, with its entry filled in. An entry stays pending while another process works on that cell."""
    options: tuple[str, ...] = ()
    """Which of the options about executors of `bench run` it takes."""
    here: bool = False
    """Whether cells run in this process."""
    needs: str = ""
    """A package that must be installed, and the extra of inpaint-bench that brings it."""


@dataclass(frozen=True)
class Tracker:
    """A program that shows what trainings tell."""

    name: str
    title: str
    open: Reference
    """A function of the store's folder, below which all must be written, that returns the
    `bench_core.training.trackers.tracker.CellTracker` of one cell."""
    needs: str = ""
    """A package that must be installed, and the extra of inpaint-bench that brings it."""


@dataclass(frozen=True)
class Command:
    """A command of `bench` that a plugin brings."""

    name: str
    section: str
    """The heading in `bench --help` below which it is listed."""
    command: Reference
    """A `click.Command`. Importing its module should stay light: it is imported to print the help."""


@dataclass(frozen=True)
class NamedFile:
    """A TOML file that a plugin brings under a name: a protocol, or a table of a paper."""

    name: str
    path: Path
