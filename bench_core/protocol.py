"""The rules of a comparison: a validated, frozen, hashable record. Named ones are TOML files in `protocols/`."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bench_core.errors import BadInput, unknown
from bench_core.seeds import digest
from bench_core.specs import NamedFile

FOLDER = Path(__file__).parent / "protocols"
Positive = Annotated[int, Field(gt=0)]
Names = tuple[str, ...]
Name = Annotated[str, Field(pattern=r"^\w[\w.+-]*$")]
"""Names become parts of file names."""


class MaskSpec(BaseModel):
    """A mask family with its parameters; what is left out is the family's default."""

    model_config = ConfigDict(frozen=True, extra="allow")

    family: str

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Protocol(BaseModel):
    """Everything that must be equal for two methods to be compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    title: str = ""
    image_set: str
    size: Annotated[int, Field(ge=0)]
    """Height and width of the square images, in pixels; 0 takes every image as it is (for `bench score`)."""
    resize: Positive | None = None
    """The shorter side is resized to this before cropping; None crops at the image's own scale."""
    crops: Positive = 1
    """Crops of each test image, evenly spread."""
    channels: Literal[1, 3] = 3
    test_images: Positive | None = None
    """Only the first so many test images; None takes all."""
    masks: dict[Name, MaskSpec] = Field(min_length=1)
    train_masks: Names = ()
    """Names of the mask sets to train with, in equal parts; all of them if left out."""
    test_masks: Names = ()
    """Names of the mask sets to judge with; all of them if left out."""
    steps: Annotated[int, Field(ge=0)]
    """Training budget of every method, in steps over all its phases."""
    batch: Positive
    seed: int = 0
    """Fixes test holes. Each of `seeds` fixes one training."""
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1)
    metrics: Names = Field(min_length=1)
    scale: Literal["paper", "nano"] = "paper"
    backbone: Literal["official", "random"] = "official"
    """Weights of the networks behind perceptual losses."""
    curve_every: Positive | None = None
    """Judge during training too, every so many steps, for curves; None does not."""
    curve_images: Positive | None = None
    """Curves are of the first so many test images; None takes all."""

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
        """The sha256 of everything but the name and the title."""
        return digest(self.model_dump(mode="json", exclude={"name", "title"}))

    def override(self, changes: Mapping[str, Any]) -> "Protocol":
        """The protocol with some fields replaced; those given as None are kept. `resize` keeps its ratio to `size`.

        Raises:
            BadInput: the result is not a valid protocol.
        """
        given = {key: value for key, value in changes.items() if value is not None}
        if self.resize and "size" in given:
            given = {"resize": round(self.resize * given["size"] / self.size), **given}
        return validated({**self.model_dump(), **given}, f"protocol {self.name!r} with the given options")


def named(brought: Iterable[NamedFile] = ()) -> dict[str, Path]:
    """Names and files of the harness's own protocols and of those that plugins bring."""
    own = {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}
    return own | {file.name: file.path for file in brought if file.name not in own}


def load(name_or_path: str, brought: Iterable[NamedFile] = ()) -> Protocol:
    """A named protocol, or one from a TOML file.

    Raises:
        BadInput: there is none such, the file is not TOML, or it is not a valid protocol.
    """
    path = Path(name_or_path).expanduser()
    if path.suffix != ".toml":
        known = named(brought)
        if name_or_path not in known:
            raise unknown("protocol", name_or_path, known)
        path = known[name_or_path]
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"The protocol {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"The protocol {path} is not valid TOML: {error}.") from error
    return validated({"name": path.stem, **data}, f"protocol {path}")


def validated(data: Mapping[str, Any], where: str) -> Protocol:
    """Build a protocol from plain data. Raises BadInput with every fault, and the nearest known key for a stray one."""
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
