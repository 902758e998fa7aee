"""`bench protocols`: the rules that ship with the harness."""

import click


@click.command()
@click.argument("name", required=False)
def protocols(name: str | None) -> None:
    """List the named protocols, or print one as TOML to copy and change.

    \b
    Example: bench protocols quick > mine.toml
             bench run --protocol mine.toml --plugins METHOD
    """
    from bench_core import protocol

    if name is None:
        for known in protocol.named():
            click.echo(f"{known:16} {protocol.load(known).title}")
        return
    protocol.load(name)
    click.echo((protocol.FOLDER / f"{name}.toml").read_text(encoding="utf-8"), nl=False)
