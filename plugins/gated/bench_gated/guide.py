"""The sketch that guides the user-guided form: edges of the true image, drawn by HED or, without its weights, by Canny.

The paper's sketches are HED's edges above a threshold (Section 3.5; the value is the official code's).
"""

import os
import pickle
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bench_core.errors import BadInput
from bench_core.methods import Guide, ImageTensor
from bench_core.system.files import sha256
from bench_gated.hed import HED

HED_FILES = ("network-bsds500.pytorch", "hed-bsds500")
"""The published file's name, and the one that its publisher gives it in torch's hub cache."""
THRESHOLD = 0.6
LOWER, UPPER = 100, 200

Sketch = Float[Tensor, "b 1 h w"]


class Canny:
    """Edges where the gradient of the grey image is strong (Canny, PAMI 1986)."""

    name = f"Canny edges (OpenCV, thresholds {LOWER} and {UPPER})"

    def __call__(self, image: ImageTensor) -> Sketch:
        pictures = (255 * image).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
        edges = [cv2.Canny(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), LOWER, UPPER) for picture in pictures]
        return (torch.from_numpy(np.stack(edges)) > 0).unsqueeze(1).to(image)


class HEDEdges:
    """HED's edges above a threshold. Its weights are told by their digest, for no official one is known."""

    def __init__(self, path: Path, device: torch.device) -> None:
        self.name = f"HED edges (threshold {THRESHOLD}, weights of sha256 {sha256(path)[:16]})"
        self.network = HED().eval().requires_grad_(False)
        try:
            self.network.load(torch.load(path, map_location="cpu", weights_only=True))
        except (BadInput, pickle.UnpicklingError, EOFError, RuntimeError, AttributeError) as error:
            raise BadInput(f"HED's weights cannot be read from {path.name}. {error}") from None
        self.network.to(device)

    @torch.no_grad()
    def __call__(self, image: ImageTensor) -> Sketch:
        return (self.network(image) > THRESHOLD).to(image)


def edges(device: torch.device) -> Guide:
    """HED, if its weights lie in the folder named by ``BENCH_WEIGHTS`` or in torch's hub cache, else Canny.

    Raises:
        BadInput: the file found there does not hold HED's weights.
    """
    found = [path for folder in _folders() for name in HED_FILES if (path := folder / name).is_file()]
    return HEDEdges(found[0], device) if found else Canny()


def _folders() -> list[Path]:
    given = os.environ.get("BENCH_WEIGHTS")
    return [*([Path(given).expanduser()] if given else []), Path(torch.hub.get_dir()) / "checkpoints"]
