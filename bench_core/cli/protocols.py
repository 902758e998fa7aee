"""`bench protocols`: the rules that have a name."""

import click


@click.command()
@click.argument("name", required=False)
def protocols(name: str | None) -> None:
    """List the named protocols, or print one as TOML to copy and change.

    \b
    Example: bench protocols quick > mine.toml
             bench run --protocol mine.toml --plugins METHOD
    """
    from bench_core.errors import unknown
    from bench_core.plugins import Plugins
    from bench_core.protocol import load, named

    found = Plugins.find()
    found.load_all()
    known = named(found.records("protocols").values())
    if name is None:
        width = max(map(len, known))
        for each, path in known.items():
            click.echo(f"{each:{width}} {load(str(path)).title}")
        return
    if name not in known:
        raise unknown("protocol", name, known)
    click.echo(known[name].read_text(encoding="utf-8"), nl=False)
