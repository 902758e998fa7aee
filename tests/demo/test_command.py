"""`bench demo`: listed methods, and the address it serves."""

from collections.abc import Callable
from importlib import util
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from support.demo_server import CPU, png

from bench_core.cli import main
from bench_core.demo.catalog import catalog
from bench_core.demo.server import listen
from bench_core.errors import BadInput
from bench_core.plugins import Plugins

TRAINING_FREE = [name for name, model in Plugins.all().records("models").items() if not model.recipe]
RNG = np.random.default_rng(1)
PICTURE = RNG.integers(0, 256, (20, 30, 3), np.uint8)
HOLE = np.zeros((20, 30), bool)
HOLE[5:12, 8:20] = True


def test_trained_cells_and_given_weights_are_listed(bench: Callable[..., Result], tmp_path: Path, toy: None):
    bench("--plugins", "toy,toy:guided", "--seeds", "0,1")
    bench("--plugins", "toy", "--seeds", "1,2")
    store = tmp_path / "out"
    every = catalog(Plugins.find(), None, (), store, CPU)
    names = [*TRAINING_FREE, *(f"toy, seed {n}" for n in (0, 1)), "toy:guided, seed 0"]
    assert [each.name for each in every] == [*names, "toy:guided, seed 1", "toy, seed 2"]
    trained = every[len(TRAINING_FREE) :]
    assert trained[0].remark == "trained on folder with center, free-form: 4 steps at 32 pixels, scale nano"
    assert [each.guided for each in every] == [False] * (len(every) - 3) + [True, True, False]

    (weights,) = (store / "cells").glob("toy-0-*/weights.safetensors")
    given = catalog(Plugins.find(), ("toy",), [("toy", str(weights))], None, CPU)
    assert given[-1].name == "toy (weights)"
    nothing = np.zeros_like(HOLE)
    found = [each.inpaint(PICTURE, HOLE, nothing).image for each in (trained[0], given[-1], trained[1])]
    assert found[0] is not None and (found[0] == found[1]).all() and (found[0] != found[2]).any()

    asked = [each.name for each in catalog(Plugins.find(), ("toy",), (), store, CPU)]
    assert asked[-len(trained) :] == [each.name for each in trained]
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    (first,) = [each for each in catalog(Plugins.find(), None, (), store, CPU) if each.name == "toy, seed 0"]
    assert "is damaged" in first.inpaint(PICTURE, HOLE, nothing).error


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--plugins", "pconf"], "Did you mean 'pconv'?"),
        (["--plugins", "pconv"], "The methods of pconv need trained weights"),
        (["--weights", "pconv=here.png"], "no file of weights"),
        (["nowhere"], "holds no runs"),
    ],
)
def test_unusable_methods_are_refused(options: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("here.png").write_bytes(png(PICTURE))
    refused = CliRunner().invoke(main, ["demo", "--no-open", "--port", "0", *options])
    assert refused.exit_code == 2 and said in refused.output, refused.output


def test_a_store_without_trained_weights_is_refused(bench: Callable[..., Result], tmp_path: Path):
    bench("--plugins", "pconv", "--steps", "0")
    (weights,) = (tmp_path / "out" / "cells").glob("pconv-*/weights.safetensors")
    weights.unlink()
    with pytest.raises(BadInput, match="holds no trained weights"):
        catalog(Plugins.find(), None, (), tmp_path / "out", CPU)


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    refused = CliRunner().invoke(main, ["demo", "--no-open"])
    assert refused.exit_code == 2 and "pip install inpaint-bench[demo]" in refused.output


def test_a_port_in_use_is_refused():
    with listen("127.0.0.1", 0) as taken, pytest.raises(BadInput, match="--port 0 chooses a free one"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_it_serves_this_machine_only_until_it_is_interrupted(monkeypatch: pytest.MonkeyPatch):
    served_on = []

    def run(self, sockets):
        served_on.extend(each.getsockname() for each in sockets)
        raise KeyboardInterrupt

    opened = []
    monkeypatch.setattr("uvicorn.Server.run", run)
    monkeypatch.setattr("click.launch", opened.append)
    result = CliRunner().invoke(main, ["demo", "--port", "0", "--device", "cpu"])
    ((host, port),) = served_on
    assert result.exit_code == 0 and host == "127.0.0.1" and opened == [f"http://127.0.0.1:{port}/"]
    assert f"Serving {len(TRAINING_FREE)} methods at http://127.0.0.1:{port}/" in result.output
