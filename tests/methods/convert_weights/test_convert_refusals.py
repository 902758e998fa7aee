"""Published weights that do not fit are refused with nothing written, and no code in them is run."""

import os
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from support.paths import ROOT
from support.weights_command import bench_weights, generator_in, refused, same
from torch import Tensor

from bench_core.errors import BadInput
from bench_core.methods import pretrained
from bench_core.plugins import Plugins
from bench_core.weights import weight_file

TENSORFLOW = ROOT / "tests" / "weights" / "tensorflow_files"


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


def test_a_file_that_fits_two_layouts_wants_a_choice(theirs: dict[str, Tensor]):
    torch.save(theirs, "a.pth")
    refused("toy:twin", "a.pth", saying="fits several layouts of toy:twin: plain, inverse; choose one with --layout")
    refused("toy:twin", "a.pth", "--layout", "invers", saying="Did you mean 'inverse'?")
    bench_weights("import", "toy:twin", "a.pth", "--layout", "plain")
    assert weight_file.read_metadata(Path("toy-twin-plain.safetensors"))["options"] == {"negative": False, "bias": True}


def averages(theirs: dict[str, Tensor]) -> dict[str, tuple[dict, str]]:
    """Files with weights and their average, each with the name of the average."""
    average = {name: tensor + 1 for name, tensor in theirs.items()}
    parallel = {f"module.{name}": tensor for name, tensor in average.items()}
    weights = {"state_dict": theirs}
    return {
        "beside": (weights | {"model_ema": average}, "model_ema"),
        "within": (weights | {"ema": {"decay": 0.999, "shadow": average}}, "ema.shadow"),
        "callback": (
            weights | {"callbacks": {"EMA{'decay': 0.9}": {"ema": average}}},
            "callbacks.EMA{'decay': 0.9}.ema",
        ),
        "parallel": (weights | {"state_dict_ema": parallel}, "state_dict_ema"),
        "flat": (theirs | {"params_ema": average}, "params_ema"),
        "alone": ({"params_ema": average}, "params_ema"),
        "numbered": (weights | {"networks": {0: average}}, "networks.0"),
    }


@pytest.mark.parametrize("case", averages({}))
def test_an_average_beside_the_weights_wants_a_choice(case: str, ours: dict[str, Tensor], theirs: dict[str, Tensor]):
    content, key = averages(theirs)[case]
    torch.save(content, "a.pth")
    both = f"state_dict, {key}" if "state_dict" in content else key
    refused("toy", "a.pth", saying=f"a.pth holds weights that fit toy as {both}. One of such sets may be an average")
    refused("toy", "a.pth", "--key", key[:-1], saying=f"Did you mean {key!r}?" if "'" not in key else "Did you mean")
    told = bench_weights("import", "toy", "a.pth", "--key", key)
    assert same(generator_in("toy-plain.safetensors"), {name: tensor + 1 for name, tensor in ours.items()})
    assert f"The state dict {key} was taken." in told
    origin = weight_file.read_metadata(Path("toy-plain.safetensors"))["origin"]
    assert origin["key"] == key
    if "state_dict" in content:
        assert (
            "8 left out: state_dict" in told and origin["dropped"]["state_dict"] == "elsewhere in the file (tensors: 8)"
        )
        told = bench_weights("import", "toy", "a.pth", "--key", "state_dict", "--force")
        assert same(generator_in("toy-plain.safetensors"), ours)
        assert f"8 left out: {key.split('.')[0]}" in told


@pytest.mark.parametrize(
    ("part", "tensors"),
    [
        ({"state": {0: {"step": torch.ones(1), "exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 1.0}]}, 2),
        ({"decay": 0.9, "shadow_params": [torch.ones(3), torch.ones(2)], "collected_params": None}, 2),
        ({"a.weight": torch.ones(1)}, 1),
        ({"network": {"inner": {"conv": torch.ones(1)}}}, 1),
        ((torch.ones(1), {"b": (torch.ones(1),)}), 2),
        (torch.ones(1), 1),
    ],
)
def test_tensors_beside_the_weights_are_named(theirs: dict[str, Tensor], part: Any, tensors: int):
    torch.save({"state_dict": theirs, "part": part, "epoch": 3, "settings": {"lr": 1}}, "a.pth")
    assert f"{tensors} left out: part\n" in bench_weights("import", "toy", "a.pth")
    dropped = weight_file.read_metadata(Path("toy-plain.safetensors"))["origin"]["dropped"]
    assert dropped == {"critic.weight": "another network", "part": f"elsewhere in the file (tensors: {tensors})"}


def test_tensors_beside_nested_weights_are_named_by_their_keys(theirs: dict[str, Tensor]):
    torch.save({"a": {"b": theirs, "c": {"d": torch.ones(1)}}, "b": torch.ones(2)}, "a.pth")
    told = bench_weights("import", "toy", "a.pth", "--key", "a.b")
    assert "1 left out: a.c\n" in told and "1 left out: b\n" in told


@pytest.mark.parametrize(
    "name",
    ["a.pth", "a.ckpt", "theirs.safetensors", "tf/model.ckpt-7", "tf/model.ckpt-7.index"],
)
def test_a_published_checkpoint_given_as_weights_points_to_its_import(theirs: dict[str, Tensor], name: str):
    torch.save({"state_dict": theirs}, "a.pth")
    torch.save(theirs, "a.ckpt", _use_new_zipfile_serialization=False)
    save_file(theirs, "theirs.safetensors")
    shutil.copytree(TENSORFLOW, "tf")
    with pytest.raises(BadInput, match=rf"published checkpoint.*\n  bench weights import toy {re.escape(name)}$"):
        pretrained.read_facts(Plugins.find().model("toy"), Path(name))


def test_an_existing_file_is_left_alone_unless_forced(theirs: dict[str, Tensor]):
    torch.save(theirs, "a.pth")
    Path("mine.safetensors").write_text("precious")
    refused("toy", "a.pth", "-o", "mine.safetensors", saying="mine.safetensors exists; give another file with -o")
    bench_weights("import", "toy", "a.pth", "-o", "mine.safetensors", "--force")
    assert weight_file.read_metadata(Path("mine.safetensors"))["method"] == "toy"


def test_methods_that_cannot_be_imported_are_told(theirs: dict[str, Tensor]):
    torch.save(theirs, "a.pth")
    refused("toi", "a.pth", saying="Did you mean 'toy'?")
    refused("telea", "a.pth", saying="telea has no layout of published weights")


class Exploit:
    """Pickled, it makes a folder when it is loaded."""

    def __reduce__(self) -> tuple:
        return os.mkdir, ("was-run",)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    ("value", "named"),
    [
        (Exploit(), "contains code, posix.mkdir,"),
        (torch.nn.Linear(2, 2), "contains code, torch.nn.modules.linear.Linear,"),
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
    new, numbers = Path("new.pth").read_bytes(), theirs["a.weight"].numpy().tobytes()
    assert numbers in new
    written = {
        "empty.pth": b"",
        "page.pth": b"\n<!DOCTYPE html><html>Too many downloads</html>",
        "pointer.pth": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        "notes.pth": b"These are my notes.",
        "image.pth": b"\x89PNG\r\n\x1a\n and so on",
        "new-short.pth": new[:-200],
        "new-altered.pth": new.replace(numbers, bytes([numbers[0] ^ 1]) + numbers[1:]),
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
        "notes.pth": "no file of weights that can be read. Supported: PyTorch's .pth",
        "image.pth": "no file of weights that can be read",
        "new-short.pth": "damaged or truncated",
        "new-altered.pth": "is damaged: the checksum of",
        "old-short.pth": "damaged, truncated",
        "short.safetensors": "damaged or truncated",
        "archive.zip": "an archive of other files (models/best.ckpt). Unpack it",
        "script.pt": "a TorchScript program",
        "tensor.pth": "holds one Tensor",
        ".": "should hold one TensorFlow checkpoint, but holds none",
    }.items():
        refused("toy", name, saying=said)
        with pytest.raises(BadInput, match=re.escape(said)):
            pretrained.read_facts(Plugins.find().model("toy"), Path(name))


def test_show_refuses_other_files(theirs: dict[str, Tensor]):
    save_file(theirs, "theirs.safetensors")
    assert "no file of weights" in bench_weights("show", "theirs.safetensors", code=2)
