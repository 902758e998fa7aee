"""`bench demo`: methods to try on a local page."""

from contextlib import suppress
from pathlib import Path

import click

from bench_core.cli.values import DEVICE, Assigned, Listed


@click.command()
@click.argument("runs", type=click.Path(path_type=Path), required=False)
@click.option("--plugins", type=Listed(), help="Offer methods of these plugins only, and baselines; all if left out.")
@click.option("--weights", type=Assigned(), multiple=True, help="Offer a method with these weights (repeatable).")
@click.option("--host", default="127.0.0.1", show_default=True, help="Whom to serve: this machine alone.")
@click.option("--port", type=click.IntRange(0, 65535), default=8137, show_default=True, help="0 takes a free one.")
@click.option("--open/--no-open", "opened", default=True, help="Open the page in a browser.")
@click.option("--device", type=DEVICE, default="auto", show_default=True)
def demo(
    runs: Path | None,
    plugins: tuple[str, ...] | None,
    weights: tuple[tuple[str, str], ...],
    host: str,
    port: int,
    opened: bool,
    device: str,
) -> None:
    """Serve a page on which to paint a hole into a picture and see what methods make of it, side by side.

    Offered are baselines, methods with given --weights, and whatever was trained in the store or run RUNS. Pictures
    stay in memory; nothing is written.

    \b
    Examples: bench demo
              bench demo results
              bench demo --weights METHOD=weights.safetensors --port 0 --no-open
    """
    _require_server()
    from bench_core.allocator import keep_memory
    from bench_core.demo.app import application
    from bench_core.demo.offer import example, offered
    from bench_core.demo.serving import address, listen, server
    from bench_core.devices import open_fabric
    from bench_core.plugins import Plugins

    keep_memory()
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
