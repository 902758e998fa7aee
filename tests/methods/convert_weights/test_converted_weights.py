"""Published weights are taken over whole, and where they came from is recorded."""

import hashlib
import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from safetensors.torch import save_file
from support.paths import ROOT
from support.weights_command import bench_weights, generator_in, refused, same
from torch import Tensor

from bench_core.cli import main
from bench_core.methods.convert_weights import TensorMapping
from bench_core.plugins import Plugins
from bench_core.specs import Model, resolve
from bench_core.weights import weight_file

TENSORFLOW = ROOT / "tests" / "weights" / "tensorflow_files"
BATCH_NORM = ("running_mean", "running_var", "weight", "bias")


def test_every_tensor_comes_over_and_where_it_came_from_is_recorded(ours: dict[str, Tensor], theirs: dict[str, Tensor]):
    torch.save({"epoch": 3, "state_dict": theirs, "optimiser": {"critic": torch.ones(3)}}, "a.pth")
    digest = hashlib.sha256(Path("a.pth").read_bytes()).hexdigest()
    told = bench_weights("import", "toy", "a.pth")
    assert same(generator_in("toy-plain.safetensors"), ours)
    assert json.loads(bench_weights("show", "toy-plain.safetensors")) == {
        "method": "toy",
        "scale": "paper",
        "channels": 3,
        "options": {"negative": False, "bias": True},
        "origin": {
            "layout": "plain",
            "title": "weights of A.",
            "source": "a.org",
            "file": "a.pth",
            "sha256": {"a.pth": digest},
            "key": "state_dict",
            "dropped": {"critic.weight": "another network", "optimiser": "elsewhere in the file (tensors: 1)"},
        },
    }
    for said in (
        *("layout plain", "a.org", digest, "The state dict state_dict was taken.", "7 of its tensors"),
        *("1 ignored: another network", "1 left out: optimiser"),
    ):
        assert said in told
    assert "bench run --plugins toy --weights toy=toy-plain.safetensors --scale paper" in told


def test_several_tensors_may_make_one_and_a_layout_brings_its_options(ours: dict[str, Tensor], theirs):
    del ours["conv.bias"], theirs["a.bias"], theirs["critic.weight"]
    theirs["left"], theirs["right"] = theirs.pop("a.weight").double().split([1, 3], dim=1)
    save_file({name: tensor.contiguous() for name, tensor in theirs.items()}, "c.safetensors")
    bench_weights("import", "toy", "c.safetensors", "-o", "new/mine.safetensors")
    assert same(generator_in("new/mine.safetensors"), ours)
    assert generator_in("new/mine.safetensors")["conv.weight"].dtype == torch.float32
    assert weight_file.read_metadata(Path("new/mine.safetensors"))["options"] == {"negative": False, "bias": False}
    theirs["right"] = theirs["right"][:2]
    torch.save(theirs, "c.pth")
    refused(
        "toy", "c.pth", "--layout", "halves", saying="1 of another shape: left, right make no conv.weight (Sizes of"
    )


@pytest.mark.parametrize("path", ["model.ckpt-7", "model.ckpt-7.index"])
def test_a_tensorflow_checkpoint_comes_over_with_the_digest_of_every_file(path: str):
    bench_weights("import", "counter", str(TENSORFLOW / path))
    found = generator_in("counter-tf.safetensors")
    for i in (1, 2, 3):
        kernel = (np.arange(12 * i) + i).reshape(3, 2, i, 2).transpose(3, 2, 0, 1)
        assert np.array_equal(found[f"conv{i}.weight"], kernel)
        assert found[f"conv{i}.bias"].tolist() == [-i, 1 - i]
    origin = weight_file.read_metadata(Path("counter-tf.safetensors"))["origin"]
    files = sorted(TENSORFLOW.glob("model.ckpt-7.*"))
    assert origin["sha256"] == {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    assert len(files) == 4 and len(origin["dropped"]) == 13


def test_what_is_imported_paints_under_the_options_of_its_layout(theirs: dict[str, Tensor]):
    torch.save(theirs, "a.pth")
    bench_weights("import", "toy:twin", "a.pth", "--layout", "inverse")
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    hole = np.zeros((8, 8), np.uint8)
    hole[2:5, 2:5] = 255
    Image.fromarray(pixels).save("photo.png")
    Image.fromarray(hole).save("hole.png")
    files = ["photo.png", "hole.png", "-o", "filled.png", "--device", "cpu"]
    result = CliRunner().invoke(
        main, ["inpaint", "--plugin", "toy:twin", "--weights", "toy-twin-inverse.safetensors", *files]
    )
    assert result.exit_code == 0, result.output
    image = torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None] / 255
    missing = torch.from_numpy(hole)[None, None] / 255
    seen = torch.cat([image * (1 - missing), missing], dim=1)
    features = torch.nn.functional.conv2d(seen, theirs["a.weight"], theirs["a.bias"], padding=1)
    mean, variance, scale, shift = (theirs[f"b.{name}"][:, None, None] for name in BATCH_NORM)
    canvas = -((features - mean) / (variance + 1e-5).sqrt() * scale + shift)
    expected = missing * canvas.clamp(0, 1) + (1 - missing) * image
    filled = np.asarray(Image.open("filled.png")).astype(float)
    assert np.abs(filled - expected[0].permute(1, 2, 0).numpy() * 255).max() <= 0.51


def test_a_count_of_batches_may_be_absent(ours: dict[str, Tensor], theirs: dict[str, Tensor]):
    del theirs["b.num_batches_tracked"]
    torch.save(theirs, "a.pth")
    bench_weights("import", "toy", "a.pth")
    expected = ours | {"norm.num_batches_tracked": torch.tensor(0)}
    assert same(generator_in("toy-plain.safetensors"), expected)


def test_numbers_and_texts_beside_the_tensors_do_not_matter(theirs: dict[str, Any]):
    torch.save({**theirs, "epoch": 3, "loss": 0.5, "network": "a", "note": None}, "a.pth")
    bench_weights("import", "toy", "a.pth")


class Config:
    """Pickled under the name of a library's class, as a training program stores its configuration."""

    def __init__(self, **values: Any) -> None:
        self.__dict__["content"] = values

    def __setattr__(self, name: str, value: Any) -> None:
        Path("was-run").touch()

    def __setstate__(self, state: Any) -> None:
        Path("was-run").touch()


@pytest.mark.parametrize("zipped", [True, False])
def test_settings_beside_the_weights_are_not_read(
    theirs: dict[str, Tensor], ours: dict[str, Tensor], zipped: bool, monkeypatch: pytest.MonkeyPatch
):
    """As in checkpoints of Lightning, with its options and a configuration of OmegaConf."""
    module = ModuleType("omegaconf.dictconfig")
    config = type("DictConfig", (Config,), {"__module__": "omegaconf.dictconfig"})
    module.DictConfig = config  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "omegaconf", ModuleType("omegaconf"))
    monkeypatch.setitem(sys.modules, "omegaconf.dictconfig", module)
    beside = {"hyper_parameters": config(inner=config(), kind=int), "args": Namespace(epochs=3), "path": Path("a")}
    torch.save({"state_dict": theirs, **beside}, "a.pth", _use_new_zipfile_serialization=zipped)
    bench_weights("import", "toy", "a.pth")
    assert same(generator_in("toy-plain.safetensors"), ours)
    assert not Path("was-run").exists()


def test_the_prefix_of_training_on_several_devices_is_taken_off_where_all_names_have_it(theirs: dict[str, Tensor]):
    torch.save({f"module.{name}": tensor for name, tensor in theirs.items()}, "a.pth")
    bench_weights("import", "toy", "a.pth")
    torch.save({f"module.inner.{name}": tensor for name, tensor in theirs.items() if "critic" not in name}, "b.pth")
    bench_weights("import", "toy", "b.pth")
    assert same(generator_in("toy-plain.safetensors"), generator_in("toy-parallel.safetensors"))
    torch.save({f"module.{name}" if "a." in name else name: tensor for name, tensor in theirs.items()}, "c.pth")
    refused("toy", "c.pth", saying="2 not expected: module.a.weight; module.a.bias")


def test_a_layout_of_several_files_takes_them_all_in_their_order(ours: dict[str, Tensor]):
    conv, norm = ({name: value for name, value in ours.items() if name.startswith(part)} for part in ("conv", "norm"))
    torch.save({"iteration": 5, "state_dict": conv}, "conv.pth")
    torch.save({f"module.{name}": value for name, value in norm.items()}, "norm.pth")
    told = bench_weights("import", "toy:parted", "conv.pth", "norm.pth")
    assert same(generator_in("toy-parted-parted.safetensors"), ours)
    digests = {name: hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in ("conv.pth", "norm.pth")}
    origin = json.loads(bench_weights("show", "toy-parted-parted.safetensors"))["origin"]
    assert origin["file"] == "conv.pth, norm.pth" and origin["sha256"] == digests
    assert "conv.pth, norm.pth: layout parted, weights of A." in told
    assert all(digest in told for digest in digests.values())
    assert "files, in this order: conv.pth, norm.pth" in bench_weights("list")
    refused("toy:parted", "norm.pth", "conv.pth", saying="missing: x.conv.weight (for conv.weight)")
    three = ("conv.pth", "norm.pth", "conv.pth")
    refused("toy:parted", *three, saying="take other numbers of them: parted: conv.pth, then norm.pth; plain: one file")


def test_models_that_share_weights_share_imported_ones(theirs: dict[str, Tensor]):
    torch.save(theirs, "a.pth")
    bench_weights("import", "toy:polished", "a.pth")
    assert weight_file.read_metadata(Path("toy-polished-plain.safetensors"))["method"] == "toy"


def test_the_list_tells_what_can_be_imported_and_imports_nothing_heavy():
    told = bench_weights("list")
    for said in ("toy                plain              weights of A.", "a.org", "toy:twin", "counter", "TensorFlow"):
        assert said in told
    assert "toy:polished" not in told
    code = "import sys; from bench_core.cli import main; main(['weights', 'list'], standalone_mode=False)"
    check = "; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code + check], capture_output=True, check=True)


def installed_layouts() -> list:
    plugins = Plugins.find()
    plugins.load_all()
    models: list[Model] = list(plugins.records("models").values())
    return [pytest.param(m, layout, id=f"{m.name}-{layout.name}") for m in models for layout in m.checkpoints]


@pytest.mark.parametrize(("model", "layout"), installed_layouts())
def test_every_installed_layout_tells_the_origin_of_every_tensor(model: Model, layout):
    with torch.device("meta"):
        method = resolve(model.build)("paper", 3, **{**model.options, **layout.options})
    translate = resolve(layout.translate)
    origins = [translate(key) for key in method.generator.state_dict()]
    assert origins and all(isinstance(origin, TensorMapping) for origin in origins)
    assert any(origin.names for origin in origins)
