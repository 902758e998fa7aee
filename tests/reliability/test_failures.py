"""Whatever goes wrong around a run is named, and once it is mended the same command ends as if nothing had been."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from support.failures import MISHAPS, Mishap, World, full_disk

Bench = Callable[..., Result]
TOY = ("--plugins", "toy", "--no-baselines")
pytestmark = pytest.mark.usefixtures("toy")


def results(folder: Path) -> list[bytes]:
    """Weights, rows and tables."""
    found = [path for kind in ("*.safetensors", "*.parquet", "table.csv") for path in folder.rglob(kind)]
    return [path.read_bytes() for path in sorted(found)]


def flat(text: str) -> str:
    """Without the spaces and ends of lines that depend on how wide a terminal is."""
    return "".join(text.split())


@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda mishap: mishap.name)
def test_a_mishap_is_named_and_harms_nothing(
    bench: Bench, tmp_path: Path, mishap: Mishap, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench(*TOY, out="straight")
    with monkeypatch.context() as patch, mishap.cause(World(tmp_path, patch)):
        result = bench(*TOY, *mishap.options, code=mishap.code)
    said = flat(result.output).replace(f"{tmp_path}/photographs", "DATA").replace(f"{tmp_path}/out", "OUT")
    assert flat(mishap.said) in said and "Traceback" not in said
    bench(*TOY)
    assert results(tmp_path / "out") == results(tmp_path / "straight")


def test_wherever_the_disk_is_full_the_file_is_named(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sizes were chosen to end at files of many kinds: a claim, an identity, a log, a checkpoint, provenance."""
    bench(*TOY, out="straight")
    for kibibytes in (8, 16, 28, 40, 48):
        with full_disk(kibibytes)(World(tmp_path, monkeypatch)):
            said = bench(*TOY, code=2).output
        assert "No space left on device" in said and "OSError" not in said
        bench(*TOY)
        assert results(tmp_path / "out") == results(tmp_path / "straight")
        (tmp_path / "out").rename(tmp_path / f"done {kibibytes}")
