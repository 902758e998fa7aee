"""Where inside the hole a composite is wrong, and how far: a map of colours, made from the kept pictures."""

import matplotlib as mpl
import numpy as np
from jaxtyping import UInt8
from PIL import Image

MOST = 128
"""The difference, in levels of 255, that has the map's last colour; so have all above it."""
STEPS = 254
"""The palette's entry of that colour."""
KNOWN = 255
"""The palette's entry of pixels that the method was given; transparent."""
# of matplotlib's maps with even steps of lightness, which readers with any colour vision tell apart
COLOURS = np.rint(mpl.colormaps["inferno"](np.linspace(0, 1, STEPS + 1))[:, :3] * 255).astype(np.uint8)

Picture = UInt8[np.ndarray, "height width 3"]


def heat(truth: Picture, masked: Picture, composite: Picture) -> Image.Image:
    """The mean absolute difference of the channels, in colours of `COLOURS`; known pixels are transparent.

    Hidden pixels are black in the masked picture. Where the truth is black too, and so is the composite, nobody can
    tell hidden from known: these count as known, and their difference is zero.
    """
    difference = np.abs(truth.astype(int) - composite).mean(axis=2)
    hidden = ~masked.any(axis=2) & (truth.any(axis=2) | (difference > 0))
    levels = np.minimum(np.rint(difference * (STEPS / MOST)), STEPS)
    picture = Image.fromarray(np.where(hidden, levels, KNOWN).astype(np.uint8))
    picture.putpalette([*COLOURS.ravel().tolist(), 0, 0, 0])
    picture.info["transparency"] = KNOWN
    return picture


def legend() -> list[str]:
    """The map's colours from no difference to `MOST`, evenly spaced, as CSS has them."""
    return [f"#{bytes(colour).hex()}" for colour in COLOURS[np.linspace(0, STEPS, 9).astype(int)]]
