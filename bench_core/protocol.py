"""Protocols: the rules of an experiment as a validated, frozen, hashable record.

The named protocols of the harness are the TOML files in `protocols/`; plugins can add more.
"""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bench_core.errors import BadInput, unknown
from bench_core.seeds import digest
from bench_core.specs import NamedFile

FOLDER = Path(__file__).parent / "protocols"
MASK_PATHS = {"folder", "file"}
"""Parameters of mask families that are paths. Relative ones may start beside the protocol file."""
Positive = Annotated[int, Field(gt=0)]
Names = tuple[str, ...]
MAX_NAME_BYTES = 100
"""Longer names would not fit into a file's name, beside what is added to them."""


def _short(name: str) -> str:
    if len(name.encode()) > MAX_NAME_BYTES:
        raise ValueError(f"a name of {len(name.encode())} bytes is too long for a file: give at most {MAX_NAME_BYTES}")
    return name


Name = Annotated[str, Field(pattern=r"^\w[\w.+-]*$"), AfterValidator(_short)]
"""Letters, digits, and ``_ . + -``, because names become parts of file names."""


class MaskSpec(BaseModel):
    """A mask family with parameters. Parameters that are left out have the family's defaults."""

    model_config = ConfigDict(frozen=True, extra="allow")

    family: str

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Protocol(BaseModel):
    """All settings that two methods must share for their numbers to be comparable."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    title: str = ""
    image_set: str
    size: Annotated[int, Field(ge=0)]
    """Height and width of the square images in pixels. 0 keeps each image's own size, for `bench score` only."""
    resize: Positive | None = None
    """Length in pixels of the shorter side after resizing, before cropping. None does not resize."""
    crops: Positive = 1
    """Number of evenly spaced crops of each test image."""
    channels: Literal[1, 3] = 3
    """3 for RGB, 1 for grey."""
    test_images: Positive | None = None
    """Number of test images to use, from the first; None uses all."""
    masks: dict[Name, MaskSpec] = Field(min_length=1)
    """Mask sets by name."""
    train_masks: Names = ()
    """Names of the mask sets to train with, in equal parts; empty uses all."""
    test_masks: Names = ()
    """Names of the mask sets to evaluate with; empty uses all."""
    steps: Annotated[int, Field(ge=0)]
    """Training budget of each method: number of steps over all its phases. 0 does not train."""
    batch: Positive
    """Images in a training step."""
    seed: int = 0
    """Seed of the test holes."""
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1)
    """Training seeds: each method is trained once with each."""
    metrics: Names = Field(min_length=1)
    """Names or definitions of metrics, as in `bench metrics`."""
    scale: Literal["paper", "nano"] = "paper"
    """Networks as published, or narrow ones."""
    backbone: Literal["official", "random"] = "official"
    """Weights of the pretrained networks in perceptual losses: downloaded, or seeded random ones."""
    curve_every: Positive | None = None
    """Number of steps between evaluations during training; None evaluates after training only."""
    curve_images: Positive | None = None
    """Number of test images for evaluations during training, from the first; None uses all."""

    @field_validator("seeds", "metrics", "train_masks", "test_masks")
    @classmethod
    def _no_repetition(cls, value: tuple) -> tuple:
        if len(set(value)) < len(value):
            raise ValueError("a value is given twice")
        return value

    @model_validator(mode="before")
    @classmethod
    def _all_masks_by_default(cls, data: dict[str, Any]) -> dict[str, Any]:
        masks = data.get("masks")
        every = tuple(masks) if isinstance(masks, Mapping) else ()
        return {**data, **{key: data.get(key) or every for key in ("train_masks", "test_masks")}}

    @model_validator(mode="after")
    def _crops_fit(self) -> "Protocol":
        if self.resize and self.resize < self.size:
            raise ValueError(f"resize = {self.resize} is smaller than the crops, size = {self.size}")
        return self

    @model_validator(mode="after")
    def _known_masks(self) -> "Protocol":
        for name in (*self.train_masks, *self.test_masks):
            if name not in self.masks:
                raise unknown("mask set", name, self.masks)
        return self

    @cached_property
    def hash(self) -> str:
        """sha256 of all fields except `name` and `title`."""
        return digest(self.model_dump(mode="json", exclude={"name", "title"}))

    def override(self, changes: Mapping[str, Any]) -> "Protocol":
        """Return a copy with some fields replaced. None keeps a field. A new `size` scales `resize` with it.

        Raises:
            BadInput: The result is not a valid protocol.
        """
        given = {key: value for key, value in changes.items() if value is not None}
        if self.resize and "size" in given:
            given = {"resize": round(self.resize * given["size"] / self.size), **given}
        return validated({**self.model_dump(), **given}, f"protocol {self.name!r} with the given options")


def named(from_plugins: Iterable[NamedFile] = ()) -> dict[str, Path]:
    """Return the files of all named protocols: the harness's own, then those of plugins."""
    own = {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}
    return own | {file.name: file.path for file in from_plugins if file.name not in own}


def load(name_or_path: str, from_plugins: Iterable[NamedFile] = ()) -> Protocol:
    """Load a protocol by its name, or from the path of a TOML file.

    Raises:
        BadInput: The name is unknown, the file cannot be read as TOML, it is not a valid protocol, or a relative path
            in it has two meanings.
    """
    path = Path(name_or_path).expanduser()
    if path.suffix != ".toml":
        known = named(from_plugins)
        if name_or_path not in known:
            raise unknown("protocol", name_or_path, known)
        path = known[name_or_path]
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"The protocol {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"The protocol {path} is not valid TOML: {error}.") from error
    masks = data.get("masks")
    for entries in masks.values() if isinstance(masks, dict) else ():
        if isinstance(entries, dict):
            entries |= {key: _beside(path, entries[key]) for key in MASK_PATHS & entries.keys()}
    return validated({"name": path.stem, **data}, f"protocol {path}")


def _beside(protocol: Path, given: Any) -> Any:
    """Return a path in a protocol file. A relative one is searched in the working folder and beside the file.

    Raises:
        BadInput: both places have it.
    """
    beside = protocol.absolute().parent / given if isinstance(given, str) and given else None
    if beside is None or not beside.exists():
        return given
    if not Path(given).exists():
        return str(beside)
    if not beside.samefile(given):
        raise BadInput(f"{given!r} in {protocol} is {Path(given).absolute()} or {beside}: give the whole path.")
    return given


def validated(data: Mapping[str, Any], where: str) -> Protocol:
    """Build a protocol from plain data. `where` names its origin in error messages.

    Raises:
        BadInput: Lists every fault, and for an unknown key the nearest known one.
    """
    try:
        return Protocol.model_validate(data)
    except ValidationError as error:
        raise BadInput(f"The {where} is not valid:\n" + "\n".join(_faults(error, Protocol.model_fields))) from error


def _faults(error: ValidationError, known: Iterable[str]) -> list[str]:
    faults = []
    for fault in error.errors():
        key = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            faults.append(f"  {unknown('key', key, known)}")
        else:
            given = "" if fault["type"] in ("missing", "value_error") else f", not {fault['input']!r}"
            where = f"{key}: " if key else ""
            faults.append(f"  {where}{fault['msg'].removeprefix('Value error, ')}{given}")
    return faults
