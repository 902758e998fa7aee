"""What many tests need: a small world in which a comparison takes seconds."""

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from support.browser import browser, page
from support.paths import ROOT

import bench_core.plugins
from bench_core.cli import main
from bench_core.store.store import Store

__all__ = ["browser", "page"]

SMALL = """
image_set = "folder"
size = 32
steps = 4
batch = 2
scale = "nano"
backbone = "random"
metrics = ["l1", "psnr", "ssim"]

[masks.center]
family = "center_box"

[masks.free-form]
family = "free_form"
"""


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test may find weights or kept listings of this machine's user, or download any."""
    from bench_core.weights import download

    monkeypatch.setenv("TORCH_HOME", str(tmp_path_factory.mktemp("torch")))
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("BENCH_WEIGHTS", raising=False)
    monkeypatch.setattr(download, "_download", lambda wanted: (_ for _ in ()).throw(OSError("no network in tests")))
    download.locate.cache_clear()


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Six smooth pictures of 48 x 40, four to train with and two to judge with."""
    rows, columns = np.mgrid[0:40, 0:48]
    for number in range(6):
        waves = [np.sin((rows * (number + 1) + columns * channel) / 15) for channel in (1, 2, 3)]
        folder = tmp_path / "photographs" / ("test" if number < 2 else "train")
        folder.mkdir(parents=True, exist_ok=True)
        picture = ((np.stack(waves, axis=-1) + 1) * 127.5).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{number}.png")
    return tmp_path / "photographs"


@pytest.fixture
def protocol(tmp_path: Path) -> Path:
    """A protocol of few steps on small images."""
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def bench(protocol: Path, photographs: Path, tmp_path: Path) -> Callable[..., Result]:
    """Call `bench run` in this small world: ``bench("--plugins", "pconv", out="a")``."""

    def call(*options: str, out: str = "out", code: int = 0) -> Result:
        world = [
            "--protocol",
            str(protocol),
            "--data",
            str(photographs),
            "--device",
            "cpu",
            "--out",
            str(tmp_path / out),
        ]
        result = CliRunner().invoke(main, ["run", *world, *options])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return call


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Pretend that the toy is installed as a plugin."""
    sys.modules.pop("bench_toy", None)  # another test's
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "bench_toy.py").write_text((ROOT / "tests" / "support" / "toy_plugin.py").read_text())
    monkeypatch.syspath_prepend(tmp_path / "modules")
    real = bench_core.plugins.entry_points
    mine = EntryPoint("toy", "bench_toy", "bench")
    monkeypatch.setattr(bench_core.plugins, "entry_points", lambda group: [*real(group=group), mine])
    yield
    sys.modules.pop("bench_toy", None)
