"""`bench doctor`: what works on this machine, and what to do about the rest."""

import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench_core.cli.json_output import JSON, print_json

if TYPE_CHECKING:
    from bench_core.doctor.finding import Finding

STYLES = {"ok": "green", "missing": "yellow", "wrong": "bold red"}
INDENT = 8 + 12
"""Columns of the mark and of the subject."""
WIDEST = 120
FOLDED = 2
"""Lines that a fact may take on a terminal."""


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default="results", help="Whose disk is meant.")
@click.option("--store", type=click.Path(path_type=Path, file_okay=False), help="Verify what this store holds instead.")
@JSON
def doctor(out: Path, store: Path | None, as_json: bool) -> None:
    """Tell what works here, and what to do about the rest.

    It tells versions, devices, memory, threads, free space, plugins, image sets, weights and extras. Nothing is changed
    or downloaded. With --store every file of a store is read, and the exit code is 1 if one is damaged, rows are
    missing, or something was left behind.

    \b
    Examples:
      bench doctor
      bench doctor --store results
      bench doctor --json
    """
    if store:
        from bench_core.doctor.store import verify

        facts = list(verify(store))
    else:
        from bench_core.doctor.machine import examine

        facts = list(examine(out))
    wrong = any(fact.mark == "wrong" for fact in facts)
    if as_json:
        print_json({"wrong": wrong, "facts": [asdict(fact) | {"mark": fact.mark} for fact in facts]})
    else:
        _show(facts)
    sys.exit(1 if store and wrong else 0)


def _show(facts: "Sequence[Finding]") -> None:
    """Print all facts, and below what to change."""
    from rich.text import Text

    from bench_core.system.progress import open_console

    out = open_console()
    width = min(out.width, WIDEST) if out.file.isatty() else sys.maxsize
    above = ""
    for fact in facts:
        subject, above = fact.subject if fact.subject != above else "", fact.subject
        mark, told = (f"{fact.mark:8}", STYLES[fact.mark]), f"{subject:12}{_folded(fact.told, width)}"
        out.print(Text.assemble(mark, told), soft_wrap=True)
    advice = [fact for fact in facts if fact.advice]
    out.print("\nTo change:" if advice else "\nNothing to change.")
    for fact in advice:
        out.print(Text(f"  {fact.subject}: {fact.advice}"), soft_wrap=True)


def _folded(told: str, width: int) -> str:
    """In lines beside the subject, without what is too long for a screen."""
    lines = textwrap.wrap(
        told, max(20, width - INDENT), max_lines=FOLDED, placeholder=" ... (--json tells all)", break_on_hyphens=False
    )
    return ("\n" + " " * INDENT).join(lines)
