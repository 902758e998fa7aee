"""`bench plugins`: the installed plugins."""

import click

from bench_core.cli.json_output import JSON, print_json


@click.command()
@JSON
def plugins(as_json: bool) -> None:
    """List plugins: their methods, papers and state.

    \b
    Examples:
      bench plugins
      bench plugins --json
    """
    from bench_core.plugins import Plugins

    found = Plugins.all()
    listed = [
        {
            "name": plugin.name,
            "version": plugin.version,
            "hooks": plugin.hooks,
            "methods": {model.name: model.title for model in plugin.records.get("models", ())},
            "papers": list(dict.fromkeys(model.citation for model in plugin.records.get("models", ()))),
            "state": plugin.state,
            "error": plugin.error or None,
        }
        for plugin in found.installed.values()
    ]
    if as_json:
        print_json(listed)
        return
    for plugin in listed:
        click.echo(f"{plugin['name']:18} {plugin['version']:9} {plugin['state']:8} {', '.join(plugin['hooks'])}")
        for paper in plugin["papers"]:
            click.echo(f"    {paper}")
        for name, title in plugin["methods"].items():
            click.echo(f"      {name:32} {title}")
        if plugin["error"]:
            click.echo("    " + plugin["error"].strip().replace("\n", "\n    "))
