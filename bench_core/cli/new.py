"""`bench new`: writes a plugin from the templates in `plugin_template/`."""

import re
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bench_core.errors import BadInput


@click.command()
@click.argument("name")
@click.option("--folder", type=click.Path(path_type=Path), default=".", help="Folder in which to create NAME/.")
def new(name: str, folder: Path) -> None:
    """Write a new plugin: a small method that trains.

    \b
    Examples:
      bench new my_method
      bench new my_method --folder ~/plugins
    """
    target = write_plugin(name, folder)
    click.echo(f"Wrote {target}, a method that works. Next:")
    click.echo(f"  pip install -e {target}\n  bench check {name}\n  bench run --plugins {name}")


def write_plugin(name: str, folder: Path) -> Path:
    """Write the plugin NAME to ``folder/NAME`` and return that folder. On errors nothing is left behind.

    Raises:
        BadInput: The name is invalid or taken, the target is not empty, or the folder cannot be written.
    """
    _require_free_name(name)
    target = folder / name
    if target.is_file() or (target.is_dir() and any(target.iterdir())):
        raise BadInput(f"{target} exists and is not empty; give another name, or another folder with --folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=f".{name}.") as temporary:
            complete = Path(temporary) / name
            for path, text in render(name).items():
                (complete / path).parent.mkdir(parents=True, exist_ok=True)
                (complete / path).write_text(text)
            return complete.rename(target)
    except OSError as error:
        raise BadInput(f"{target} cannot be written ({error.strerror}); give another folder with --folder.") from error


def render(name: str) -> dict[str, str]:
    """Return the text of every file of the plugin NAME, by its path in the plugin's folder."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("bench_core", "plugin_template"),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return {
        path.removesuffix(".jinja").replace("NAME", name): templates.get_template(path).render(name=name)
        for path in templates.list_templates(extensions=["jinja"])
    }


def _require_free_name(name: str) -> None:
    from bench_core.plugins import Plugins

    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise BadInput(
            f"{name!r} is no valid name for a plugin. Its package will be bench_NAME: use lower-case letters, digits "
            "and underscores, starting with a letter, such as my_method."
        )
    plugins = Plugins.all()
    if name in plugins.installed or name in plugins.records("models") or find_spec(f"bench_{name}"):
        raise BadInput(f"The name {name!r} is taken by an installed package (see `bench plugins`); give another.")
