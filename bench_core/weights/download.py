"""Pretrained networks, found in ``BENCH_WEIGHTS`` or torch's hub cache, or downloaded from their official address."""

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
"""Seconds without an answer until a download fails."""


@dataclass(frozen=True)
class OfficialWeights:
    """Published file of weights."""

    url: str
    sha256: str
    alternatives: tuple[tuple[str, str], ...] = ()
    """Names and SHA-256 of other files with the same tensors."""

    @property
    def filename(self) -> str:
        return self.url.rpartition("/")[2]

    @property
    def accepted(self) -> tuple[tuple[str, str], ...]:
        """Names and SHA-256 of all files that may be used."""
        return ((self.filename, self.sha256), *self.alternatives)


TORCHVISION = "https://download.pytorch.org/models"
ALEXNET_FEATURES = "b75935c777b8287bff45f1e549b3c988fa13e5d17892c1c4c993bcd19b32d07d"
SQUEEZENET_FEATURES = "f32ddb7c35e6a81ca21d05d651ed09b611f8243cd1aa31faaf5547b6eba14e1a"
OFFICIAL = {
    "vgg16": OfficialWeights(
        f"{TORCHVISION}/vgg16-397923af.pth", "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"
    ),
    "vgg19": OfficialWeights(
        f"{TORCHVISION}/vgg19-dcbb9e9d.pth", "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44"
    ),
    "alexnet": OfficialWeights(
        f"{TORCHVISION}/alexnet-owt-7be5be79.pth",
        "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        (("alexnet_features.pth", ALEXNET_FEATURES),),
    ),
    "squeezenet": OfficialWeights(
        f"{TORCHVISION}/squeezenet1_1-b8a52dc0.pth",
        "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
        (("squeezenet1_1_features.pth", SQUEEZENET_FEATURES),),
    ),
    "inception": OfficialWeights(
        "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
        "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    ),
}


class MissingWeights(BadInput):
    """Weights that are not on this machine and cannot be downloaded."""


@cache
def locate(name: str) -> Path:
    """Return the path of a network's weights, verified by SHA-256. Download them if needed.

    Raises:
        MissingWeights: the weights were not found. The message lists what was tried and where to put the file.
    """
    official = OFFICIAL[name]
    tried = []
    for folder in search_folders():
        for filename, sha256 in official.accepted:
            path = folder / filename
            if path.is_file():
                if files.sha256(path) == sha256:
                    return path
                tried.append(f"{without_home(path)} is damaged or not the official file (its sha256 is not {sha256})")
    try:
        return _download(official)
    except (OSError, HTTPException) as error:
        tried.append(f"the download failed ({error})")
    raise MissingWeights(
        f"The weights of {name} are missing: {'; '.join(tried)}. Download {official.url} into "
        f"{without_home(_hub())}, or into a folder of your choice and set the environment variable BENCH_WEIGHTS to it."
    )


def is_available(name: str) -> bool:
    """Return True if a network's weights are on this machine. They are neither verified nor downloaded."""
    return find_unverified(name) is not None


def find_unverified(name: str) -> Path | None:
    """Return the first file with the name of a network's weights; None if there is none."""
    paths = (folder / filename for folder in search_folders() for filename, _ in OFFICIAL[name].accepted)
    return next((path for path in paths if path.is_file()), None)


def load(name: str) -> dict[str, Tensor]:
    """Load a network's state dict. Raises MissingWeights."""
    return torch.load(locate(name), map_location="cpu", weights_only=True)


def load_features(name: str) -> dict[str, Tensor]:
    """Load the ``features.*`` entries of a torchvision network, without that prefix. Raises MissingWeights."""
    state = load(name)
    return {key.removeprefix("features."): value for key, value in state.items() if key.startswith("features.")}


def _hub() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def without_home(path: Path) -> str:
    """Shorten the home folder to ``~``, since messages are shared and should not show a user's name."""
    return str(path).replace(str(Path.home()), "~", 1)


def search_folders() -> list[Path]:
    """Return the folders that are searched for weights, in order."""
    given = os.environ.get("BENCH_WEIGHTS")
    return [*([Path(given).expanduser()] if given else []), _hub()]


class _HttpsOnly(HTTPRedirectHandler):
    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        if not newurl.startswith("https://"):
            raise OSError(f"{req.full_url} leads to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(official: OfficialWeights) -> Path:
    path = _hub() / official.filename
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=".half-loaded-") as folder:
        part = Path(folder) / path.name
        with build_opener(_HttpsOnly).open(official.url, timeout=DOWNLOAD_TIMEOUT) as response, part.open("wb") as file:
            shutil.copyfileobj(response, file)
        if files.sha256(part) != official.sha256:
            raise OSError(f"the downloaded file does not have the sha256 {official.sha256}")
        return part.replace(path)
