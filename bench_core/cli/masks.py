"""`bench masks`: mask families, and mask sets in files."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from bench_core.cli import completions
from bench_core.cli.help_sections import Group
from bench_core.cli.json_output import JSON, print_json
from bench_core.cli.param_types import Assigned, OneOf

FILE = click.Path(path_type=Path)


@click.group(cls=Group)
def masks() -> None:
    """Create, inspect and import mask sets.

    \b
    Examples:
      bench masks list
      bench masks make free_form --count 100 --size 128 -o thin.holes
      bench masks show thin.holes -o sheet.png
    """


@masks.command("list")
@JSON
def list_(as_json: bool) -> None:
    """List the mask families with their parameters.

    \b
    Examples:
      bench masks list
    """
    from bench_core.plugins import Plugins

    found = Plugins.all()
    families = found.records("masks").values()
    if as_json:
        fields = ("name", "title", "source")
        print_json([{key: getattr(each, key) for key in fields} | _parameters(each.parameters) for each in families])
        return
    for family in families:
        click.echo(f"{family.name:18} {family.title}\n{'':18} {family.source}")
        for name, value in family.parameters.items():
            click.echo(f"{'':20} {name} = {'(required)' if value is ... else _toml(value)}")


@masks.command()
@click.argument("family", type=completions.MASK_FAMILY)
@click.option("--set", "given", type=Assigned(), multiple=True, help="Parameter of the family (repeatable).")
@click.option("--count", type=click.IntRange(1), required=True, help="Number of holes.")
@click.option("--size", type=click.IntRange(1), required=True, help="Height and width in pixels.")
@click.option("--seed", type=int, default=0, help="Random seed.")
@click.option("-o", "--output", type=FILE, required=True, help="File to write, such as holes.holes.")
@click.option("--balance", is_flag=True, help="Balance hole ratios and contact with the border.")
@click.option("--workers", type=click.IntRange(1), default=1, help="Processes to draw with.")
def make(family: str, given: tuple, count: int, size: int, seed: int, output: Path, balance: bool, workers: int):
    """Draw a mask set and write it to one file.

    The same command writes the same bytes. Hole i is the hole that a protocol with this family, size and seed draws for
    pair i.

    \b
    Examples:
      bench masks make wide_256 --count 2000 --size 256 --seed 1 -o wide.holes
      bench masks make free_form --set "thickness=[4, 10]" --count 100 --size 128 -o thin.holes
    """
    from bench_core.masks.generate import generate_mask_set
    from bench_core.masks.mask_set import open_sets
    from bench_core.plugins import Plugins
    from bench_core.protocol import MaskSpec

    found = Plugins.all()
    parameters = {name: _value(text) for name, text in given}
    wanted = MaskSpec.model_validate({**parameters, "family": family})
    mask_set = open_sets({family: wanted}, found.records("masks"))[family]
    _print_written(output, generate_mask_set(output, mask_set, size, seed, count, balance, workers))


@masks.command()
@click.argument("file", type=FILE)
@click.option("-o", "--output", type=FILE, help="PNG file for a contact sheet and the hole ratios.")
@click.option("--count", type=click.IntRange(1), default=48, help="Number of holes on the sheet.")
@JSON
def show(file: Path, output: Path | None, count: int, as_json: bool) -> None:
    """Verify a mask set and print its statistics.

    \b
    Examples:
      bench masks show wide.holes
      bench masks show wide.holes -o sheet.png
    """
    from bench_core.masks.contact_sheet import draw_contact_sheet, format_summary, summarise
    from bench_core.masks.mask_file import read

    opened = read(file)
    statistics = summarise(opened.stats)
    if output:
        draw_contact_sheet(opened, output, count)
        click.echo(f"Wrote {output}.", err=as_json)
    if as_json:
        print_json({"sha256": opened.sha256, "manifest": opened.manifest, **statistics})
        return
    for key, value in opened.manifest.items():
        click.echo(f"{key:14} {f'{len(value)} files' if key == 'names' else value}")
    click.echo(f"\n{format_summary(statistics)}")


@masks.command("import")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--hole-color",
    "hole",
    type=OneOf(["white", "black", "auto"]),
    required=True,
    help="Mask colour that marks missing pixels.",
)
@click.option("--threshold", type=click.IntRange(1, 255), default=128, help="Grey level from which a pixel is white.")
@click.option("--size", type=click.IntRange(1), help="Resize all masks to this height and width.")
@click.option("-o", "--output", type=FILE, help="File to write; if left out, only a report.")
def import_(folder: Path, hole: str, threshold: int, size: int | None, output: Path | None) -> None:
    """Import mask images as a mask set.

    It reports what the images contain. With --hole-color auto the colour is decided for each folder, and the report
    gives the reason.

    \b
    Examples:
      bench masks import downloaded --hole-color auto
      bench masks import downloaded --hole-color black --size 256 -o theirs.holes
    """
    from bench_core.masks.import_folder import inspect_folder, write_mask_set

    folders = inspect_folder(folder, hole, threshold)
    for each in folders:
        click.echo("\n".join(each.report_lines()))
    if output:
        _print_written(output, write_mask_set(output, folder, folders, threshold, size))


def _parameters(known: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults of a family, and what must be given."""
    required = [name for name, value in known.items() if value is ...]
    return {"parameters": {name: known[name] for name in known if name not in required}, "required": required}


def _print_written(path: Path, sha256: str) -> None:
    click.echo(f'Wrote {path}. In a protocol:\n  family = "set"\n  file = "{path}"\n  sha256 = "{sha256}"')


def _value(text: str) -> Any:
    """Parse a TOML value; anything else is a string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
