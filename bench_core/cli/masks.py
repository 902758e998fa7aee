"""`bench masks`: mask sets as files."""

import tomllib
from pathlib import Path
from typing import Any

import click

from bench_core.cli.values import Assigned

FILE = click.Path(path_type=Path)


@click.group()
def masks() -> None:
    """Make, look at, and take over mask sets."""


@masks.command("list")
def list_() -> None:
    """List the mask families with their parameters.

    \b
    Example: bench masks list
    """
    from bench_core.plugins import Plugins

    found = Plugins.find()
    found.load_all()
    for family in found.records("masks").values():
        click.echo(f"{family.name:18} {family.title}\n{'':18} {family.source}")
        for name, value in family.parameters.items():
            click.echo(f"{'':20} {name} = {'(must be given)' if value is ... else _toml(value)}")


@masks.command()
@click.argument("family")
@click.option("--set", "given", type=Assigned(), multiple=True, help="Change a parameter of the family (repeatable).")
@click.option("--count", type=click.IntRange(1), required=True, help="How many holes.")
@click.option("--size", type=click.IntRange(1), required=True, help="Height and width in pixels.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("-o", "--output", type=FILE, required=True, help="The file to write, such as holes.holes.")
@click.option("--balance", is_flag=True, help="As many holes of each ratio, with and without border contact.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes that draw.")
def make(family: str, given: tuple, count: int, size: int, seed: int, output: Path, balance: bool, workers: int):
    """Draw a mask set of FAMILY and write it to one file. The same command makes the same bytes.

    Hole i is what a protocol with this family, size and seed draws for its pair i.

    \b
    Examples: bench masks make wide_256 --count 2000 --size 256 --seed 1 -o wide.holes
              bench masks make free_form --set "thickness=[4, 10]" --count 100 --size 128 -o thin.holes
    """
    from bench_core.mask_sets.holes import open_sets
    from bench_core.mask_sets.making import make as make_set
    from bench_core.plugins import Plugins
    from bench_core.protocol import MaskSet

    found = Plugins.find()
    found.load_all()
    parameters = {name: _value(text) for name, text in given}
    wanted = MaskSet.model_validate({**parameters, "family": family})
    holes = open_sets({family: wanted}, found.records("masks"))[family]
    _wrote(output, make_set(output, holes, size, seed, count, balance, workers))


@masks.command()
@click.argument("file", type=FILE)
@click.option("-o", "--output", type=FILE, help="Also draw a contact sheet and the hole ratios, as PNG.")
@click.option("--count", type=click.IntRange(1), default=48, show_default=True, help="Holes on the sheet.")
def show(file: Path, output: Path | None, count: int) -> None:
    """Verify FILE, and print its manifest and how its holes are distributed.

    \b
    Example: bench masks show wide.holes -o sheet.png
    """
    from bench_core.mask_sets.file import read
    from bench_core.mask_sets.sheet import draw, table

    opened = read(file)
    for key, value in opened.manifest.items():
        click.echo(f"{key:14} {f'{len(value)} files' if key == 'names' else value}")
    click.echo(f"\n{table(opened.facts)}")
    if output:
        draw(opened, output, count)
        click.echo(f"Wrote {output}.")


@masks.command("import")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--hole", type=click.Choice(["white", "black", "auto"]), required=True, help="Which colour is the hole.")
@click.option("--threshold", type=click.IntRange(1, 255), default=128, show_default=True, help="White from here on.")
@click.option("--size", type=click.IntRange(1), help="Bring all to this height and width.")
@click.option("-o", "--output", type=FILE, help="The file to write; only a report if left out.")
def import_(folder: Path, hole: str, threshold: int, size: int | None, output: Path | None) -> None:
    """Report what the mask pictures in FOLDER are, and write them as one mask set.

    With --hole auto the colour is decided for each folder, and the report says how.

    \b
    Example: bench masks import downloaded --hole auto
             bench masks import downloaded --hole black --size 256 -o theirs.holes
    """
    from bench_core.mask_sets.importing import survey, write

    sources = survey(folder, hole, threshold)
    for source in sources:
        click.echo("\n".join(source.lines()))
    if output:
        _wrote(output, write(output, folder, sources, threshold, size))


def _wrote(path: Path, sha256: str) -> None:
    click.echo(f'Wrote {path}. In a protocol:\n  family = "set"\n  file = "{path}"\n  sha256 = "{sha256}"')


def _value(text: str) -> Any:
    """A number, a list or a truth value as TOML writes it; anything else is a text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
