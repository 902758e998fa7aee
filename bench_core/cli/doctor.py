"""`bench doctor`: checks of the installation, hardware, data and stores."""

import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench_core.cli.json_output import JSON, print_json

if TYPE_CHECKING:
    from bench_core.doctor import Finding

STYLES = {"ok": "green", "missing": "yellow", "wrong": "bold red"}
INDENT = 8 + 12
"""Width of the columns before the text: mark and subject."""
MAX_WIDTH = 120
MAX_LINES = 2
"""Lines of one finding on a terminal."""


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default="results",
    help="Folder for results; its disk is checked.",
)
@click.option("--store", type=click.Path(path_type=Path, file_okay=False), help="Verify this store instead.")
@JSON
def doctor(out: Path, store: Path | None, as_json: bool) -> None:
    """Check the installation, hardware and data.

    It lists versions, devices, memory, threads, free disk space, plugins, image sets, weights and extras, and suggests
    fixes. Nothing is changed or downloaded. With --store it reads every file of a store instead. The exit code is 1 if
    a file is damaged, rows are missing, or temporary files remain.

    \b
    Examples:
      bench doctor
      bench doctor --store results
      bench doctor --json
    """
    if store:
        from bench_core.doctor.store import verify

        findings = list(verify(store))
    else:
        from bench_core.doctor.machine import examine

        findings = list(examine(out))
    wrong = any(each.mark == "wrong" for each in findings)
    if as_json:
        print_json({"wrong": wrong, "facts": [_record(each) for each in findings]})
    else:
        _show(findings)
    sys.exit(1 if store and wrong else 0)


def _record(each: "Finding") -> dict[str, Any]:
    facts = {"mark": each.mark, "subject": each.subject, "told": each.text}
    return facts | {"advice": each.advice, "missing": each.missing}


def _show(findings: "Sequence[Finding]") -> None:
    from rich.text import Text

    from bench_core.system.progress import open_console

    out = open_console()
    width = min(out.width, MAX_WIDTH) if out.file.isatty() else sys.maxsize
    above = ""
    for each in findings:
        subject, above = each.subject if each.subject != above else "", each.subject
        mark, text = (f"{each.mark:8}", STYLES[each.mark]), f"{subject:12}{_wrapped(each.text, width)}"
        out.print(Text.assemble(mark, text), soft_wrap=True)
    advice = [each for each in findings if each.advice]
    out.print("\nSuggested fixes:" if advice else "\nNothing to fix.")
    for each in advice:
        out.print(Text(f"  {each.subject}: {each.advice}"), soft_wrap=True)


def _wrapped(text: str, width: int) -> str:
    """Wrap a text beside its subject, and cut it after some lines."""
    lines = textwrap.wrap(
        text,
        max(20, width - INDENT),
        max_lines=MAX_LINES,
        placeholder=" ... (--json shows all)",
        break_on_hyphens=False,
    )
    return ("\n" + " " * INDENT).join(lines)
