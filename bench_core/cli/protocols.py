"""`bench protocols`: the named protocols."""

import click

from bench_core.cli import completions
from bench_core.cli.json_output import JSON, print_json


@click.command()
@click.argument("name", type=completions.PROTOCOL, required=False)
@JSON
def protocols(name: str | None, as_json: bool) -> None:
    """List the named protocols, or print one as TOML.

    \b
    Examples:
      bench protocols
      bench protocols quick > mine.toml
      bench run --protocol mine.toml --plugins METHOD
    """
    from bench_core.errors import unknown
    from bench_core.plugins import Plugins
    from bench_core.protocol import load, named

    found = Plugins.all()
    known = named(found.records("protocols").values())
    if name is not None and name not in known:
        raise unknown("protocol", name, known)
    if as_json:
        loaded = [load(str(path)) for each, path in known.items() if name in (None, each)]
        records = [protocol.model_dump(mode="json") | {"hash": protocol.hash} for protocol in loaded]
        print_json(records if name is None else records[0])
    elif name is None:
        width = max(map(len, known))
        for each, path in known.items():
            click.echo(f"{each:{width}} {load(str(path)).title}")
    else:
        click.echo(known[name].read_text(encoding="utf-8"), nl=False)
