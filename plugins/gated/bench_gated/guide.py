"""Sketches for the user-guided form: edges of the ground truth by HED, or by Canny without HED's weights.

The paper's sketches are HED's edges above a threshold (Section 3.5; the value is from the official code).
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
"""Name of the published file, and its name in torch's hub cache."""
HED_THRESHOLD = 0.6
CANNY_THRESHOLDS = (100, 200)

Sketch = Float[Tensor, "b 1 h w"]


class Canny:
    """Edges where the gradient of the grey image is strong (Canny, PAMI 1986)."""

    name = f"Canny edges (OpenCV, thresholds {CANNY_THRESHOLDS[0]} and {CANNY_THRESHOLDS[1]})"

    def __call__(self, image: ImageTensor) -> Sketch:
        pixels = (255 * image).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
        edges = [cv2.Canny(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), *CANNY_THRESHOLDS) for one in pixels]
        return (torch.from_numpy(np.stack(edges)) > 0).unsqueeze(1).to(image)


class HEDEdges:
    """HED's edges above a threshold. The name holds the weights' digest, because no official one is known."""

    def __init__(self, path: Path, device: torch.device) -> None:
        self.name = f"HED edges (threshold {HED_THRESHOLD}, weights of sha256 {sha256(path)[:16]})"
        self.network = HED().eval().requires_grad_(False)
        try:
            self.network.load(torch.load(path, map_location="cpu", weights_only=True))
        except (BadInput, pickle.UnpicklingError, EOFError, RuntimeError, AttributeError) as error:
            raise BadInput(f"HED's weights cannot be read from {path.name}. {error}") from None
        self.network.to(device)
        self.device = device

    @torch.no_grad()
    def __call__(self, image: ImageTensor) -> Sketch:
        image = image.to(self.device, non_blocking=True)
        return (self.network(image) > HED_THRESHOLD).to(image)


def edges(device: torch.device) -> Guide:
    """Return HED if its weights lie in the folder ``BENCH_WEIGHTS`` or in torch's hub cache, else Canny.

    Raises:
        BadInput: the file found there does not hold HED's weights.
    """
    found = [path for folder in _weight_folders() for name in HED_FILES if (path := folder / name).is_file()]
    return HEDEdges(found[0], device) if found else Canny()


def _weight_folders() -> list[Path]:
    given = os.environ.get("BENCH_WEIGHTS")
    return [*([Path(given).expanduser()] if given else []), Path(torch.hub.get_dir()) / "checkpoints"]
