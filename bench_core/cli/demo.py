"""`bench demo`: a local web page to compare methods."""

from contextlib import suppress
from pathlib import Path

import click

from bench_core.cli import completions
from bench_core.cli.param_types import DEVICE


@click.command()
@click.argument("runs", type=click.Path(path_type=Path), required=False)
@click.option("--plugins", type=completions.METHODS, help="Plugins to load beside the baselines; all if left out.")
@click.option(
    "--weights", type=completions.WEIGHTS, multiple=True, help="Weights from a file for a method (repeatable)."
)
@click.option("--host", default="127.0.0.1", help="Address to listen on; the default serves this machine only.")
@click.option("--port", type=click.IntRange(0, 65535), default=8137, help="Port; 0 chooses a free one.")
@click.option("--open/--no-open", "opened", default=True, help="Open the page in a browser.")
@click.option("--device", type=DEVICE, default="auto", help="Device to run on.")
def demo(
    runs: Path | None,
    plugins: tuple[str, ...] | None,
    weights: tuple[tuple[str, str], ...],
    host: str,
    port: int,
    opened: bool,
    device: str,
) -> None:
    """Serve a local page to draw a hole and compare methods.

    The page lists training-free methods, methods with --weights, and the trained methods of RUNS, a folder that
    `bench run` wrote to. Images stay in memory, and the page contacts no other server.

    \b
    Examples:
      bench demo
      bench demo results
      bench demo --plugins ONE --weights ONE=weights.safetensors
    """
    _require_server()
    from bench_core.demo.app import application
    from bench_core.demo.catalog import catalog, example
    from bench_core.demo.server import address, listen, server
    from bench_core.plugins import Plugins
    from bench_core.system.allocator import tune_malloc
    from bench_core.system.devices import open_fabric

    tune_malloc()
    found = Plugins.find()
    methods = catalog(found, plugins, weights, runs, open_fabric(device).device)
    app = application(methods, host, example(found))
    with listen(host, port) as listening:
        click.echo(f"Serving {len(methods)} methods at {address(listening)} (press Ctrl-C to stop).")
        if opened:
            click.launch(address(listening))
        with suppress(KeyboardInterrupt):
            server(app).run(sockets=[listening])


def _require_server() -> None:
    from importlib.util import find_spec

    from bench_core.errors import BadInput

    if missing := [name for name in ("python_multipart", "starlette", "uvicorn") if find_spec(name) is None]:
        raise BadInput(f"bench demo needs {', '.join(missing)}: `pip install inpaint-bench[demo]`.")
