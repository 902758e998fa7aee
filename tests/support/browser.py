"""A real browser, and pages in it that must be quiet: no error, no dialog, nothing asked of the network."""

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request

OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HERE = ("file:", "data:", "blob:", "about:", "http://127.0.0.1:", "ws://127.0.0.1:")


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """Chromium, from the path or the variable CHROMIUM."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not executable:
        missing = "there is no chromium on the path, and CHROMIUM names none"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=executable, args=OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    """An empty page. The test fails if whatever it opens tells of an error, opens a dialog or asks another machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(10_000)
    page, faults = context.new_page(), []

    def heard(message: "ConsoleMessage") -> None:
        if message.type == "error":
            faults.append(f"console: {message.text}")

    def asked(dialog: "Dialog") -> None:
        faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def sent(request: "Request") -> None:
        if not request.url.startswith(HERE):
            faults.append(f"request: {request.url}")

    page.on("console", heard)
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on("dialog", asked)
    page.on("request", sent)
    yield page
    context.close()
    assert not faults, "\n".join(faults)


def serious_findings(page: "Page") -> list[str]:
    """What axe-core finds wrong with a page that keeps people out: rules with the elements that break them."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page, options={"preload": False}).response["violations"]  # it would fetch, which pages must not
    grave = [each for each in found if each["impact"] in ("serious", "critical")]
    return [f"{each['id']}: {node['html']}" for each in grave for node in each["nodes"]]
