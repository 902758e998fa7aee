"""Fingerprint of one decoded image: what finds its copies, and its size."""

from hashlib import sha256

import imagehash
import numpy as np
from PIL import Image

from bench_core.images import Array

FINGERPRINT = np.dtype([("digest", "S32"), ("perceptual_hash", "S32"), ("short_side", "i4")])
"""The sha256 of shape and pixels, the perceptual hash (all zeros if there is none), and the shorter side in pixels."""
MIN_SIDE = 32
"""Images with a shorter side have no perceptual hash: different digits of MNIST would be near duplicates."""
MIN_DETAIL = 0.5
"""Minimum share of a thumbnail's pixels that differ from a ramp through their neighbours. Digits, icons and flat
images have less: few coefficients of their spectrum are more than rounding errors. 99 % of photographs have more."""

_THUMBNAIL = 64
_RAMP_LEVELS = 2


def fingerprint(pixels: Array) -> tuple[bytes, bytes, int]:
    """Compute the `FINGERPRINT` of an image: uint8 (height, width, 3 or 1)."""
    digest = sha256(f"{pixels.shape}\0".encode() + pixels.tobytes()).digest()
    return digest, _perceptual_hash(pixels), min(pixels.shape[:2])


def _perceptual_hash(pixels: Array) -> bytes:
    """Return the 256 bits of the image's `imagehash.phash`: the signs of its lowest frequencies."""
    if min(pixels.shape[:2]) < MIN_SIDE:
        return bytes(32)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).convert("L")
    thumbnail = image.resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.LANCZOS)
    if _detail(np.asarray(thumbnail).astype(int)) < MIN_DETAIL:
        return bytes(32)
    return np.packbits(imagehash.phash(thumbnail, hash_size=16).hash).tobytes()


def _detail(thumbnail: Array) -> float:
    """Return the share of pixels at which the second differences are not almost zero."""
    vertical, horizontal = (np.abs(np.diff(thumbnail, n=2, axis=axis)) for axis in (0, 1))
    return float((vertical[:, 1:-1] + horizontal[1:-1] >= _RAMP_LEVELS).mean())
