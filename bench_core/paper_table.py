"""Tables and figures of papers: layout, published numbers, and the methods and protocols that reproduce them."""

import csv
import tomllib
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench_core.errors import BadInput
from bench_core.specs import NamedFile


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Number(BaseModel):
    """A published number: one row of the CSV file of published numbers."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    table: str
    dataset: str
    n_images: str
    """Number of images; empty if the paper does not state it."""
    mask: str
    method: str
    metric: str
    value: str
    unit: str
    direction: Literal["higher", "lower"]


class Measure(_Record):
    """Our metric for a published one."""

    definition: str = ""
    """Definition of our metric; empty if we have none."""
    factor: float = 1.0
    """Factor on measured values: 100 if the paper prints percentages."""
    relative_to: str = ""
    """Row that the others are published as percentage changes of; empty if values are absolute."""
    differs: str = ""
    """Known or possible differences from the published metric, in words."""


class Group(_Record):
    """A group of columns with the same dataset and masks."""

    dataset: str = ""
    mask: str = ""
    protocol: str = ""
    """Named protocol that reproduces the columns; empty if none does."""
    mask_set: str = ""

    @property
    def title(self) -> str:
        return ", ".join(filter(None, (self.dataset, self.mask))) or self.protocol or "any"


class PaperTable(_Record):
    """A table with a row for each method, and a column for each metric of each group."""

    name: str
    title: str
    citation: str
    curves: bool = False
    """True for a figure of training curves."""
    published: tuple[Number, ...] = ()
    methods: dict[str, str] = Field(min_length=1)
    """By row, in order, the method as in `bench run --plugins`; empty if not implemented."""
    metrics: dict[str, Measure] = Field(min_length=1)
    """By column, our metric."""
    groups: tuple[Group, ...] = Field(min_length=1)
    notes: tuple[str, ...] = ()
    """Caveats for readers who compare published with measured numbers."""

    def number(self, method: str, group: Group, metric: str) -> Number | None:
        """Return the published number of a cell, or None."""
        return next(iter(self._numbers(group, method=method, metric=metric)), None)

    def metrics_of(self, group: Group) -> list[str]:
        """Return the metrics that have a column in a group."""
        return [name for name in self.metrics if not self.published or self._numbers(group, metric=name)]

    def methods_of(self, group: Group) -> list[str]:
        """Return the rows that have a number in a group."""
        return [name for name in self.methods if not self.published or self._numbers(group, method=name)]

    def requests(self, protocol: str) -> list[str]:
        """Return the methods to run under a protocol, as in `bench run --plugins`."""
        groups = [group for group in self.groups if group.protocol == protocol]
        rows = dict.fromkeys(method for group in groups for method in self.methods_of(group))
        return list(dict.fromkeys(self.methods[row] for row in rows if self.methods[row]))

    @property
    def protocols(self) -> list[str]:
        """Names of the protocols that reproduce the table."""
        return list(dict.fromkeys(group.protocol for group in self.groups if group.protocol))

    def _numbers(self, group: Group, **where: str) -> list[Number]:
        where |= {"dataset": group.dataset, "mask": group.mask}
        return [n for n in self.published if all(getattr(n, key) == value for key, value in where.items())]


def read(file: NamedFile) -> PaperTable:
    """Read a table from its TOML file.

    ``published = {file = "numbers.csv", table = "NAME"}`` takes the published numbers from the rows of a CSV file whose
    column `table` is NAME.

    Raises:
        BadInput: A file cannot be read, or has missing or unknown fields.
    """
    try:
        data: dict[str, Any] = tomllib.loads(file.path.read_text(encoding="utf-8"))
        if source := data.get("published"):
            with (file.path.parent / source["file"]).open(encoding="utf-8", newline="") as lines:
                data["published"] = [row for row in csv.DictReader(lines) if row["table"] == source["table"]]
        return PaperTable.model_validate({"name": file.name, **data})
    except (OSError, ValueError, KeyError, ValidationError) as error:
        raise BadInput(f"The table {file.path} cannot be used: {error}") from error
