"""Finding pretrained networks: in ``BENCH_WEIGHTS``, in torch's hub cache, or at their official address."""

import os
import shutil
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import HTTPRedirectHandler, Request, build_opener

import torch
from torch import Tensor

from bench_core.errors import BadInput
from bench_core.system import files

DOWNLOAD_TIMEOUT = 20
"""Seconds without an answer after which a download is given up."""


@dataclass(frozen=True)
class Weights:
    """A published file of weights."""

    url: str
    sha256: str
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
    "vgg16": Weights(
        f"{TORCHVISION}/vgg16-397923af.pth", "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"
    ),
    "vgg19": Weights(
        f"{TORCHVISION}/vgg19-dcbb9e9d.pth", "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44"
    ),
    "alexnet": Weights(
        f"{TORCHVISION}/alexnet-owt-7be5be79.pth",
        "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        (("alexnet_features.pth", ALEXNET_FEATURES),),
    ),
    "squeezenet": Weights(
        f"{TORCHVISION}/squeezenet1_1-b8a52dc0.pth",
        "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
        (("squeezenet1_1_features.pth", SQUEEZENET_FEATURES),),
    ),
    "inception": Weights(
        "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
        "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
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
                if files.sha256(path) == sha256:
                    return path
                tried.append(f"{shortened(path)} is damaged or not the official file (its sha256 is not {sha256})")
    try:
        return _download(wanted)
    except (OSError, HTTPException) as error:
        tried.append(f"the download failed ({error})")
    raise MissingWeights(
        f"The weights of {name} are missing: {'; '.join(tried)}. Download {wanted.url} and put it into a folder "
        f"named by the environment variable BENCH_WEIGHTS, or into {shortened(_hub())}."
    )


def is_available(name: str) -> bool:
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


class _StaysPrivate(HTTPRedirectHandler):
    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        if not newurl.startswith("https://"):
            raise OSError(f"{req.full_url} leads to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(wanted: Weights) -> Path:
    path = _hub() / wanted.filename
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=".half-loaded-") as folder:
        part = Path(folder) / path.name
        with build_opener(_StaysPrivate).open(wanted.url, timeout=DOWNLOAD_TIMEOUT) as answer, part.open("wb") as file:
            shutil.copyfileobj(answer, file)
        if files.sha256(part) != wanted.sha256:
            raise OSError(f"what came has not the sha256 {wanted.sha256}")
        return part.replace(path)
