"""Published weights are taken over whole or not at all, and no code in them is run."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from argparse import Namespace
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

import bench_core.plugins
from bench_core import checkpoints
from bench_core.cli import main
from bench_core.importing import Origin
from bench_core.plugins import Plugins
from bench_core.specs import Model, resolve

TENSORFLOW = Path(__file__).parent / "data" / "tensorflow"
BATCH_NORM = ("running_mean", "running_var", "weight", "bias")
PLUGIN = """
from collections import OrderedDict
from dataclasses import replace

import torch
from torch import nn

from bench_core import Checkpoint, Model, Optimiser, Phase, Recipe, Update, hookimpl
from bench_core.importing import Origin
from bench_core.method import Method

RECIPE = Recipe((Phase("all", ((Update("generator", Optimiser("Adam", {}), {"hole_l1": 1.0}),),)),), "default")
FOREIGN = {"conv": "a", "norm": "b"}


class Generator(nn.Module):
    def __init__(self, negative, bias):
        super().__init__()
        self.conv, self.norm, self.negative = nn.Conv2d(4, 3, 3, padding=1, bias=bias), nn.BatchNorm2d(3), negative

    def forward(self, masked, hole):
        canvas = self.norm(self.conv(torch.cat([masked, hole], dim=1)))
        return -canvas if self.negative else canvas


def build(scale, channels, negative, bias):
    method = Method()
    method.generator, method.discriminator = Generator(negative, bias), nn.Linear(2, 2)
    return method


def rename(key):
    layer, _, kind = key.partition(".")
    return Origin((f"{FOREIGN[layer]}.{kind}",))


def rename_parallel(key):
    return Origin(("module.inner." + rename(key).names[0],))


def halves(key):
    if key == "conv.weight":
        return Origin(("left", "right"), lambda left, right: torch.cat([left, right], dim=1))
    return rename(key)


def build_counter(scale, channels):
    method = Method()
    method.generator = nn.ModuleDict({f"conv{i}": nn.Conv2d(i, 2, (3, 2)) for i in (1, 2, 3)})
    return method


def kernels(key):
    name = "inpaint_net/" + key.replace(".", "/").replace("weight", "kernel")
    return Origin((name,), lambda tensor: tensor.permute(3, 2, 0, 1) if tensor.ndim == 4 else tensor)


DROPPED = {"critic.*": "another network", "a.weight_u": "state of a norm"}
PLAIN = Checkpoint("plain", "weights of A.", "a.org", "bench_toy:rename", "state_dict", DROPPED)
PARALLEL = Checkpoint("parallel", "weights of B.", "b.org", "bench_toy:rename_parallel", "", DROPPED)
HALVES = Checkpoint("halves", "weights of C.", "c.org", "bench_toy:halves", "", {}, {"bias": False})
COUNTED = Checkpoint(
    "tf", "counts", "TensorFlow", "bench_toy:kernels",
    dropped={"types/*": "a type", "global_step": "a count", "empty": "nothing"},
)


@hookimpl
def bench_models():
    toy = Model("toy", "T", "C", "bench_toy:build", RECIPE, checkpoints=(PLAIN, PARALLEL, HALVES),
                options={"negative": False, "bias": True})
    twins = (PLAIN, replace(PLAIN, name="inverse", options={"negative": True}))
    return [
        toy,
        replace(toy, name="toy:twin", checkpoints=twins),
        replace(toy, name="toy:polished", trained_as="toy"),
        Model("counter", "T", "C", "bench_toy:build_counter", RECIPE, checkpoints=(COUNTED,)),
    ]
"""


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    """An installed plugin of small networks, and an empty folder to work in."""
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "bench_toy.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "bench_toy", raising=False)
    real, entry = bench_core.plugins.entry_points, EntryPoint("toy", "bench_toy", "bench")
    monkeypatch.setattr(bench_core.plugins, "entry_points", lambda group: [*real(group=group), entry])
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def ours() -> dict[str, Tensor]:
    """Tensors that the toy's generator may have."""
    random = torch.Generator().manual_seed(0)
    shapes = {"conv.weight": (3, 4, 3, 3), "conv.bias": (3,)}
    shapes |= {f"norm.{name}": (3,) for name in BATCH_NORM}
    tensors = {key: torch.rand(shape, generator=random) for key, shape in shapes.items()}
    return tensors | {"norm.num_batches_tracked": torch.tensor(7)}


@pytest.fixture
def theirs(ours: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same by foreign names, and one tensor that has no use here."""
    renamed = {key.replace("conv.", "a.").replace("norm.", "b."): tensor for key, tensor in ours.items()}
    return renamed | {"critic.weight": torch.ones(2)}


def bench_weights(*arguments: str, code: int = 0) -> str:
    result: Result = CliRunner().invoke(main, ["weights", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def refused(*arguments: str, saying: str) -> None:
    """A clear message, exit code 2, and nothing written, not even half of it."""
    before = {path.name: path.read_bytes() for path in Path.cwd().iterdir() if path.is_file()}
    text = bench_weights("import", *arguments, code=2)
    assert text.startswith("Error: ") and "Traceback" not in text
    assert saying in text
    assert {path.name: path.read_bytes() for path in Path.cwd().iterdir() if path.is_file()} == before


def generator_in(path: str) -> dict[str, Tensor]:
    return {key.removeprefix("generator."): tensor for key, tensor in load_file(path).items()}


def same(tensors: dict[str, Tensor], others: dict[str, Tensor]) -> bool:
    return tensors.keys() == others.keys() and all(tensor.equal(others[name]) for name, tensor in tensors.items())


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
            "dropped": {"critic.weight": "another network"},
        },
    }
    for said in ("layout plain", "a.org", digest, "7 of its tensors", "1 dropped: another network"):
        assert said in told
    assert "bench run --plugins toy --weights toy=toy-plain.safetensors --scale paper" in told


def test_several_tensors_may_make_one_and_a_layout_brings_its_options(ours: dict[str, Tensor], theirs):
    del ours["conv.bias"], theirs["a.bias"], theirs["critic.weight"]
    theirs["left"], theirs["right"] = theirs.pop("a.weight").double().split([1, 3], dim=1)
    save_file({name: tensor.contiguous() for name, tensor in theirs.items()}, "c.safetensors")
    bench_weights("import", "toy", "c.safetensors", "-o", "new/mine.safetensors")
    assert same(generator_in("new/mine.safetensors"), ours)
    assert generator_in("new/mine.safetensors")["conv.weight"].dtype == torch.float32
    assert checkpoints.weights_facts(Path("new/mine.safetensors"))["options"] == {"negative": False, "bias": False}
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
    origin = checkpoints.weights_facts(Path("counter-tf.safetensors"))["origin"]
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


def change(name: str | int, to: Tensor | dict | None) -> Callable[[dict], None]:
    def apply(tensors: dict) -> None:
        if to is None:
            del tensors[name]
        else:
            tensors[name] = to

    return apply


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (change("a.weight", None), "tensors are\n  1 missing: a.weight (for conv.weight)\n"),
        (change("c.weight", torch.ones(2)), "tensors are\n  1 not expected: c.weight\n"),
        (change("optimiser", {"lr": 1}), "tensors are\n  1 not expected: optimiser (a dict)\n"),
        (change("a.bias", torch.ones(4)), "are\n  1 of another shape: a.bias for conv.bias: (4,) instead of (3,)\n"),
        (change("a.bias", torch.ones(1, 3)), "a.bias for conv.bias: (1, 3) instead of (3,)"),
        (change("b.weight", torch.tensor([1, float("nan"), 1])), "not finite numbers, in norm.weight."),
        (change("b.bias", torch.tensor([1, 1e300, 1], dtype=torch.float64)), "not finite numbers, in norm.bias."),
        (change(0, torch.ones(2)), "1 not expected: 0\n"),
        (change("b.bias", {"value": 1}), "1 missing: b.bias (for norm.bias)\n  1 not expected: b.bias (a dict)"),
        (lambda tensors: tensors.clear(), "6 missing: a.weight (for conv.weight); a.bias"),
    ],
)  # fmt: skip
def test_every_kind_of_mismatch_is_named(theirs: dict[str, Tensor], spoil: Callable[[dict], None], said: str):
    spoil(theirs)
    torch.save({"state_dict": theirs}, "a.pth")
    refused("toy", "a.pth", saying=said)


def test_the_first_mismatches_of_the_nearest_layout_are_named(theirs: dict[str, Tensor]):
    torch.save({f"critic.{name}": tensor for name, tensor in theirs.items() if name != "b.bias"}, "a.pth")
    refused("toy", "a.pth", saying="a.pth does not fit toy. By the layout plain (weights of A.; the nearest of 3)")
    refused("toy", "a.pth", saying="a.bias (for conv.bias); b.weight (for norm.weight); b.bias (for norm.bias); ...")
    refused(
        "toy", "a.pth", "--layout", "halves", saying="By the layout halves (weights of C.), tensors are\n  6 missing"
    )


def test_a_count_of_batches_may_be_absent(ours: dict[str, Tensor], theirs: dict[str, Tensor]):
    del theirs["b.num_batches_tracked"]
    torch.save(theirs, "a.pth")
    bench_weights("import", "toy", "a.pth")
    expected = ours | {"norm.num_batches_tracked": torch.tensor(0)}
    assert same(generator_in("toy-plain.safetensors"), expected)


def test_numbers_and_texts_beside_the_tensors_do_not_matter(theirs: dict[str, Any]):
    torch.save({**theirs, "epoch": 3, "loss": 0.5, "network": "a", "note": None}, "a.pth")
    bench_weights("import", "toy", "a.pth")


def test_the_prefix_of_training_on_several_devices_is_taken_off_where_all_names_have_it(theirs: dict[str, Tensor]):
    torch.save({f"module.{name}": tensor for name, tensor in theirs.items()}, "a.pth")
    bench_weights("import", "toy", "a.pth")
    torch.save({f"module.inner.{name}": tensor for name, tensor in theirs.items() if "critic" not in name}, "b.pth")
    bench_weights("import", "toy", "b.pth")
    assert same(generator_in("toy-plain.safetensors"), generator_in("toy-parallel.safetensors"))
    torch.save({f"module.{name}" if "a." in name else name: tensor for name, tensor in theirs.items()}, "c.pth")
    refused("toy", "c.pth", saying="2 not expected: module.a.weight; module.a.bias")


def test_a_file_that_fits_two_layouts_wants_a_choice(theirs: dict[str, Tensor]):
    torch.save(theirs, "a.pth")
    refused("toy:twin", "a.pth", saying="fits several layouts of toy:twin: plain, inverse; choose one with --layout")
    refused("toy:twin", "a.pth", "--layout", "invers", saying="Did you mean 'inverse'?")
    bench_weights("import", "toy:twin", "a.pth", "--layout", "plain")
    assert checkpoints.weights_facts(Path("toy-twin-plain.safetensors"))["options"] == {"negative": False, "bias": True}


def test_models_that_share_weights_share_imported_ones(theirs: dict[str, Tensor]):
    torch.save(theirs, "a.pth")
    bench_weights("import", "toy:polished", "a.pth")
    assert checkpoints.weights_facts(Path("toy-polished-plain.safetensors"))["method"] == "toy"


def test_an_existing_file_is_left_alone_unless_forced(theirs: dict[str, Tensor]):
    torch.save(theirs, "a.pth")
    Path("mine.safetensors").write_text("precious")
    refused("toy", "a.pth", "-o", "mine.safetensors", saying="mine.safetensors exists; give another file with -o")
    bench_weights("import", "toy", "a.pth", "-o", "mine.safetensors", "--force")
    assert checkpoints.weights_facts(Path("mine.safetensors"))["method"] == "toy"


def test_methods_that_cannot_be_imported_are_told(theirs: dict[str, Tensor]):
    torch.save(theirs, "a.pth")
    refused("toi", "a.pth", saying="Did you mean 'toy'?")
    refused("telea", "a.pth", saying="telea knows no layout of published weights")


class Exploit:
    """Pickled, it makes a folder when it is loaded."""

    def __reduce__(self) -> tuple:
        return os.mkdir, ("was-run",)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    ("value", "named"),
    [
        (Exploit(), "names code, posix.mkdir,"),
        (Namespace(epochs=3), "names code, argparse.Namespace,"),
        (torch.nn.Linear(2, 2), "names code, torch.nn.modules.linear.Linear,"),
    ],
)
def test_code_in_a_file_is_named_and_not_run(theirs: dict[str, Tensor], zipped: bool, value: Any, named: str):
    torch.save({"state_dict": theirs, "more": value}, "a.pth", _use_new_zipfile_serialization=zipped)
    refused("toy", "a.pth", saying=named)
    assert not Path("was-run").exists()


def test_what_is_no_file_of_weights_is_told(theirs: dict[str, Tensor]):
    torch.save(theirs, "new.pth")
    torch.save(theirs, "old.pth", _use_new_zipfile_serialization=False)
    save_file(theirs, "theirs.safetensors")
    with zipfile.ZipFile("archive.zip", "w") as archive:
        archive.writestr("models/best.ckpt", "")
    with zipfile.ZipFile("script.pt", "w") as archive:
        archive.writestr("model/constants.pkl", "")
        archive.writestr("model/data.pkl", "")
    torch.save(torch.ones(2), "tensor.pth")
    written = {
        "empty.pth": b"",
        "page.pth": b"\n<!DOCTYPE html><html>Too many downloads</html>",
        "pointer.pth": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        "notes.pth": b"These are my notes.",
        "image.pth": b"\x89PNG\r\n\x1a\n and so on",
        "new-short.pth": Path("new.pth").read_bytes()[:-200],
        "old-short.pth": Path("old.pth").read_bytes()[:-20],
        "short.safetensors": Path("theirs.safetensors").read_bytes()[:-20],
    }
    for name, content in written.items():
        Path(name).write_bytes(content)
    for name, said in {
        "nowhere.pth": "nowhere.pth cannot be read (No such file or directory)",
        "empty.pth": "empty.pth is empty",
        "page.pth": "page.pth is a web page",
        "pointer.pth": "`git lfs pull`",
        "notes.pth": "no file of weights that can be read; those are PyTorch's .pth",
        "image.pth": "no file of weights that can be read",
        "new-short.pth": "damaged or cut short",
        "old-short.pth": "damaged, cut short",
        "short.safetensors": "damaged or cut short",
        "archive.zip": "an archive of other files (models/best.ckpt); unpack it",
        "script.pt": "a TorchScript program",
        "tensor.pth": "holds one Tensor",
        ".": "should hold one TensorFlow checkpoint, but holds none",
    }.items():
        refused("toy", name, saying=said)


def test_the_list_tells_what_can_be_imported_and_imports_nothing_heavy():
    told = bench_weights("list")
    for said in ("toy                plain              weights of A.", "a.org", "toy:twin", "counter", "TensorFlow"):
        assert said in told
    assert "toy:polished" not in told
    code = "import sys; from bench_core.cli import main; main(['weights', 'list'], standalone_mode=False)"
    check = "; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code + check], capture_output=True, check=True)


def test_show_refuses_other_files(theirs: dict[str, Tensor]):
    save_file(theirs, "theirs.safetensors")
    assert "no file of weights" in bench_weights("show", "theirs.safetensors", code=2)


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
    assert origins and all(isinstance(origin, Origin) for origin in origins)
    assert any(origin.names for origin in origins)
