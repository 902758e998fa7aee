"""`bench report --against published`: claims stay apart from measurements, and differences are footnotes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from support import toy_paper_table
from support.stored_cells import KNOWN, done, run_of, table_of, text

from bench_core.cli import main
from bench_core.errors import BadInput
from bench_core.paper_table import PaperTable, read
from bench_core.protocol import Protocol
from bench_core.specs import NamedFile
from bench_core.store.store import CellStatus, Run, Store
from bench_reports.papers.published_claims import build
from bench_reports.tables import table
from bench_reports.tables.table import Table

NUMBERS = """table,dataset,n_images,mask,method,metric,value,unit,direction
Table 9,Moon,2,box,New (ours),error,12.25,percent,lower
Table 9,Moon,2,box,New (ours),PSNR,21.5,dB,higher
Table 9,Moon,2,box,New (ours),PSNR_change,50,percent,lower
Table 9,Moon,2,box,Other,PSNR,99,dB,higher
Table 9,Mars,,,New (ours),PSNR,19.5,dB,higher
Table 9,,,,New (ours),parameters,4,million,lower
"""
TABLE = toy_paper_table.paper('"New (ours)" = "new"\nOther = ""', "crater")


def protocol(name: str = "moon", mask_set: str = "center", side: int = 16, **fields: Any) -> Protocol:
    return toy_paper_table.protocol(name, masks={mask_set: {"family": "center_box", "side": side}}, **fields)


RULES = {"moon": protocol(), "mars": protocol("mars", "crater")}


@pytest.fixture
def paper(tmp_path: Path) -> PaperTable:
    (tmp_path / "numbers.csv").write_text(NUMBERS)
    (tmp_path / "nine.toml").write_text(TABLE)
    return read(NamedFile("nine", tmp_path / "nine.toml"))


def claims(
    paper: PaperTable, store: Store, *entries: CellStatus, rules: Protocol = RULES["moon"], pairs: int = 2
) -> Table:
    run = Run(rules, "digest", pairs, list(entries), {})
    (made,) = build(store, [run], KNOWN, [paper], RULES)
    return made


def row(made: Table, data: str, metric: str, method: str = "new") -> dict[str, str]:
    (found,) = (line for names, line in made.lines if names == [method, "nine", data, metric])
    return {name: text for (_, name), (text, _) in zip(made.columns, found, strict=True)}


def footnotes(made: Table, marks: str) -> list[str]:
    numbers = [part for part in marks.replace("[", "").split("]") if part]
    return [note.partition("] ")[2] for number in numbers for note in made.notes if note.startswith(f"[{number}] ")]


def test_claim_stands_beside_the_measurement_in_its_units(paper: PaperTable, store: Store) -> None:
    made = claims(paper, store, done(store, "new", l1=[0.1, 0.2], psnr=[20, 22]))
    found = row(made, "Moon, box", "error, percent")
    assert (found["claimed"], found["as"], found["differs in"]) == ("12.25", "l1@full", "")
    assert found["measured"].startswith("15.00 ± ")
    assert made.values.loc[("new", "nine", "Moon, box", "error, percent"), ("", "measured")] == pytest.approx(15.0)
    assert any("Nobody, 1969" in note for note in made.notes)
    assert any("The moon was new." in note for note in made.notes)
    assert made.notes[0].startswith("claimed: printed in the paper, not measured here")


def test_half_of_the_interval_is_in_the_papers_units_too(paper: PaperTable, store: Store) -> None:
    entry = done(store, "new", l1=[0.1, 0.2], psnr=[20, 22])
    found = row(claims(paper, store, entry), "Moon, box", "error, percent")["measured"]
    usual = text(table_of(store, run_of(entry, metrics=("l1",))), "new", "l1@full")
    assert float(found.split("±")[1]) == pytest.approx(100 * float(usual.split("±")[1].strip(" ≈†§")), rel=0.01)


def test_claim_never_fills_a_gap_and_is_never_best(paper: PaperTable, store: Store) -> None:
    failed = CellStatus("new", "new", 0, "failed", reason="no air")
    made = claims(paper, store, failed)
    assert set(made.texts["", "measured"]) == {"-"}
    assert np.isnan(made.values["", "measured"].astype(float)).all()
    assert not made.best.to_numpy().any()
    assert any("no air" in note for note in made.notes)


def test_usual_table_contains_no_claims(paper: PaperTable, store: Store) -> None:
    run = Run(RULES["moon"], "digest", 2, [done(store, "new", l1=[0.1, 0.2], psnr=[20, 22])], {})
    (usual,) = table.build(store, [run], KNOWN)
    assert not {"12.25", "21.5"} & set(usual.texts.to_numpy().ravel())


def test_every_known_difference_is_a_footnote(paper: PaperTable, store: Store) -> None:
    new = done(store, "new", l1=[0.1, 0.2], psnr=[20, 22])
    same = claims(paper, store, new)
    assert footnotes(same, row(same, "Moon, box", "PSNR, dB")["differs in"]) == [
        "nine: PSNR: they use logarithms of base 9."
    ]
    rules = protocol(side=8, steps=3, size=64, image_set="folder")
    other = claims(paper, store, new, rules=rules, pairs=7)
    differences = " ".join(footnotes(other, row(other, "Moon, box", "error, percent")["differs in"]))
    for part in ("claimed on 2 images, measured on 7", "image_set = folder, not photos", "size = 64, not 32"):
        assert part in differences
    assert "steps = 3, not 9" in differences
    assert "side=8" in differences and "side=16" in differences
    assert row(other, "Moon, box", "error, percent")["measured"].startswith("15.00")


def test_missing_holes_are_a_gap(paper: PaperTable, store: Store) -> None:
    made = claims(paper, store, done(store, "new", l1=[0.1, 0.2], psnr=[20, 22]))
    mars = row(made, "Mars", "PSNR, dB")
    assert mars["measured"] == "-"
    differences = footnotes(made, mars["differs in"])
    assert any("this run has no mask set crater" in note for note in differences)
    assert any("claimed on an unknown number of images" in note for note in differences)
    parameters = row(made, "any", "parameters, million")
    assert (parameters["claimed"], parameters["measured"], parameters["as"]) == ("4", "-", "-")
    assert footnotes(made, parameters["differs in"]) == ["nine: parameters is not measured here."]


def test_relative_numbers_and_missing_methods_are_left_out(paper: PaperTable, store: Store) -> None:
    made = claims(paper, store, done(store, "new", l1=[0.1, 0.2]), done(store, "stranger", l1=[0.1, 0.2]))
    assert not any("change" in names[-1] for names, _ in made.lines)
    assert {names[0] for names, _ in made.lines} == {"new"}
    assert "99" not in set(made.texts["", "claimed"])


def test_given_weights_count_as_the_method(paper: PaperTable, store: Store) -> None:
    made = claims(paper, store, done(store, "new (released)", l1=[0.1, 0.2]))
    assert row(made, "Moon, box", "error, percent", "new (released)")["measured"].startswith("15.00")


def test_where_no_paper_has_numbers_it_is_said(paper: PaperTable, store: Store) -> None:
    with pytest.raises(BadInput, match="No paper's table has numbers of stranger"):
        claims(paper, store, done(store, "stranger", l1=[0.1, 0.2]))


def test_command_finds_the_papers_of_this_repository(store: Store) -> None:
    store.write_run(Run(RULES["moon"], "digest", 2, [done(store, "dmfn", psnr=[20, 22])], {}))
    result = CliRunner().invoke(main, ["report", str(store.root), "--against", "published", "--format", "markdown"])
    assert result.exit_code == 0, result.output
    assert "| dmfn | dmfn-1 | FFHQ, center regular | PSNR, dB | 26.49 | 21.00 ± " in result.output
    assert "image\\_set = photos, not ffhq" in result.output
