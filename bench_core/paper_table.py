"""A table or figure of a paper: its layout, the published numbers, and what here measures each of them anew."""

import csv
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench_core.errors import BadInput
from bench_core.specs import NamedFile


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Number(BaseModel):
    """A published number, as it stands in the list of them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    table: str
    dataset: str
    n_images: str
    """On how many images; empty where the source does not say."""
    mask: str
    method: str
    metric: str
    value: str
    unit: str
    direction: Literal["higher", "lower"]


class Measure(Part):
    """What measures a published metric here."""

    definition: str = ""
    """The metric; empty where there is none."""
    factor: float = 1.0
    """By which a measured value is multiplied: 100 where percentages are published."""
    relative_to: str = ""
    """The row against which changes, in percent, are published."""
    differs: str = ""
    """How the published metric is known, or may be, another one."""


class Group(Part):
    """Columns that share a data set and a kind of hole."""

    dataset: str = ""
    mask: str = ""
    protocol: str = ""
    """The named protocol that measures them; empty where none does."""
    mask_set: str = ""

    @property
    def title(self) -> str:
        return ", ".join(filter(None, (self.dataset, self.mask))) or self.protocol or "any"


class PaperTable(Part):
    """Rows are methods; columns are the metrics of every group."""

    name: str
    title: str
    citation: str
    curves: bool = False
    """Whether it is a figure of curves, which are drawn in place of a picture's numbers."""
    published: tuple[Number, ...] = ()
    methods: dict[str, str] = Field(min_length=1)
    """For each row, in its order, the method that `bench run --plugins` takes; empty where there is none."""
    metrics: dict[str, Measure] = Field(min_length=1)
    groups: tuple[Group, ...] = Field(min_length=1)
    notes: tuple[str, ...] = ()
    """What a reader of both numbers must know."""

    def number(self, method: str, group: Group, metric: str) -> Number | None:
        """The published number of a cell, where there is one."""
        return next(iter(self._numbers(group, method=method, metric=metric)), None)

    def metrics_of(self, group: Group) -> list[str]:
        """The metrics that have a column in a group."""
        return [name for name in self.metrics if not self.published or self._numbers(group, metric=name)]

    def methods_of(self, group: Group) -> list[str]:
        """The rows that have cells in a group."""
        return [name for name in self.methods if not self.published or self._numbers(group, method=name)]

    def requests(self, protocol: str) -> list[str]:
        """The methods here that have cells under a protocol."""
        groups = [group for group in self.groups if group.protocol == protocol]
        rows = dict.fromkeys(method for group in groups for method in self.methods_of(group))
        return list(dict.fromkeys(self.methods[row] for row in rows if self.methods[row]))

    @property
    def protocols(self) -> list[str]:
        return list(dict.fromkeys(group.protocol for group in self.groups if group.protocol))

    def _numbers(self, group: Group, **wanted: str) -> list[Number]:
        place = {"dataset": group.dataset, "mask": group.mask, **wanted}
        return [n for n in self.published if all(getattr(n, key) == value for key, value in place.items())]


def read(file: NamedFile) -> PaperTable:
    """Read a table's TOML and the numbers that it names: ``published = {file = "...", table = "..."}``.

    Raises:
        BadInput: a file cannot be read, or is no such table.
    """
    try:
        data: dict[str, Any] = tomllib.loads(file.path.read_text(encoding="utf-8"))
        if source := data.get("published"):
            numbers = _numbers(file.path.parent / source["file"])
            data["published"] = [number for number in numbers if number["table"] == source["table"]]
        return PaperTable.model_validate({"name": file.name, **data})
    except (OSError, ValueError, KeyError, ValidationError) as error:
        raise BadInput(f"The table {file.path} cannot be used: {error}") from error


def _numbers(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
