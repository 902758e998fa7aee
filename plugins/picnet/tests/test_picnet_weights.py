"""Random weights in the official layout: all are used, they predict the same, and other files are refused."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

import bench_picnet
from bench_core.errors import BadInput
from bench_core.methods.convert_weights import compare, import_weights
from bench_picnet import model
from bench_picnet.model import build

(LAYOUT,) = bench_picnet.PICNET.checkpoints

Block = dict[str, tuple[str, tuple[int, ...]]]
"""By layer, its second name, and the shape of its weight."""


def res(i: int, o: int, hidden: int) -> Block:
    return {
        "conv1": ("model.1", (hidden, i, 3, 3)), "conv2": ("model.3", (o, hidden, 3, 3)),
        "bypass": ("shortcut.0", (o, i, 1, 1))
    }  # fmt: skip


def head(o: int) -> Block:
    return {
        "conv1": ("model.0", (o, 3, 3, 3)), "conv2": ("model.2", (o, o, 3, 3)), "bypass": ("shortcut.1", (o, 3, 1, 1))
    }  # fmt: skip


def dec(i: int, o: int) -> Block:
    return {
        "conv1": ("model.2", (o, i, 3, 3)), "conv2": ("model.5", (o, o, 3, 3)), "bypass": ("shortcut.0", (i, o, 3, 3))
    }  # fmt: skip


ENCODER = {
    "block0": head(32), "encoder0": res(32, 64, 32), "encoder1": res(64, 128, 64), "encoder2": res(128, 128, 128),
    "encoder3": res(128, 128, 128), **{f"infer_prior{i}": res(128, 128, 128) for i in range(6)},
    "prior": res(128, 256, 128), "posterior": res(128, 256, 128)
}  # fmt: skip
DECODERS = {"decoder0": (128, 128), "decoder1": (128, 128), "decoder2": (131, 128), "decoder3": (131, 64)} | {
    "decoder4": (67, 32)
}
OUTPUTS = {"out1": 128, "out2": 128, "out3": 64, "out4": 32}
DECODER = {
    "generator": res(128, 128, 128), "attn1.model": res(256, 128, 128),
    **{name: dec(*widths) for name, widths in DECODERS.items()},
    **{name: {"conv1": ("model.2", (3, width, 3, 3))} for name, width in OUTPUTS.items()}
}  # fmt: skip
DISCRIMINATOR = {
    "block0": head(32), "encoder0": res(32, 64, 32), "encoder1": res(64, 128, 64), "attn2.model": res(256, 128, 128),
    "encoder2": res(128, 128, 128), "encoder3": res(128, 128, 128), "block1": res(128, 128, 128)
}  # fmt: skip


def normed(shape: tuple[int, ...], transposed: bool) -> dict[str, Tensor]:
    """Return the tensors of a layer with spectral norm. Rows of the matrix are the first axis, transposed or not."""
    bias = shape[1] if transposed else shape[0]
    kernel = torch.randn(shape) * (1.5 / torch.Size(shape[1:]).numel()) ** 0.5
    u, v = torch.randn(shape[0]), torch.randn(torch.Size(shape[1:]).numel())
    vectors = {"weight_u": u / u.norm(), "weight_v": v / v.norm()}
    return {"bias": torch.randn(bias) * 0.1, **vectors, "weight_bar": kernel}


def file_of(blocks: dict[str, Block]) -> dict[str, Tensor]:
    """Return tensors with the names and shapes of an official file, each under all its names."""
    state = {}
    for block, layers in blocks.items():
        for layer, (alias, shape) in layers.items():
            transposed = block.startswith("decoder") and layer != "conv1"
            for kind, tensor in normed(shape, transposed).items():
                state[f"{block}.{layer}.module.{kind}"] = state[f"{block}.{alias}.module.{kind}"] = tensor
    return state


def encoder_file() -> dict[str, Tensor]:
    return file_of(ENCODER)


def attention(name: str) -> dict[str, Tensor]:
    state = {f"{name}.gamma": torch.rand(1) + 0.5, f"{name}.alpha": torch.rand(1) + 0.5}
    kernel = torch.randn(32, 128, 1, 1) * 0.05
    return state | {f"{name}.query_conv.weight": kernel, f"{name}.query_conv.bias": torch.randn(32) * 0.1}


def decoder_file() -> dict[str, Tensor]:
    state = file_of(DECODER) | attention("attn1")
    for name, widths in DECODERS.items():
        for place, width in zip(("model.0", "model.3"), widths, strict=True):
            state |= {f"{name}.{place}.weight": torch.rand(width) + 0.5, f"{name}.{place}.bias": torch.randn(width)}
    return state


def discriminator_file() -> dict[str, Tensor]:
    state = {f"conv.module.{kind}": tensor for kind, tensor in normed((1, 128, 3, 3), transposed=False).items()}
    return file_of(DISCRIMINATOR) | attention("attn2") | state


def save(tmp_path: Path, **states: dict[str, Tensor]) -> list[Path]:
    paths = []
    for name, state in states.items():
        paths.append(tmp_path / f"latest_net_{name}.pth")
        torch.save(state, paths[-1])
    return paths


def test_the_official_files_have_the_published_numbers_of_tensors():
    files = (encoder_file(), decoder_file(), discriminator_file())
    assert [len(state) for state in files] == [312, 224, 176]
    unique = [{tensor.data_ptr(): tensor for tensor in state.values()} for state in files]
    assert [len(tensors) for tensors in unique] == [156, 124, 92]
    vectors = ("weight_u", "weight_v")
    trained = [sum({t.data_ptr(): t.numel() for n, t in s.items() if not n.endswith(vectors)}.values()) for s in files]
    assert trained == [3_604_224, 2_374_016, 1_575_075]


def test_every_tensor_of_both_files_is_used_or_another_name_of_one_that_is():
    encoder, decoder = encoder_file(), decoder_file()
    files = {"encoder": encoder, "decoder": decoder}
    state = {f"{part}.{name}": value for part, file in files.items() for name, value in file.items()}
    (match,) = compare(bench_picnet.PICNET, LAYOUT, state)
    assert match.num_mismatches == 0
    assert match.used | match.dropped.keys() == state.keys()
    used = {state[name].data_ptr() for name in match.used}
    assert len(used) == len(match.used) == 280  # no tensor twice
    assert all(state[name].data_ptr() in used for name in match.dropped)


@torch.no_grad()
@pytest.mark.parametrize("parallel", [False, True])
def test_imported_weights_predict_what_the_official_layout_predicts(
    parallel: bool, equations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    encoder, decoder = encoder_file(), decoder_file()
    files = {"E": encoder, "G": decoder}
    if parallel:  # a network that was saved as it was trained, on several GPUs
        files = {name: {f"module.{key}": value for key, value in state.items()} for name, state in files.items()}
    paths = save(tmp_path, **files)
    converted = import_weights("picnet", paths, tmp_path / "out.safetensors", None, None, False)
    assert converted.facts["origin"]["file"] == "latest_net_E.pth, latest_net_G.pth"
    assert set(converted.facts["origin"]["sha256"]) == {path.name for path in paths}
    method = converted.match.method.eval()
    image, hole = torch.rand(1, 3, 64, 64), torch.zeros(1, 1, 64, 64)
    hole[..., 20:50, 10:40] = 1
    published, signed = equations(encoder | decoder), (2 * image - 1) * (1 - hole)
    maps = published.features(signed)
    mean, deviation = published.prior(maps[-1])
    monkeypatch.setattr(model, "draw", lambda distribution: distribution.mean + distribution.deviation)
    wanted = (published.images(mean + deviation, maps[-1], maps[2], 1 - hole)[-1] + 1) / 2
    torch.testing.assert_close(method.predict(image * (1 - hole), hole), wanted, rtol=0, atol=1e-4)
    assert wanted.std() > 0.1


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("E", r"You gave 1 files.*official: latest_net_E\.pth, then latest_net_G\.pth"),
        ("GE", r"280 missing: encoder\.block0"),
        ("EGD", r"You gave 3 files"),
        ("ED", r"missing: decoder"),
    ],
)
def test_other_files_are_refused(names: str, message: str, tmp_path: Path):
    made = {"E": encoder_file, "G": decoder_file, "D": discriminator_file}
    paths = save(tmp_path, **{name: made[name]() for name in names})
    with pytest.raises(BadInput, match=message):
        import_weights("picnet", paths, tmp_path / "out.safetensors", None, None, False)
    assert not (tmp_path / "out.safetensors").exists()


def test_a_file_of_other_widths_is_refused(tmp_path: Path):
    encoder = encoder_file()
    encoder["prior.conv2.module.weight_bar"] = torch.zeros(512, 128, 3, 3)
    paths = save(tmp_path, E=encoder, G=decoder_file())
    with pytest.raises(BadInput, match=r"\(512, 128, 3, 3\) instead of \(256, 128, 3, 3\)"):
        import_weights("picnet", paths, tmp_path / "out.safetensors", None, None, False)


def test_our_discriminators_have_the_official_shapes():
    with torch.device("meta"):
        ours = build("paper", 3).discriminator.state_dict()
    theirs = {tensor.data_ptr(): tuple(tensor.shape) for tensor in discriminator_file().values()}
    assert sorted(theirs.values()) == sorted(tuple(value.shape) for value in ours.values())
