"""Files mutated at random are refused in words, or say what they said before. `make fuzz` tries many more.

What is an input of its own, such as an image or a protocol, may say something else: it is known by its digest.
"""

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from bench_core.errors import BadInput
from bench_core.images import read_image
from bench_core.masks import mask_file
from bench_core.masks.mask_set import open_sets
from bench_core.methods import Method
from bench_core.methods.pretrained import with_weights
from bench_core.methods.variants import Variant
from bench_core.plugins import Plugins
from bench_core.protocol import FOLDER, load
from bench_core.specs import Model
from bench_core.store import rows
from bench_core.store.cell_folder import CellFolder
from bench_core.store.features import Features
from bench_core.store.rows import as_rows
from bench_core.store.store import CellStatus, Run, Store, read_runs
from bench_core.system import files
from bench_core.training import checkpoint
from bench_core.weights import readers, weight_file

CASES = int(os.environ.get("BENCH_FUZZ", "220"))
PATIENCE = 10
"""Seconds after which a case hangs."""
ODD = [b"-1", b"0", b"1e999", b"nan", b'""', b"[]", b"{}", b"9" * 30, b"true", b'"../x"', b"null", b"1e-9", b"[[1]]"]
PICTURE = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
ABOUT = {"method": "a", "variant": "a", "seed": 0, "mask_set": "center", "mask_set_hash": "abc", "hole_ratio": 0.25}
ABOUT |= {"metric": "l1@full", "region": "full", "source": "composite"}
RULES = load("free-form-256").model_copy(update={"scale": "nano"})


class Small(Method):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.generator = nn.Linear(8, 8)


MODEL = Model("small", "Small", "Nobody.", "nowhere:build", options={"width": 8})
FACTS = {"method": "small", "scale": "nano", "channels": 3, "options": {"width": 8}}


def rows_file(path: Path) -> Callable[[], Any]:
    rows.write(path, as_rows({**ABOUT, "image": f"{i}.png", "value": i / 7} for i in range(40)))
    return lambda: rows.read(path).to_dict("list")


def features(path: Path) -> Callable[[], Any]:
    Features(np.arange(60, dtype=np.float32).reshape(20, 3), np.linspace(0, 1, 20), "abc").write(path)
    return lambda: _plain(Features.read(path))


def _plain(found: Features | None) -> Any:
    return found and (found.values.tolist(), found.hole_ratio.tolist(), found.mask_set_hash)


def mask_set(path: Path) -> Callable[[], Any]:
    rng = np.random.default_rng(0)
    mask_file.write(
        path, 16, [mask_file.pack(rng.integers(0, 2, (16, 16), np.uint8)) for _ in range(8)], {"family": "x"}
    )
    return lambda: [mask_file.read(path).hole(number).tolist() for number in range(8)]


def trained(path: Path) -> Callable[[], Any]:
    """Weights in a store, whose provenance knows them."""
    folder = CellFolder(path.parent, {})
    weights = path.parent / "weights.safetensors"
    weight_file.save_weights(weights, Small(), FACTS)
    folder.write_provenance("training", {"weights": files.sha256(weights)})
    path.write_bytes(weights.read_bytes())

    def read() -> Any:
        weights.write_bytes(path.read_bytes())
        assert folder.trained_weights()
        return _loaded(weights)

    return read


def _loaded(path: Path) -> Any:
    method = Small()
    nn.init.zeros_(method.generator.weight)
    weight_file.load_weights(path, method)
    return [tensor.tolist() for tensor in method.state_dict().values()]


def given_weights(path: Path) -> Callable[[], Any]:
    """Weights that a user gives; a table tells their digest."""
    weight_file.save_weights(path, Small(), FACTS)

    def read() -> None:
        variant = with_weights(Variant(MODEL, "small", {}, "small"), path, RULES)
        assert variant.model.recipe is None
        _loaded(path)

    return read


def foreign(path: Path) -> Callable[[], Any]:
    torch.save({"weight": torch.arange(8.0)}, path)
    return lambda: {name: tensor.tolist() for name, tensor in readers.read(path).content.items()}


def resumed(path: Path) -> Callable[[], Any]:
    checkpoint.save_state(path, {"step": 3, "weights": {"a": torch.arange(50.0)}})
    return lambda: _state(checkpoint.load_state(path))


def _state(state: dict[str, Any] | None) -> Any:
    return state and (state["step"], state["weights"]["a"].tolist())


def record(path: Path) -> Callable[[], Any]:
    store = Store(path.parent)
    written = store.write_run(Run(load("quick"), "digest", 20, [CellStatus("a", "a", 0)], {"x": "y"})) / "run.json"
    path.write_bytes(written.read_bytes())

    def read() -> Any:
        written.write_bytes(path.read_bytes())
        return read_runs(written.parent)[1]

    return read


def protocol(path: Path) -> Callable[[], Any]:
    path.write_bytes((FOLDER / "free-form-256.toml").read_bytes())
    plugins = Plugins.find()
    plugins.load_all()
    families = plugins.records("masks")

    def read() -> None:
        for holes in open_sets(load(str(path)).masks, families).values():
            holes.draw(32, "trial")

    return read


def png(path: Path) -> Callable[[], Any]:
    return _image(path, "PNG")


def jpeg(path: Path) -> Callable[[], Any]:
    return _image(path, "JPEG")


def tiff(path: Path) -> Callable[[], Any]:
    return _image(path, "TIFF")


def _image(path: Path, kind: str) -> Callable[[], Any]:
    Image.fromarray(PICTURE).save(path, kind)

    def read() -> None:
        found = read_image(path)
        assert found.dtype == np.uint8 and found.ndim == 3 and found.shape[2] in (1, 3)

    return read


KINDS = [rows_file, features, mask_set, trained, given_weights, foreign, resumed, record, protocol, png, jpeg, tiff]


def mutated(content: bytes, random: Random) -> bytes:
    """Bits flipped, parts cut off, taken out, repeated or copied over others, numbers made odd."""
    data = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 4))):
        start, other = random.randrange(len(data) + 1), random.randrange(len(data) + 1)
        length = int(2 ** random.uniform(0, 9))
        part = data[start : start + length]
        kind = random.choice(("flip", "flip", "cut", "out", "repeat", "copy", "odd", "odd"))
        if kind == "flip" and start < len(data):
            data[start] ^= 1 << random.randrange(8)
        elif kind == "cut":
            del data[start:]
        elif kind == "out":
            del data[start : start + length]
        elif kind == "repeat":
            data[start:start] = part
        elif kind == "copy":
            data[other : other + len(part)] = part
        elif kind == "odd" and (words := list(re.finditer(rb'-?\d[\d._]*|"[^"\n]{0,40}"|true|false', bytes(data)))):
            word = random.choice(words)
            data[word.start() : word.end()] = random.choice(ODD)
    return bytes(data)


@contextmanager
def patience() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise AssertionError(f"no answer after {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="wants a clock that interrupts")
@pytest.mark.parametrize("kind", KINDS)
def test_a_mutated_file_is_refused_in_words_or_means_the_same(kind: Callable, tmp_path: Path) -> None:
    path = tmp_path / f"theirs{'.toml' if kind is protocol else '.pt'}"
    read = kind(path)
    content = path.read_bytes()
    expected = read()

    @seed(0)
    @settings(max_examples=-(-CASES // len(KINDS)), deadline=None, database=None)
    @given(st.integers(0, 2**62))
    def law(case: int) -> None:
        path.write_bytes(mutated(content, Random(case)))
        try:
            with patience():
                found = read()
        except BadInput as error:
            assert str(error)
        else:
            assert found == expected

    law()
