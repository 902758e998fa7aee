"""What a page sends: pictures of limited size, decoded in memory, as the harness reads all pictures."""

from bench_core.images import Array, decode_image

LARGEST_FILE = 2**26
"""Bytes: 64 MiB."""
MOST_PIXELS = 2**24
"""4096 x 4096, the largest canvas that browsers on phones have."""
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM")
"""Not all that Pillow knows: some of its readers start other programs."""


def decode(content: bytes, name: str) -> Array:
    """uint8 (height, width, 3 or 1), upright. Raises BadImage."""
    return decode_image(content, name, FORMATS, MOST_PIXELS)
