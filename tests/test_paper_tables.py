"""Laws of papers' tables: published and measured numbers stand side by side and are never taken for each other."""

import json
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from bench_core.cli import main
from bench_core.errors import BadInput
from bench_core.metrics import bench_metrics
from bench_core.paper_needs import Needs, needs
from bench_core.paper_tables import PaperTable, read
from bench_core.plugins import Plugins
from bench_core.protocol import Protocol, load
from bench_core.specs import NamedFile
from bench_core.store import Entry, Run, Store, as_rows
from bench_reports import bench_paper_tables, bench_protocols
from bench_reports.side_by_side import build
from bench_reports.table import Table
from bench_reports.terminal import show

METRICS = {metric.definition: metric for metric in bench_metrics()}
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
TABLE = """
title = "Table 9: moons"
citation = "Nobody, 1969"
published = {file = "numbers.csv", table = "Table 9"}
notes = ["The moon was new."]

[methods]
Old = ""
"New (ours)" = "new-tv"
Other = "other"

[metrics]
parameters = {}
error = {definition = "l1@full", factor = 100}
PSNR = {definition = "psnr@full", differs = "they use logarithms of base 9"}
PSNR_change = {definition = "psnr@full", factor = 100, relative_to = "Other"}

[[groups]]

[[groups]]
dataset = "Moon"
mask = "box"
protocol = "moon"
mask_set = "center"

[[groups]]
dataset = "Mars"
protocol = "mars"
mask_set = "center"
"""


def protocol(name: str = "moon", **fields: Any) -> Protocol:
    given = {"image_set": "photos", "size": 32, "steps": 9, "batch": 2, "metrics": ["l1", "psnr"]}
    return Protocol.model_validate({"name": name, "masks": {"center": {"family": "center_box"}}, **given, **fields})


RULES = {"moon": protocol(), "mars": protocol("mars", size=64)}


@pytest.fixture
def paper(tmp_path: Path) -> PaperTable:
    (tmp_path / "numbers.csv").write_text(NUMBERS)
    (tmp_path / "nine.toml").write_text(TABLE)
    return read(NamedFile("nine", tmp_path / "nine.toml"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def cell(store: Store, variant: str, seed: int = 0, **values: Sequence[float]) -> Entry:
    """A cell with the values of every image, by the first part of the metric's definition."""
    folder = store.cell({"variant": variant, "seed": seed, "values": str(values)})
    about = {"method": variant, "variant": variant, "seed": seed, "mask_set": "any", "mask_set_hash": ""}
    about |= {"hole_ratio": 0.25, "region": "full", "source": "composite"}
    records = [
        {**about, "metric": f"{name}@full", "image": str(index), "value": value}
        for name, found in values.items()
        for index, value in enumerate(found)
    ]
    folder.add_rows("judgement", as_rows(records))
    return Entry(variant, variant, seed, "done", folder.path.name, judgements={"center": "judgement"})


def run_of(rules: Protocol, *entries: Entry, pairs: int = 2, created: str = "2025-01-01") -> Run:
    return Run(rules, "digest of the images", pairs, list(entries), {}, created=created)


def table_of(paper: PaperTable, store: Store | None, *runs: Run) -> Table:
    return build(paper, RULES, store, runs, METRICS)


def text(table: Table, method: str, column: str, group: str = "Moon, box") -> str:
    return str(table.texts.loc[method, (group, column)])


def noted(table: Table, *parts: str) -> int:
    return sum(all(part in note for part in parts) for note in table.notes)


def measured(table: Table) -> list[str]:
    return [str(t) for c in table.columns if c[1].endswith(" measured") for t in table.texts[c]]


@pytest.mark.parametrize("file", bench_paper_tables(), ids=lambda file: file.name)
def test_a_published_number_is_never_in_a_measured_column(file: NamedFile) -> None:
    """Where nothing was measured, every measured cell of every table is a dash."""
    table, rules = read(file), {}
    for name in table.protocols:
        rules[name] = load(name, bench_protocols())
    shown = build(table, rules, None, [], METRICS)
    assert set(measured(shown)) == {"-"}
    assert all(np.isnan(shown.values[c]).all() for c in shown.columns if c[1].endswith(" measured"))
    printed = [t for c in shown.columns if c[1].endswith(" published") for t in shown.texts[c] if t != "-"]
    assert sorted(printed) == sorted(number.value for number in table.published)


def test_the_layout_is_the_papers(paper: PaperTable) -> None:
    table = table_of(paper, None)
    assert list(table.values.index) == ["Old", "New (ours)", "Other"]
    assert table.groups == [("any", 2), ("Moon, box", 6), ("Mars", 2)]
    assert [c for g, c in table.columns if g == "Moon, box"] == [
        f"{metric} {kind}" for metric in ("error", "PSNR", "PSNR_change") for kind in ("published", "measured")
    ]
    assert table.header("PSNR measured").endswith("↑")
    assert table.header("error measured").endswith("↓")
    assert text(table, "New (ours)", "error published") == "12.25", "as printed, of its own table"


def test_measured_cells_are_means_in_the_units_and_decimals_of_the_paper(paper: PaperTable, store: Store) -> None:
    new = [
        cell(store, "new-tv", 0, l1=[0.1, 0.2], psnr=[20, 22]),
        cell(store, "new-tv", 1, l1=[0.3, 0.4], psnr=[24, 26]),
    ]
    other = cell(store, "other", l1=[0.5, 0.5], psnr=[16, 16])
    table = table_of(paper, store, run_of(RULES["moon"], *new, other))
    assert text(table, "New (ours)", "error measured") == f"{100 * (0.15 + 0.35) / 2:.2f}"
    assert text(table, "New (ours)", "PSNR measured") == "23.0‡"
    assert text(table, "Other", "PSNR measured") == "16.0‡"
    assert text(table, "New (ours)", "PSNR_change measured") == f"{100 * (23 / 16 - 1):.0f}"
    assert table.values.loc["New (ours)", ("Moon, box", "error measured")] == pytest.approx(25.0)
    assert table.values.loc["New (ours)", ("Moon, box", "error published")] == 12.25


def test_what_the_paper_leaves_empty_stays_empty(paper: PaperTable, store: Store) -> None:
    table = table_of(paper, store, run_of(RULES["moon"], cell(store, "other", l1=[0.5], psnr=[16])))
    assert text(table, "Other", "error measured") == "-"
    assert text(table, "Old", "error measured") == "-"
    assert text(table, "New (ours)", "error measured") == "-"
    assert text(table, "New (ours)", "parameters measured", "any") == "-"
    assert text(table, "New (ours)", "PSNR measured", "Mars") == "-"
    assert noted(table, "mars has not been run") == 1
    assert noted(table, "moon has not been run") == 0


def test_a_change_needs_its_reference(paper: PaperTable, store: Store) -> None:
    table = table_of(paper, store, run_of(RULES["moon"], cell(store, "new-tv", l1=[0.5], psnr=[16])))
    assert text(table, "New (ours)", "PSNR_change measured") == "-"


def test_another_definition_is_marked_and_told(paper: PaperTable, store: Store) -> None:
    table = table_of(paper, store, run_of(RULES["moon"], cell(store, "new-tv", l1=[0.5], psnr=[16])))
    assert text(table, "New (ours)", "error measured") == "50.00"
    assert text(table, "New (ours)", "PSNR measured") == "16.0‡"
    assert noted(table, "PSNR, in dB, is measured as psnr@full", "‡ they use logarithms of base 9") == 1
    assert noted(table, "The moon was new.") == noted(table, "Nobody, 1969") == 1
    assert noted(table, "No method here: Old.") == noted(table, "New (ours) by new-tv") == 1


def test_another_number_of_images_is_marked_and_told(paper: PaperTable, store: Store) -> None:
    same = table_of(paper, store, run_of(RULES["moon"], cell(store, "new-tv", l1=[0.5])))
    assert noted(same, "published on") == 0
    other = table_of(paper, store, run_of(RULES["moon"], cell(store, "new-tv", l1=[0.5]), pairs=7))
    assert text(other, "New (ours)", "error measured") == "50.00‡"
    assert noted(other, "moon: measured on 7 images, published on 2") == 1
    untold = table_of(paper, store, run_of(RULES["mars"], cell(store, "new-tv", psnr=[16])))
    assert noted(untold, "mars: measured on 2 images, published on an untold number") == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"steps": 3}, "steps = 3, not 9"),
        ({"size": 16}, "size = 16, not 32"),
        ({"image_set": "folder"}, "image_set = folder, not photos"),
        ({"masks": {"center": {"family": "center_box", "side": 9}}}, "'side': 9"),
    ],
)
def test_changed_rules_are_marked_and_told(paper: PaperTable, store: Store, change: dict, told: str) -> None:
    table = table_of(paper, store, run_of(protocol(**change), cell(store, "new-tv", l1=[0.5])))
    assert text(table, "New (ours)", "error measured") == "50.00‡"
    assert noted(table, "‡ moon was run with", told) == 1


def test_runs_under_the_rules_count_before_others_and_later_ones_before_earlier(
    paper: PaperTable, store: Store
) -> None:
    def shown(*runs: tuple[int, float, str]) -> str:
        stored = [
            run_of(protocol(steps=steps), cell(store, "new-tv", l1=[value]), created=created)
            for steps, value, created in runs
        ]
        return text(table_of(paper, store, *stored), "New (ours)", "error measured")

    assert shown((9, 0.1, "2025-01-01"), (3, 0.2, "2025-01-02")) == "10.00"
    assert shown((3, 0.2, "2025-01-01"), (9, 0.1, "2025-01-02")) == "10.00"
    assert shown((3, 0.2, "2025-01-01"), (4, 0.3, "2025-01-02")) == "30.00‡"


def test_runs_of_other_protocols_and_methods_do_not_count(paper: PaperTable, store: Store) -> None:
    alien = run_of(protocol("sun"), cell(store, "new-tv", l1=[0.5], psnr=[16]))
    similar = run_of(RULES["moon"], cell(store, "new", l1=[0.5]), cell(store, "new-tv-style", l1=[0.5]))
    assert set(measured(table_of(paper, store, alien, similar))) == {"-"}


def test_a_method_with_given_weights_stands_in_where_it_was_not_trained(paper: PaperTable, store: Store) -> None:
    given, trained = cell(store, "new-tv (released)", l1=[0.25]), cell(store, "new-tv", l1=[0.5])
    assert text(table_of(paper, store, run_of(RULES["moon"], given)), "New (ours)", "error measured") == "25.00"
    assert (
        text(table_of(paper, store, run_of(RULES["moon"], given, trained)), "New (ours)", "error measured") == "50.00"
    )


def test_a_failed_cell_says_so(paper: PaperTable, store: Store) -> None:
    failed = Entry("new", "new-tv", 0, "failed", reason="RuntimeError: no air")
    table = table_of(paper, store, run_of(RULES["moon"], failed))
    assert text(table, "New (ours)", "error measured") == "failed"
    assert noted(table, "moon: new-tv, seed 0, failed: RuntimeError: no air") == 1


def test_only_methods_with_cells_are_asked_for(paper: PaperTable) -> None:
    assert paper.protocols == ["moon", "mars"]
    assert paper.requests("moon") == ["new-tv", "other"]
    assert paper.requests("mars") == ["new-tv"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("title = ", "nine.toml"),
        (TABLE.replace("numbers.csv", "nothing.csv"), "nothing.csv"),
        (TABLE.replace("[methods]", "[mehtods]"), "mehtods"),
        (TABLE.replace('table = "Table 9"', ""), "table"),
    ],
)
def test_a_faulty_table_is_refused_by_name(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "numbers.csv").write_text(NUMBERS)
    (tmp_path / "nine.toml").write_text(text)
    with pytest.raises(BadInput, match=rf"nine\.toml[\s\S]*{told}|{told}"):
        read(NamedFile("nine", tmp_path / "nine.toml"))


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    found = Plugins.find()
    found.load_all()
    return found


def told(name: str, plugins: Plugins, *data: str) -> Needs:
    table = read(plugins.records("paper_tables")[name])
    return needs(table, {each: load(each, bench_protocols()) for each in table.protocols}, plugins, data)


def test_needs_are_images_weights_and_steps(plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = told("dmfn-3", plugins)
    assert found.wanted == [
        "images of celeba_hq",
        "weights of alexnet, vgg19",
        "dmfn-celeba-hq: 4 methods, 1 seed, 100,000 steps of batch 16",
    ]
    assert found.requests == ["dmfn-self_guided", "dmfn-align", "dmfn-fm_dis", "dmfn"]
    assert [item.partition(" (")[0] for item in found.missing] == [
        "--data celeba_hq=FOLDER",
        "weights of alexnet, vgg19",
    ]
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    (tmp_path / "alexnet_features.pth").touch()
    assert told("dmfn-3", plugins, "celeba_hq").missing == ["weights of vgg19"]
    assert told("dmfn-3", plugins, "").missing == ["weights of vgg19"]


@pytest.mark.parametrize("file", bench_paper_tables(), ids=lambda file: file.name)
def test_every_method_that_a_table_asks_for_is_here(file: NamedFile, plugins: Plugins) -> None:
    """With all plugins of this repository installed."""
    assert set(told(file.name, plugins).requests) == set(read(file).methods.values()) - {""}


def test_missing_methods_forms_and_holes_are_told(plugins: Plugins, paper: PaperTable) -> None:
    lama = told("lama-1", plugins)
    assert any(item.startswith("methods for LaMa-Fourier, CoModGAN") for item in lama.missing)
    assert "holes for Places, segmentation" in lama.missing
    found = needs(paper, {}, plugins, ())
    assert "new-tv (There is no plugin 'new')" in found.missing
    formless = paper.model_copy(update={"methods": {"Old": "pconv:nothing", "Other": "pconv-nothing"}})
    missing = needs(formless, {}, plugins, ()).missing
    assert any(item.startswith("pconv:nothing (There is no form of pconv 'nothing'") for item in missing)
    assert any(item.startswith("pconv-nothing (There is no loss term") for item in missing)


def bench(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["tables", *words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


SMALL = "--image-set photos --size 32 --scale nano --steps 2 --batch 2 --backbone random --test-images 2 --device cpu"


def test_one_command_measures_a_table_and_shows_it(tmp_path: Path) -> None:
    out = str(tmp_path / "results")
    shown = bench("run", "dmfn-3", "--out", out, *SMALL.split()).output
    for column in ("published", "measured", "25.83", "0.8892"):
        assert column in shown
    printed = json.loads((next(Path(out).glob("runs/*/run.json"))).read_text())
    assert [entry["variant"] for entry in printed["entries"]] == [
        "dmfn-self_guided",
        "dmfn-align",
        "dmfn-fm_dis",
        "dmfn",
    ], "in the table's order and without baselines"
    csv = bench("show", "dmfn-3", out, "--format", "csv").output.splitlines()
    assert csv[0].startswith("method,dmfn-celeba-hq/LPIPS published,dmfn-celeba-hq/LPIPS measured")
    assert csv[-1].startswith("DMFN loss: with all,0.053,,25.83,")
    for format_, mark in (("markdown", "| DMFN loss: with all |"), ("latex", r"\toprule"), ("html", "<table")):
        assert mark in bench("show", "dmfn-3", out, "--format", format_).output
    bench("show", "dmfn-3", out, "--format", "parquet", "-o", str(tmp_path / "table.parquet"))
    assert (tmp_path / "table.parquet").exists()


def test_a_table_can_be_shown_before_anything_was_measured() -> None:
    shown = bench("show", "dmfn-1", "--format", "markdown").output
    assert "| DMFN (ours) | 0.1018 | - | 25.00 | - | 0.8563 | - |" in shown
    assert "dmfn-ffhq has not been run." in shown


def test_a_narrow_terminal_cuts_no_number_off(paper: PaperTable) -> None:
    console = Console(width=40, file=StringIO())
    show(table_of(paper, None), console)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(number.value in printed for number in paper.published)
    assert "…" not in printed
    assert console.width == 40


def test_what_lacks_a_folder_is_left_out_and_named() -> None:
    refused = bench("run", "dmfn-1", code=2).output
    assert "dmfn-places2 is left out: give --data places2=FOLDER" in refused
    assert "Nothing of the table dmfn-1 can be measured here" in refused


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "dmfn-9"], "no table 'dmfn-9'. Did you mean 'dmfn-"),
        (["run", "dmfn-9"], "no table 'dmfn-9'"),
        (["show", "dmfn-1", "--format", "pdf"], "no format 'pdf'"),
        (["show", "dmfn-1", "nowhere"], "nowhere holds no runs"),
        (["show", "dmfn-1", "-o", "a.svg"], "dmfn-1 is no figure of curves"),
        (["show", "gradient-attention-2", "-o", "a.svg"], "no curves of alpha = 0, alpha = 1"),
    ],
)
def test_bad_input_is_refused_with_a_message(words: list[str], said: str) -> None:
    assert said in bench(*words, code=2).output


def test_every_table_is_listed_with_what_it_needs_and_lacks() -> None:
    listed = bench().output
    for file in bench_paper_tables():
        assert f"\n{file.name}: " in f"\n{listed}"
    assert "missing  methods for PatchMatch, ContextAttention" in listed
    given = bench("--data", "celeba_hq=anywhere").output
    assert "--data celeba_hq=FOLDER" in listed
    assert "--data celeba_hq=FOLDER" not in given


def test_protocols_of_plugins_are_listed_and_printed_with_the_harness_own() -> None:
    listed = CliRunner().invoke(main, ["protocols"]).output
    assert "quick " in listed
    assert all(file.name in listed for file in bench_protocols())
    file = bench_protocols()[0]
    assert CliRunner().invoke(main, ["protocols", file.name]).output == file.path.read_text()
    assert "Did you mean 'dmfn-places2'" in CliRunner().invoke(main, ["protocols", "dmfn-place2"]).output
