"""Writing of a site: escaping of data, replacement of older sites, and refusals."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from support import stored_site
from support.stored_cells import KNOWN, done, run_of

from bench_core.cli import main
from bench_core.store.store import Run, Store
from bench_reports.formats.html import html
from bench_reports.site.pages import data_script
from bench_reports.tables.table import build


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Run]:
    return stored_site.cached(tmp_path_factory)[:2]


def test_data_script_escapes_hostile_text():
    hostile = "</script><!--  & \\ \" '"
    text = data_script("X", {"name": hostile}).decode()
    assert not set("<>&\u2028\u2029") & set(text) and text.count("\n") == 1


def test_output_ending_in_html_is_one_table(world: tuple[Store, Run], tmp_path: Path):
    stored_site.write(world[0], tmp_path / "page.html")
    (table,) = build(world[0], [world[1]], KNOWN)
    assert (tmp_path / "page.html").read_bytes() == html(table)


def test_site_replaces_only_a_site(store: Store, tmp_path: Path, monkeypatch):
    store.write_run(run_of(done(store, "one", l1=[0.1, 0.2]), metrics=["l1"]))
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years of work")
    call = ["report", str(store.root), "--format", "html", "-o"]
    refused = CliRunner().invoke(main, [*call, str(mine)])
    assert refused.exit_code == 2 and "something else" in refused.output
    assert [path.name for path in mine.iterdir()] == ["thesis.tex"]
    site = stored_site.write(store, tmp_path / "site")
    (site / "methods" / "old.html").touch()
    stored_site.write(store, site)
    assert not (site / "methods" / "old.html").exists()

    monkeypatch.setattr("bench_reports.site.write.method_pages", lambda *of: 1 / 0)
    assert isinstance(CliRunner().invoke(main, [*call, str(site)]).exception, ZeroDivisionError)
    assert (site / "index.html").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "site", "store"]


@pytest.mark.parametrize("option", [["--by", "hole_ratio"], ["--statistics"], ["--against", "published"]])
def test_site_rejects_options_of_single_tables(world: tuple[Store, Run], tmp_path: Path, option: list[str]):
    call = ["report", str(world[0].root), "--format", "html", "-o", str(tmp_path / "site"), *option]
    result = CliRunner().invoke(main, call)
    assert result.exit_code == 2 and "every table" in result.output
