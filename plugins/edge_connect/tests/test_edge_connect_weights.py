"""The layout of the published weights, from synthetic files with its names and shapes."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from bench_core.errors import BadInput
from bench_core.methods.convert_weights import import_weights


def shapes(edge_model: bool) -> dict[str, tuple[int, ...]]:
    """Return names and shapes in the official order of one generator."""
    encoder = {1: (64, 3 if edge_model else 4, 7, 7), 4: (128, 64, 4, 4), 7: (256, 128, 4, 4)}
    decoder = {0: (256, 128, 4, 4), 3: (128, 64, 4, 4)}
    found: dict[str, tuple[int, ...]] = {}

    def add(name: str, shape: tuple[int, ...], bias: int, transposed: bool = False) -> None:
        if not edge_model:
            found.update({f"{name}.weight": shape, f"{name}.bias": (bias,)})
            return
        out, other = (shape[1], shape[0]) if transposed else shape[:2]
        found.update({f"{name}.bias": (out,)} if bias else {})
        found[f"{name}.weight_orig"] = shape
        found.update({f"{name}.weight_u": (out,), f"{name}.weight_v": (other * shape[2] * shape[3],)})

    for place, shape in encoder.items():
        add(f"encoder.{place}", shape, shape[0])
    for block in range(8):
        for place in (1, 5):
            add(f"middle.{block}.conv_block.{place}", (256, 256, 3, 3), 0 if edge_model else 256)
    for place, shape in decoder.items():
        add(f"decoder.{place}", shape, shape[1], transposed=True)
    last = 1 if edge_model else 3
    return {**found, "decoder.7.weight": (last, 64, 7, 7), "decoder.7.bias": (last,)}


def numbered(shapes: dict[str, tuple[int, ...]], start: int) -> dict[str, Tensor]:
    """Return constant tensors, each with a number of its own."""
    return {name: torch.full(shape, float(start + i)) for i, (name, shape) in enumerate(shapes.items())}


def test_every_tensor_of_both_files_is_used(tmp_path: Path):
    files = [tmp_path / "EdgeModel_gen.pth", tmp_path / "InpaintingModel_gen.pth"]
    edges, colours = numbered(shapes(True), 0), numbered(shapes(False), 100)
    assert (len(edges), len(colours)) == (70, 44)
    torch.save({"iteration": 2_000_000, "generator": edges}, files[0])
    torch.save({"iteration": 1, "generator": {f"module.{name}": value for name, value in colours.items()}}, files[1])
    converted = import_weights("edge_connect", files, tmp_path / "out.safetensors", None, None, False)
    match = converted.match
    assert len(match.used) == len(match.state) == 114 and not match.dropped
    numbers = [int(value.flatten()[0]) for value in match.state.values()]
    assert sorted(numbers) == [*range(70), *range(100, 144)]
    for name, official in {
        "edges.encoder.convs.1.weight_u": edges["encoder.4.weight_u"],
        "edges.blocks.7.conv2.weight_v": edges["middle.7.conv_block.5.weight_v"],
        "edges.decoder.ups.1.bias": edges["decoder.3.bias"],
        "colours.blocks.3.conv1.weight": colours["middle.3.conv_block.1.weight"],
        "colours.decoder.last.bias": colours["decoder.7.bias"],
    }.items():
        assert torch.equal(match.state[name], official)
    with pytest.raises(BadInput, match=r"28 missing|missing: edges.encoder"):
        import_weights("edge_connect", files[::-1], tmp_path / "other.safetensors", None, None, False)


def test_one_file_alone_is_refused(tmp_path: Path):
    torch.save({"generator": numbered(shapes(True), 0)}, tmp_path / "EdgeModel_gen.pth")
    with pytest.raises(BadInput, match=r"official: EdgeModel_gen\.pth, then InpaintingModel_gen\.pth"):
        import_weights("edge_connect", [tmp_path / "EdgeModel_gen.pth"], None, None, None, False)
