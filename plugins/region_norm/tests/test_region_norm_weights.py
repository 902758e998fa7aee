"""Random weights in the official layouts: all are used, and files of other networks are refused."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

import bench_region_norm
from bench_core.errors import BadInput
from bench_core.methods.convert_weights import compare, import_weights
from bench_region_norm.model import build
from bench_region_norm.weights import official, parallel

LAYOUTS = {layout.name: layout for layout in bench_region_norm.REGION_NORM.checkpoints}
PREFIXES = {"official": "", "parallel": "module."}


def learned(name: str) -> dict[str, tuple[int, ...]]:
    kinds = {"conv1.weight": (1, 2, 7, 7)}
    kinds |= {f"{kind}_conv.{part}": (1, 1, 7, 7)[:n] for kind in ("gamma", "beta") for part, n in WEIGHT_AND_BIAS}
    return {f"{name}.sa.{kind}": shape for kind, shape in kinds.items()}


WEIGHT_AND_BIAS = (("weight", 4), ("bias", 1))


def conv(name: str, *shape: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.{part}": shape[:n] for part, n in WEIGHT_AND_BIAS}


def shapes(width: int = 64, num_blocks: int = 8, prefix: str = "") -> dict[str, tuple[int, ...]]:
    """List names and shapes of the official generator in its order, for networks of other widths too."""
    full, found = 4 * width, {}
    for i, (before, after, side) in enumerate([(3, width, 7), (width, 2 * width, 4), (2 * width, full, 4)], start=1):
        found |= conv(f"encoder_conv{i}", after, before, side, side)
        found |= {f"encoder_in{i}.{s}ground_{kind}": (after,) for s in ("fore", "back") for kind in ("gamma", "beta")}
    for i in range(num_blocks):
        for place in (1, 5):
            found |= conv(f"middle.{i}.conv_block.{place}", full, full, 3, 3)
            found |= learned(f"middle.{i}.conv_block.{place + 1}")
    found |= conv("decoder.0", 8 * width, full, 3, 3) | learned("decoder.2")
    found |= conv("decoder.4", 4 * width, 2 * width, 3, 3) | learned("decoder.6")
    found |= conv("decoder.9", 3, width, 7, 7)
    return {f"generator.{prefix}{name}": shape for name, shape in found.items()}


def discriminator(prefix: str = "") -> dict[str, Tensor]:
    state, before = {}, 3
    for i, width in enumerate((64, 128, 256, 512, 1), start=1):
        name = f"discriminator.{prefix}conv{i}.0.weight"
        state |= {
            f"{name}_orig": torch.zeros(width, before, 4, 4),
            f"{name}_u": torch.zeros(width),
            f"{name}_v": torch.zeros(16 * before),
        }
        before = width
    return state


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_tensor_of_the_official_generator_is_used(name: str):
    prefix = PREFIXES[name]
    file = {key: torch.empty(shape, device="meta") for key, shape in shapes(prefix=prefix).items()}
    assert len(file) == 146 and sum(tensor.numel() for tensor in file.values()) == 11_596_591
    with torch.device("meta"):
        (match,) = compare(bench_region_norm.REGION_NORM, LAYOUTS[name], file | discriminator(prefix))
    assert match.num_mismatches == 0 and match.used == set(file)
    assert set(match.dropped) == set(discriminator(prefix))


PLACES = {
    "encoder.convs.0.weight": "encoder_conv1.weight",
    "encoder.convs.2.bias": "encoder_conv3.bias",
    "encoder.norms.0.hole_gamma": "encoder_in1.foreground_gamma",
    "encoder.norms.1.hole_beta": "encoder_in2.foreground_beta",
    "encoder.norms.2.known_gamma": "encoder_in3.background_gamma",
    "encoder.norms.2.known_beta": "encoder_in3.background_beta",
    "blocks.0.conv1.weight": "middle.0.conv_block.1.weight",
    "blocks.0.norm1.response_conv.weight": "middle.0.conv_block.2.sa.conv1.weight",
    "blocks.7.norm1.gamma_conv.weight": "middle.7.conv_block.2.sa.gamma_conv.weight",
    "blocks.7.conv2.bias": "middle.7.conv_block.5.bias",
    "blocks.7.norm2.beta_conv.bias": "middle.7.conv_block.6.sa.beta_conv.bias",
    "decoder.ups.0.0.weight": "decoder.0.weight",
    "decoder.norms.0.response_conv.weight": "decoder.2.sa.conv1.weight",
    "decoder.ups.1.0.bias": "decoder.4.bias",
    "decoder.norms.1.gamma_conv.bias": "decoder.6.sa.gamma_conv.bias",
    "decoder.last.weight": "decoder.9.weight",
}
"""At least one tensor of each kind, and its official name."""


def test_each_tensor_has_its_place():
    for ours, theirs in PLACES.items():
        assert official(ours).names == (f"generator.{theirs}",)
        assert parallel(ours).names == (f"generator.module.{theirs}",)
    expected = shapes(8, 2)
    state = build("nano", 3).generator.state_dict()
    found = {official(ours).names[0]: tuple(tensor.shape) for ours, tensor in state.items()}
    assert found == expected


@pytest.mark.parametrize("name", LAYOUTS)
def test_bench_weights_import_converts_the_official_file(name: str, tmp_path: Path):
    prefix = PREFIXES[name]
    state = {key: torch.full(shape, float(i)) for i, (key, shape) in enumerate(shapes(prefix=prefix).items())}
    torch.save(state | discriminator(prefix), tmp_path / "x_RN.pth")
    converted = import_weights("region_norm", [tmp_path / "x_RN.pth"], tmp_path / "out.safetensors", None, None, False)
    assert converted.facts["method"] == "region_norm" and converted.facts["origin"]["layout"] == name
    assert sorted(value.flatten()[0].item() for value in converted.match.state.values()) == list(range(146))
    assert converted.path.stat().st_size > 4 * 11_596_591


def test_other_files_are_refused_with_the_first_mismatches(tmp_path: Path):
    torch.save(discriminator(), tmp_path / "D.pth")
    with pytest.raises(
        BadInput, match=r"146 missing: generator\.encoder_conv1\.weight \(for encoder\.convs\.0\.weight"
    ):
        import_weights("region_norm", [tmp_path / "D.pth"], tmp_path / "out.safetensors", None, None, False)
    wrong = {key: torch.zeros(shape) for key, shape in shapes(32).items()}
    torch.save(wrong, tmp_path / "narrow.pth")
    with pytest.raises(BadInput, match="of another shape"):
        import_weights("region_norm", [tmp_path / "narrow.pth"], tmp_path / "out.safetensors", None, None, False)
    assert not (tmp_path / "out.safetensors").exists()
