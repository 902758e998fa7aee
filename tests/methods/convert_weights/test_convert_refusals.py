"""Published weights that do not fit are refused with nothing written, and no code in them is run."""

import os
import zipfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from support.weights_command import bench_weights, refused
from torch import Tensor

from bench_core.weights import weight_file


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
        (Namespace(epochs=3), "contains code, argparse.Namespace,"),
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


def test_show_refuses_other_files(theirs: dict[str, Tensor]):
    save_file(theirs, "theirs.safetensors")
    assert "no file of weights" in bench_weights("show", "theirs.safetensors", code=2)
