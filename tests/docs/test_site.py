"""Tests that the documentation site builds without warnings, loads nothing from the network, and can be searched."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from inspect import isclass, isfunction, ismodule
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from support.doc_pages import PAGES, ROOT

import bench_core
from bench_core import hookspecs, specs
from bench_core.plugins import Plugins

if TYPE_CHECKING:
    from playwright.sync_api import Page

METHODS = sorted(path.parent.name for path in ROOT.glob("plugins/*/README.md"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site like `make docs`. It fails on a warning: a page missing in the navigation, a broken link."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    return folder


class Links(HTMLParser):
    """Links of a page of the site, and the anchors other pages can link to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.targets, self.anchors, self.loaded = set(), {""}, set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors.add(given.get("id", ""))
        self.targets |= {given[name] for name in ("href", "src") if name in given}
        self.loaded |= {given[name] for name in ("href", "src") if name in given and tag != "a"}


@pytest.fixture(scope="module")
def links(site: Path) -> dict[Path, Links]:
    return {path: Links(path) for path in site.rglob("*.html") if path.name != "404.html"}


def inside(page: Path, links: Links) -> Iterator[tuple[Path, str]]:
    """Yield the file and anchor of every link within the site."""
    for target in links.targets:
        parts = urlsplit(target)
        if not parts.scheme:
            yield (page.parent / unquote(parts.path)).resolve() if parts.path else page, parts.fragment


def test_home_page_leads_to_every_page(site: Path, links: dict[Path, Links]):
    navigation = {path for path, _ in inside(site / "index.html", links[site / "index.html"])}
    reached = navigation.copy()
    for path in navigation & set(links):  # a tab lists the pages of its section
        reached |= {other for other, _ in inside(path, links[path])}
    assert {site / f"{page.stem}.html" for page in PAGES} <= reached
    assert set(links) <= reached


def test_no_link_is_broken(links: dict[Path, Links]):
    for page, found in links.items():
        for path, anchor in inside(page, found):
            assert path.exists(), f"{page.name} -> {path}"
            assert path not in links or unquote(anchor) in links[path].anchors, f"{page.name} -> {path.name}#{anchor}"


def test_pages_load_nothing_from_other_sites(links: dict[Path, Links]):
    for page, found in links.items():
        assert not [target for target in found.loaded if urlsplit(target).netloc], page.name


@pytest.mark.parametrize("name", METHODS)
def test_method_page_shows_all_fields_of_its_records(name: str, site: Path):
    page = (site / "methods" / f"{name}.html").read_text()
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page)).rpartition("Its records")[2]  # skips the README's text
    (plugin,) = Plugins.find().load([name])
    for model in plugin.records["models"]:
        phases = model.recipe.phases if model.recipe else ()
        terms = {term for phase in phases for update in phase.updates for term in update.losses}
        numbers = [f"{number:,}" for number in model.num_parameters.values()]
        training = model.recipe.initialisation if model.recipe else "Training-free"
        for text in (model.name, model.title, *terms, *model.options, *numbers, training):
            assert text in words, text


def test_reference_lists_every_hook_and_record(site: Path):
    found = Links(site / "reference" / "records.html").anchors
    hooks = [name for name in vars(hookspecs) if name.startswith("bench_")]
    records = [name for name, each in vars(specs).items() if getattr(each, "__module__", "") == specs.__name__]
    assert {f"bench_core.hookspecs.{name}" for name in hooks} <= found
    assert {f"bench_core.specs.{name}" for name in records} <= found


def test_reference_lists_every_public_name_of_its_modules(site: Path):
    everywhere: set[str] = set()
    for page in ROOT.glob("docs/reference/*.md"):
        found = Links(site / "reference" / f"{page.stem}.html").anchors
        everywhere |= found
        whole = re.findall(r"^::: (\S+)$(?!\n.*members:)", page.read_text(), re.MULTILINE)
        for module in filter(ismodule, map(resolve_name, whole)):
            kinds = [each for each in vars(module).values() if isclass(each) or isfunction(each)]
            own = [each.__name__ for each in kinds if each.__doc__ and each.__module__ == module.__name__]
            public = {f"{module.__name__}.{name}" for name in own if not name.startswith(("_", "bench_"))}
            assert public <= found, page.name
    records = [getattr(bench_core, name) for name in bench_core.__all__ if name != "hookimpl"]
    assert {f"{each.__module__}.{each.__name__}" for each in records} <= everywhere


def test_search_finds_a_metric_in_pages_opened_from_disk(site: Path, page: "Page"):
    page.goto((site / "index.html").as_uri())
    page.locator("[data-md-component=search-query]").fill("ssim")
    page.locator(".md-search-result__link[href*='metrics.html']").first.wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("h=ssim"))
    assert "SSIM" in page.locator("article").inner_text()


def test_colour_scheme_follows_the_browser_and_can_be_switched(site: Path, page: "Page"):
    def dark() -> bool:
        colours = re.findall(r"\d+", page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor"))
        return sum(map(int, colours[:3])) < 3 * 128

    page.emulate_media(color_scheme="dark")
    page.goto((site / "index.html").as_uri())
    assert dark()
    page.locator("label[title=Light]").click()
    assert not dark()


def test_make_pages_runs_every_script_that_writes_a_page():
    makefile = (ROOT / "Makefile").read_text()
    (recipe,) = re.findall(r"^pages:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    writers = [
        path for path in [*ROOT.glob("docs/*.py"), *ROOT.glob("reports/*/page.py")] if "write_text" in path.read_text()
    ]
    assert {str(path.relative_to(ROOT)) for path in writers} == set(re.findall(r"\S+\.py", recipe))
