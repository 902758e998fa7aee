"""`bench weights`, and what it wrote."""

from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from support.cli import call


def bench_weights(*arguments: str, code: int = 0) -> str:
    return call("weights", *arguments, code=code).output


def refused(*arguments: str, saying: str) -> None:
    """A clear message, exit code 2, and nothing written, not even half of it."""
    before = {path.name: path.read_bytes() for path in Path.cwd().iterdir() if path.is_file()}
    text = bench_weights("import", *arguments, code=2)
    assert text.startswith("Error: ") and "Traceback" not in text
    assert saying in text, text
    assert {path.name: path.read_bytes() for path in Path.cwd().iterdir() if path.is_file()} == before


def generator_in(path: str) -> dict[str, Tensor]:
    return {key.removeprefix("generator."): tensor for key, tensor in load_file(path).items()}


def same(tensors: dict[str, Tensor], others: dict[str, Tensor]) -> bool:
    return tensors.keys() == others.keys() and all(tensor.equal(others[name]) for name, tensor in tensors.items())
