"""Method pages: record, recipe, provenance, and the command that reproduces the numbers."""

import shlex
from collections.abc import Callable
from importlib.metadata import Distribution
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from click.testing import CliRunner, Result
from support import stored_site
from support.browser import serious_findings
from support.stored_cells import protocol as made_up
from support.stored_site import SCRIPT

from bench_core.cli import main
from bench_core.cli.run import run as run_command
from bench_core.methods.request import parse
from bench_core.methods.variants import Overrides, apply_overrides
from bench_core.plugins import Plugin
from bench_core.protocol import FOLDER, Protocol, load
from bench_core.recipe import Optimiser, Phase, Recipe, Update
from bench_core.specs import Loss, Model
from bench_core.store.store import CellStatus
from bench_core.system import files
from bench_reports.site.methods import readme_differences
from bench_reports.site.pages import method_path
from bench_reports.site.rerun_command import protocol_toml, rerun_command

if TYPE_CHECKING:
    from playwright.sync_api import Page

ADAM = Optimiser("Adam", {"lr": 0.1})
UPDATE = Update("generator", ADAM, {"l1": 1.0, "style": 120.0})
TERMS = {name: Loss(name, name, "nowhere:term", parameters={"power": 2}) for name in ("l1", "style", "tv")}
MODEL = Model("net:wide", "", "", "nowhere:build", Recipe((Phase("one", ((UPDATE,),)),), ""), options={"depth": 3})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored_site.cached(tmp_path_factory)[2]


def facts(page: "Page") -> dict[str, str]:
    return page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("dt")].map(dt =>
            [dt.textContent, dt.nextElementSibling.textContent]))"""
    )


def test_page_shows_the_run_and_its_command_reuses_the_cells(
    page: "Page", bench: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    options = [
        "--plugins",
        "glcic+tv=0.25",
        "--option",
        "glcic.local_resized=true",
        "--metrics",
        "l1",
        "--no-baselines",
    ]
    data = ["--data", str(tmp_path / "photographs")]  # as the fixture `bench` passes it
    monkeypatch.setattr("sys.argv", ["bench", "run", *options, *data])
    bench(*options, "--test-masks", "center")
    cells = {path.name: path for path in (tmp_path / "out" / "cells").iterdir()}
    (cell,) = cells.values()
    weights = cell / "weights.safetensors"
    site = tmp_path / "site"
    result = CliRunner().invoke(main, ["report", str(tmp_path / "out"), "--format", "html", "-o", str(site)])
    assert result.exit_code == 0, result.output

    page.goto(stored_site.method_page(site, "glcic[local_resized=true]+tv=0.25").as_uri())
    text = page.locator("main").inner_text()
    assert "Globally and Locally Consistent Image Completion. ACM" in text
    assert "squared error inside the hole" in text
    assert page.get_by_role("row", name="0.25 tv").count() == 2  # both phases that train the generator
    assert page.get_by_role("heading", name="Differences from the paper").is_visible()
    assert page.get_by_role("cell", name="before ReLU", exact=True).is_visible()  # a table in the README
    found = facts(page)
    assert found["Weights"] == files.sha256(weights)
    assert found["Parameters of the generator, as trained"] == "382,547"  # the number in the README

    again = shlex.split(page.locator("pre").inner_text())
    monkeypatch.chdir(site / "protocols")
    written = weights.stat().st_mtime_ns
    repeated = CliRunner().invoke(main, [*again[1:], "--no-baselines", "--out", str(tmp_path / "out")])
    assert again[0] == "bench" and repeated.exit_code == 0, repeated.output
    assert {path.name for path in cell.parent.iterdir()} == set(cells)
    assert weights.stat().st_mtime_ns == written


@pytest.mark.parametrize(
    ("changes", "provenance", "expected"),
    [
        (Overrides(), {}, {}),
        (Overrides({"tv": 0.1}, ["style"], {"net.depth": "5", "l1.power": "4"}), {}, {}),
        (
            Overrides({"tv": 1e-05}),
            {"command": ["run", "--weights=net:wide=a b.safetensors", "--data", "my photos", "--skip-bad-images"]},
            {"weights": (("net:wide", "a b.safetensors"),), "data": Path("my photos"), "skip_bad_images": True},
        ),
        (Overrides(), {"precision": "bf16-mixed", "compiled": True}, {"precision": "bf16-mixed", "compiled": True}),
    ],
)
def test_command_requests_the_same_variant(changes: Overrides, provenance: dict, expected: dict):
    variant = apply_overrides(MODEL, TERMS, changes)
    entry = CellStatus(MODEL.name, f"{variant.name} (bf16-mixed)", 0)
    words = shlex.split(rerun_command({entry.variant: entry}, {entry.variant: "net"}, "rules.toml", provenance))
    given = run_command.make_context("run", words[2:]).params
    (request,) = (parse(text, {"net"}) for text in given["plugins"])
    again = apply_overrides(MODEL, TERMS, request.changes | Overrides(options=dict(given["options"])))
    assert (words[:2], request.form, given["protocol"]) == (["bench", "run"], "wide", "rules.toml")
    assert again == variant
    assert {name: given[name] for name in expected} == expected


def test_baselines_have_no_command_and_scored_images_are_scored_again():
    entry = CellStatus("still", "still", 0)
    assert rerun_command({"still": entry}, {"still": "classical"}, "rules.toml", {}) == ""
    typed = ["score", "--pictures", "my results"]
    assert shlex.split(rerun_command({"still": entry}, {}, "rules.toml", {"command": typed})) == ["bench", *typed]


@pytest.mark.parametrize(
    "rules",
    [
        *(load(path.stem) for path in FOLDER.glob("*.toml")),
        made_up(
            title='"Quoted" \\ \x7f é',
            masks={"a.b": {"family": "odd", "sizes": [1, 2], "share": 1e-05, "on": True, "name": "x\ny"}},
            test_masks=[],
        ),
    ],
    ids=lambda rules: rules.name,
)
def test_protocol_survives_its_toml_file(rules: Protocol, tmp_path: Path):
    (tmp_path / "rules.toml").write_bytes(protocol_toml(rules))
    assert load(str(tmp_path / "rules.toml")) == rules


def test_hostile_names_are_text_and_every_method_has_its_own_page(page: "Page", site: Path):
    page.goto(stored_site.method_page(site, SCRIPT).as_uri())
    assert page.locator("h1").inner_text() == SCRIPT
    assert page.title().startswith(SCRIPT)
    assert page.locator("img").count() == 0
    assert "No installed plugin has this method" in page.locator("main").inner_text()
    page.goto(stored_site.method_page(site, "broken").as_uri())
    assert f"RuntimeError: {SCRIPT}" in page.locator("main").inner_text()
    names = ["a/b", "a-b", "A-B", "../../a", "é", "", "a" * 300, "a" * 301]
    paths = [method_path(name) for name in names]
    assert len(set(paths)) == len(names)
    assert all(path.count("/") == 1 and path.isascii() and len(path) < 80 for path in paths)


def test_provenance_is_shown_for_every_seed(page: "Page", site: Path):
    page.goto(stored_site.method_page(site, "good").as_uri())
    assert page.locator("summary").all_inner_texts() == ["good, seed 0", "good, seed 1"]
    found = facts(page)
    assert found["Evaluated on"] == "abacus" and found["Mask set center"] == "abc"


def test_readme_is_rendered_without_active_content(tmp_path: Path):
    info = tmp_path / "evil-1.0.dist-info"
    info.mkdir()
    section = "| a | b |\n|---|---|\n| `c` | **d** |\n\n[out](https://example.org) [in](docs/x.md#y) "
    harm = f"{SCRIPT} ![x](https://example.org/x.png) [y](javascript:alert(1)) <img src=x onerror=alert(1)>"
    readme = f"# Evil\n\n## Differences from the paper\n\n{section}\n\n{harm}\n\n## Licence\n\nnone\n"
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n\n{readme}")
    (info / "entry_points.txt").write_text("[bench]\nevil = evil\n")
    (entry,) = Distribution.at(info).entry_points
    shown = readme_differences(Plugin(entry))
    assert "<code>c</code>" in shown and "<strong>d</strong>" in shown and "none" not in shown
    assert '<a href="https://example.org">out</a> in' in shown
    assert "<script" not in shown and "<img" not in shown and 'href="javascript' not in shown
    assert readme_differences(None) == ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page: "Page", site: Path, scheme: Literal["light", "dark"]):
    page.emulate_media(color_scheme=scheme)
    page.goto(stored_site.method_page(site, "good").as_uri())
    assert serious_findings(page) == []


def test_page_fits_a_phone_and_prints(page: "Page", site: Path):
    page.goto(stored_site.method_page(site, "good").as_uri())
    page.set_viewport_size({"width": 375, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.emulate_media(media="print")
    assert not page.get_by_role("navigation", name="Pages").is_visible()
    assert page.locator("h1").is_visible()
