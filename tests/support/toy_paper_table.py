"""Toy paper table, its protocols, and stored cells to fill it."""

from typing import Any

from bench_core.paper_table import PaperTable
from bench_core.protocol import Protocol
from bench_core.store.store import CellStatus, Run, Store
from bench_reports.papers.side_by_side import build
from bench_reports.tables.table import Table
from support.stored_cells import KNOWN

NUMBERS = """table,dataset,n_images,mask,method,metric,value,unit,direction,seen_in
Table 9,Moon,2,box,Old,error,30.1,percent,lower,print
Table 9,Moon,2,box,New (ours),error,12.25,percent,lower,print
Table 9,Moon,2,box,New (ours),PSNR,21.5,dB,higher,print
Table 9,Moon,2,box,New (ours),PSNR_change,50,percent,lower,print
Table 9,Moon,2,box,Other,PSNR,20,dB,higher,print
Table 9,Mars,,,New (ours),PSNR,19.5,dB,higher,print
Table 9,,,,New (ours),parameters,4,million,lower,print
Table 8,Moon,2,box,New (ours),error,99,percent,lower,print
"""


def paper(methods: str, mask_set_of_mars: str) -> str:
    """Return the table's TOML, with the given mapping of its methods."""
    return f"""
title = "Table 9: moons"
citation = "Nobody, 1969"
published = {{file = "numbers.csv", table = "Table 9"}}
notes = ["The moon was new."]

[methods]
{methods}

[metrics]
parameters = {{}}
error = {{definition = "l1@full", factor = 100}}
PSNR = {{definition = "psnr@full", differs = "they use logarithms of base 9"}}
PSNR_change = {{definition = "psnr@full", factor = 100, relative_to = "Other"}}

[[groups]]

[[groups]]
dataset = "Moon"
mask = "box"
protocol = "moon"
mask_set = "center"

[[groups]]
dataset = "Mars"
protocol = "mars"
mask_set = "{mask_set_of_mars}"
"""


TABLE = paper('Old = ""\n"New (ours)" = "new-tv"\nOther = "other"', "center")


def protocol(name: str = "moon", **fields: Any) -> Protocol:
    given = {"image_set": "photos", "size": 32, "steps": 9, "batch": 2, "metrics": ["l1", "psnr"]}
    return Protocol.model_validate({"name": name, "masks": {"center": {"family": "center_box"}}, **given, **fields})


RULES = {"moon": protocol(), "mars": protocol("mars", size=64)}


def run_of(rules: Protocol, *entries: CellStatus, pairs: int = 2, created: str = "2025-01-01") -> Run:
    return Run(rules, "digest of the images", pairs, list(entries), {}, created=created)


def table_of(paper: PaperTable, store: Store | None, *runs: Run) -> Table:
    return build(paper, RULES, store, runs, KNOWN)


def text(table: Table, method: str, column: str, group: str = "Moon, box") -> str:
    return str(table.texts.loc[method, (group, column)])


def measured(table: Table) -> list[str]:
    return [str(t) for c in table.columns if c[1].endswith(" measured") for t in table.texts[c]]
