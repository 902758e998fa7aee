"""A new plugin. Its files are written from those of `plugin_template/`, which lie as they will lie."""

import re
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from jinja2 import Environment, PackageLoader, StrictUndefined

from bench_core.errors import BadInput
from bench_core.plugins import Plugins


def write_plugin(name: str, folder: Path) -> Path:
    """Write the plugin NAME to ``folder/NAME``, all of it or nothing, and return that folder.

    Raises:
        BadInput: the name is none or taken, or the folder holds something or cannot be written.
    """
    _refuse(name)
    target = folder / name
    if target.is_file() or (target.is_dir() and any(target.iterdir())):
        raise BadInput(f"{target} exists and is not empty; give another name, or another place with --folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=f".{name}.") as temporary:
            whole = Path(temporary) / name
            for path, text in rendered(name).items():
                (whole / path).parent.mkdir(parents=True, exist_ok=True)
                (whole / path).write_text(text)
            return whole.rename(target)
    except OSError as error:
        raise BadInput(f"{target} cannot be written ({error.strerror}); give another place with --folder.") from error


def rendered(name: str) -> dict[str, str]:
    """The text of every file of the plugin NAME, by its path in the plugin's folder."""
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


def _refuse(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise BadInput(
            f"{name!r} is no name for a plugin, whose package will be bench_NAME: give small letters, digits and "
            "underscores, a letter first, such as my_method."
        )
    plugins = Plugins.all()
    if name in plugins.installed or name in plugins.records("models") or find_spec(f"bench_{name}"):
        raise BadInput(f"The name {name!r} is taken by what is installed (see `bench plugins`); give another.")
