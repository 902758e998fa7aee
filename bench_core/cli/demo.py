"""`bench demo`: methods to try on a local page."""

from contextlib import suppress
from pathlib import Path

import click

from bench_core.cli import completions
from bench_core.cli.param_types import DEVICE


@click.command()
@click.argument("runs", type=click.Path(path_type=Path), required=False)
@click.option("--plugins", type=completions.METHODS, help="Offer these plugins and the baselines; all, if not given.")
@click.option(
    "--weights", type=completions.WEIGHTS, multiple=True, help="Offer a method with these weights (repeatable)."
)
@click.option("--host", default="127.0.0.1", help="Whom to serve: this machine alone.")
@click.option("--port", type=click.IntRange(0, 65535), default=8137, help="0 takes a free one.")
@click.option("--open/--no-open", "opened", default=True, help="Open the page in a browser.")
@click.option("--device", type=DEVICE, default="auto", help="What computes.")
def demo(
    runs: Path | None,
    plugins: tuple[str, ...] | None,
    weights: tuple[tuple[str, str], ...],
    host: str,
    port: int,
    opened: bool,
    device: str,
) -> None:
    """Serve a local page to paint a hole and compare methods.

    On offer are the methods that learn nothing, those given weights, and the trained cells of RUNS, a folder that
    `bench run` wrote to. The page keeps pictures in memory only and asks nothing of the network.

    \b
    Examples:
      bench demo
      bench demo results
      bench demo --plugins ONE --weights ONE=weights.safetensors
    """
    _require_server()
    from bench_core.demo.app import application
    from bench_core.demo.catalog import example, offered
    from bench_core.demo.server import address, listen, server
    from bench_core.plugins import Plugins
    from bench_core.system.allocator import tune_malloc
    from bench_core.system.devices import open_fabric

    tune_malloc()
    found = Plugins.find()
    contestants = offered(found, plugins, weights, runs, open_fabric(device).device)
    app = application(contestants, host, example(found))
    with listen(host, port) as listening:
        click.echo(f"{len(contestants)} methods to try at {address(listening)} (Ctrl-C ends this).")
        if opened:
            click.launch(address(listening))
        with suppress(KeyboardInterrupt):
            server(app).run(sockets=[listening])


def _require_server() -> None:
    from importlib.util import find_spec

    from bench_core.errors import BadInput

    if missing := [name for name in ("python_multipart", "starlette", "uvicorn") if find_spec(name) is None]:
        raise BadInput(f"bench demo needs {', '.join(missing)}: `pip install inpaint-bench[demo]`.")
