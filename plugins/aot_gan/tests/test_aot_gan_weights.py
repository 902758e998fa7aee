"""Random weights in the official layout: all are used, and files of other networks are refused."""

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

import bench_aot_gan
from bench_aot_gan.model import build
from bench_aot_gan.weights import official
from bench_core.errors import BadInput
from bench_core.methods.convert_weights import compare, import_weights

(LAYOUT,) = bench_aot_gan.AOT_GAN.checkpoints


def shapes(base: int, num_blocks: int) -> dict[str, tuple[int, ...]]:
    """List names and shapes of the official file in its order, for networks of other widths too."""
    full = 4 * base
    weights = {
        "encoder.1": (base, 4, 7, 7), "encoder.3": (2 * base, base, 4, 4), "encoder.5": (full, 2 * base, 4, 4)
    }  # fmt: skip
    for block in range(num_blocks):
        weights |= {f"middle.{block}.block0{branch}.1": (base, full, 3, 3) for branch in range(4)}
        weights |= {f"middle.{block}.{conv}.1": (full, full, 3, 3) for conv in ("fuse", "gate")}
    weights |= {
        "decoder.0.conv": (2 * base, full, 3, 3), "decoder.2.conv": (base, 2 * base, 3, 3), "decoder.4": (3, base, 3, 3)
    }  # fmt: skip
    return {f"{name}.{kind}": s[:n] for name, s in weights.items() for kind, n in (("weight", 4), ("bias", 1))}


def discriminator_file() -> dict[str, Tensor]:
    """Return tensors with the names and shapes of the official discriminator, `D0000000.pt`."""
    state, before = {}, 3
    for layer, width in ((0, 64), (2, 128), (4, 256), (6, 512)):
        state |= {
            f"conv.{layer}.weight_orig": torch.zeros(width, before, 4, 4),
            f"conv.{layer}.weight_u": torch.zeros(width),
            f"conv.{layer}.weight_v": torch.zeros(16 * before),
        }
        before = width
    return state | {"conv.8.weight": torch.zeros(1, 512, 4, 4), "conv.8.bias": torch.zeros(1)}


def test_every_tensor_of_the_official_file_is_used():
    file = {name: torch.empty(shape, device="meta") for name, shape in shapes(64, 8).items()}
    assert len(file) == 108
    assert sum(tensor.numel() for tensor in file.values()) == 15_200_835
    with torch.device("meta"):
        (match,) = compare(bench_aot_gan.AOT_GAN, LAYOUT, file)
    assert match.num_mismatches == 0 and match.used == set(file) and not match.dropped


@torch.no_grad()
def test_each_tensor_has_its_place_and_the_order_is_the_same():
    method = build("nano", 3)
    names = list(shapes(8, 2))
    assert [official(name).names for name in method.generator.state_dict()] == [(name,) for name in names]
    assert list(shapes(8, 2).values()) == [tuple(value.shape) for value in method.generator.state_dict().values()]


@pytest.mark.parametrize("wrapped", [False, True])
def test_bench_weights_import_converts_the_official_file(wrapped: bool, tmp_path: Path):
    state = {name: torch.full(shape, float(i)) for i, (name, shape) in enumerate(shapes(64, 8).items())}
    torch.save({f"module.{name}": tensor for name, tensor in state.items()} if wrapped else state, tmp_path / "G.pt")
    converted = import_weights("aot_gan", tmp_path / "G.pt", tmp_path / "out.safetensors", None, None, False)
    assert converted.facts["method"] == "aot_gan" and converted.facts["origin"]["layout"] == "official"
    found = [value.flatten()[0].item() for value in converted.match.state.values()]
    assert found == list(range(108))
    assert converted.path.stat().st_size > 4 * 15_200_835


def test_other_files_are_refused_with_the_first_mismatches(tmp_path: Path):
    torch.save(discriminator_file(), tmp_path / "D0000000.pt")
    with pytest.raises(BadInput, match=r"(?s)108 missing: encoder\.1\.weight.*14 not expected: conv\.0\.weight_orig"):
        import_weights("aot_gan", tmp_path / "D0000000.pt", tmp_path / "out.safetensors", None, None, False)
    assert not (tmp_path / "out.safetensors").exists()


def test_our_discriminator_has_the_official_tensors():
    with torch.device("meta"):
        ours = build("paper", 3).discriminator.state_dict()
    theirs = {name: tensor.shape for name, tensor in discriminator_file().items()}
    # the official code counts activations, too
    renamed = {re.sub(r"layers\.(\d)", lambda n: f"conv.{2 * int(n[1])}", name): ours[name].shape for name in ours}
    assert renamed == theirs
