"""Finding pretrained networks: in ``BENCH_WEIGHTS``, in torch's hub cache, or at their official address."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from pathlib import Path

import torch
from torch import Tensor

from bench_core import files
from bench_core.errors import BadInput

PATIENCE = 20
"""Seconds without an answer after which a download is given up."""


@dataclass(frozen=True)
class Weights:
    """A published file of weights."""

    url: str
    sha256: str
    """The digest, or its beginning where only that is published (in the file's name)."""
    also: tuple[tuple[str, str], ...] = ()
    """Other files (name, sha256) that hold the same tensors."""

    @property
    def filename(self) -> str:
        return self.url.rpartition("/")[2]

    @property
    def accepted(self) -> tuple[tuple[str, str], ...]:
        return ((self.filename, self.sha256), *self.also)


TORCHVISION = "https://download.pytorch.org/models"
ALEXNET_FEATURES = "b75935c777b8287bff45f1e549b3c988fa13e5d17892c1c4c993bcd19b32d07d"
SQUEEZENET_FEATURES = "f32ddb7c35e6a81ca21d05d651ed09b611f8243cd1aa31faaf5547b6eba14e1a"
OFFICIAL = {
    "vgg16": Weights(f"{TORCHVISION}/vgg16-397923af.pth", "397923af"),
    "vgg19": Weights(f"{TORCHVISION}/vgg19-dcbb9e9d.pth", "dcbb9e9d"),
    "alexnet": Weights(
        f"{TORCHVISION}/alexnet-owt-7be5be79.pth", "7be5be79", (("alexnet_features.pth", ALEXNET_FEATURES),)
    ),
    "squeezenet": Weights(
        f"{TORCHVISION}/squeezenet1_1-b8a52dc0.pth", "b8a52dc0", (("squeezenet1_1_features.pth", SQUEEZENET_FEATURES),)
    ),
    "inception": Weights(
        "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
        "6726825d",
    ),
}


class MissingWeights(BadInput):
    """Weights that are neither on this machine nor to be had from their official address."""


@cache
def locate(name: str) -> Path:
    """The path of a network's verified weights, downloaded if need be.

    Raises:
        MissingWeights: says what was tried and where to put the file.
    """
    wanted = OFFICIAL[name]
    tried = []
    for folder in folders():
        for filename, sha256 in wanted.accepted:
            path = folder / filename
            if path.is_file():
                if files.sha256(path).startswith(sha256):
                    return path
                tried.append(
                    f"{shortened(path)} is damaged or not the official file (its sha256 does not begin with {sha256})"
                )
    try:
        return _download(wanted)
    except (OSError, HTTPException, RuntimeError) as error:
        tried.append(f"the download failed ({error})")
    raise MissingWeights(
        f"The weights of {name} are missing: {'; '.join(tried)}. Download {wanted.url} and put it into a folder "
        f"named by the environment variable BENCH_WEIGHTS, or into {shortened(_hub())}."
    )


def at_hand(name: str) -> bool:
    """Whether a file of a network's weights lies on this machine; it is neither verified nor downloaded."""
    return found(name) is not None


def found(name: str) -> Path | None:
    """The first file that may hold a network's weights; it is not verified."""
    paths = (folder / filename for folder in folders() for filename, _ in OFFICIAL[name].accepted)
    return next((path for path in paths if path.is_file()), None)


def load(name: str) -> dict[str, Tensor]:
    """A network's state dict. Raises MissingWeights."""
    return torch.load(locate(name), map_location="cpu", weights_only=True)


def load_features(name: str) -> dict[str, Tensor]:
    """The ``features.*`` part of a torchvision network's state dict, without that prefix. Raises MissingWeights."""
    state = load(name)
    return {key.removeprefix("features."): value for key, value in state.items() if key.startswith("features.")}


def _hub() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def shortened(path: Path) -> str:
    """The path without the user's name, for it is printed."""
    return str(path).replace(str(Path.home()), "~", 1)


def folders() -> list[Path]:
    """Where weights are looked for, in this order."""
    given = os.environ.get("BENCH_WEIGHTS")
    return [*([Path(given).expanduser()] if given else []), _hub()]


def _download(wanted: Weights) -> Path:
    path = _hub() / wanted.filename
    path.parent.mkdir(parents=True, exist_ok=True)
    with _patience():
        # writes a temporary file, compares the digest, renames
        torch.hub.download_url_to_file(wanted.url, str(path), hash_prefix=wanted.sha256, progress=False)
    return path


@contextmanager
def _patience() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
