"""Tests of reading one image file: it becomes 8-bit RGB or grey, or raises BadImage."""

import contextlib
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps, TiffImagePlugin
from support.paths import SHARED

from bench_core.images import BadImage, read_image

AWKWARD = SHARED / "awkward"
RGB = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
GREY = RGB[..., 0]
BLOCKS = np.kron(np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8), np.ones((16, 16, 1), np.uint8))  # red, then blue


def saved(image: Image.Image, path: Path, image_format: str | None = None, **options) -> Path:
    image.save(path, image_format, **options)
    return path


def png_header(width: int, height: int) -> bytes:
    """Return a PNG whose header claims a size, with almost no pixel data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_rgb_and_grey_are_read_unchanged(tmp_path: Path, suffix: str) -> None:
    np.testing.assert_array_equal(read_image(saved(Image.fromarray(RGB), tmp_path / f"rgb.{suffix}")), RGB)
    grey = read_image(saved(Image.fromarray(GREY), tmp_path / f"grey.{suffix}"))
    np.testing.assert_array_equal(grey, GREY[..., None])


def test_lossless_webp_is_read_unchanged(tmp_path: Path) -> None:
    path = saved(Image.fromarray(RGB), tmp_path / "image.webp", lossless=True)
    np.testing.assert_array_equal(read_image(path), RGB)


@pytest.mark.parametrize("alpha", [0, 128, 255])
def test_transparency_is_dropped_and_colours_are_unchanged(tmp_path: Path, alpha: int) -> None:
    opacity = np.full((6, 9, 1), alpha, np.uint8)
    rgba = Image.fromarray(np.concatenate([RGB, opacity], 2))
    np.testing.assert_array_equal(read_image(saved(rgba, tmp_path / "rgba.png")), RGB)
    grey_alpha = Image.fromarray(np.concatenate([GREY[..., None], opacity], 2))
    assert grey_alpha.mode == "LA"
    np.testing.assert_array_equal(read_image(saved(grey_alpha, tmp_path / "la.png")), GREY[..., None])


@pytest.mark.parametrize("highest", [200, 40_000, 65_535])
def test_sixteen_bit_samples_keep_their_upper_eight_bits(tmp_path: Path, highest: int) -> None:
    """Samples are not rescaled to the maximum: 200 of 65535 is black, not light grey."""
    deep = np.linspace(0, highest, 54).astype(np.uint16).reshape(6, 9)
    for suffix in ("png", "tif"):
        path = saved(Image.fromarray(deep), tmp_path / f"deep.{suffix}")
        np.testing.assert_array_equal(read_image(path), (deep // 256)[..., None])


@pytest.mark.parametrize("samples", [np.float32, np.int32])
def test_samples_without_an_agreed_white_are_refused(tmp_path: Path, samples: type) -> None:
    path = saved(Image.fromarray(np.ones((6, 9), samples)), tmp_path / "deep.tif")
    with pytest.raises(BadImage, match=r"deep\.tif.*32 bits"):
        read_image(path)


@pytest.mark.parametrize("transparency", [None, 0, bytes([0, 128])])
def test_palettes_become_rgb_without_a_warning(tmp_path: Path, transparency: int | bytes | None) -> None:
    palette = Image.fromarray(GREY // 64).convert("P")
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    options: dict[str, Any] = {} if transparency is None else {"transparency": transparency}
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9]], np.uint8)
    path = saved(palette, tmp_path / "palette.png", **options)
    np.testing.assert_array_equal(read_image(path), colours[GREY // 64])


def test_one_bit_becomes_black_and_white(tmp_path: Path) -> None:
    path = saved(Image.fromarray(GREY > 127), tmp_path / "bits.png")
    np.testing.assert_array_equal(read_image(path), np.where(GREY > 127, 255, 0)[..., None])


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    path = saved(Image.new("CMYK", (16, 8), (0, 255, 255, 0)), tmp_path / "red.jpg")
    np.testing.assert_allclose(read_image(path), np.broadcast_to(np.array([255, 0, 0]), (8, 16, 3)), atol=3)


@pytest.mark.parametrize("image_format", ["PNG", "TIFF", "JPEG"])
@pytest.mark.parametrize("orientation", range(10))
def test_the_orientation_tag_is_applied_as_by_pillow(tmp_path: Path, orientation: int, image_format: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(Image.fromarray(RGB), tmp_path / "turned", image_format, exif=exif)
    with Image.open(path) as file:
        expected = np.asarray(ImageOps.exif_transpose(file))
    np.testing.assert_array_equal(read_image(path), expected)


def test_orientation_6_is_a_quarter_turn_clockwise(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(Image.fromarray(BLOCKS), tmp_path / "turned.jpg", quality=100, subsampling=0, exif=exif)
    assert read_image(path).shape == (32, 16, 3)
    np.testing.assert_allclose(read_image(path).astype(int), np.rot90(BLOCKS, -1), atol=3)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_a_broken_exif_entry_beside_the_orientation_is_ignored(tmp_path: Path, image_format: str) -> None:
    """Cameras write such entries: the width is text here, although its type is a number."""
    tags = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack(">HHII", 0x0100, 2, 4, 0x61626300)
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 2) + tags + bytes(4)
    path = saved(Image.fromarray(BLOCKS), tmp_path / "broken", image_format, exif=exif)
    assert read_image(path).shape == (32, 16, 3)


def test_a_tiff_with_broken_tags_is_read_or_refused(tmp_path: Path) -> None:
    """The tag holds a number in place of text. New versions of Pillow raise an odd error, old ones none."""
    notes = TiffImagePlugin.ImageFileDirectory_v2()
    notes.tagtype[700] = 12  # XMP, as a floating-point number
    notes[700] = 0.5
    path = saved(Image.fromarray(RGB), tmp_path / "notes.tif", tiffinfo=notes)
    with contextlib.suppress(BadImage):
        assert read_image(path).shape == RGB.shape


def test_the_format_is_detected_from_the_content(tmp_path: Path) -> None:
    jpeg = saved(Image.fromarray(BLOCKS), tmp_path / "named.jpg", "JPEG")
    misnamed = saved(Image.fromarray(BLOCKS), tmp_path / "misnamed.png", "JPEG")
    np.testing.assert_array_equal(read_image(misnamed), read_image(jpeg))


def test_the_returned_array_is_writable(tmp_path: Path) -> None:
    """PyTorch warns about arrays that are not."""
    for mode in ("1", "L", "LA", "RGB", "RGBA", "P"):
        assert read_image(saved(Image.new(mode, (4, 3)), tmp_path / "image.png")).flags.writeable


@pytest.mark.parametrize("content", [b"", b"just a note\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"II*\x00"])
def test_a_file_that_is_no_image_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "note.png"
    path.write_bytes(content)
    with pytest.raises(BadImage, match=r"note\.png"):
        read_image(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    for name in ("missing.png", "folder.png"):
        with pytest.raises(BadImage, match=name):
            read_image(tmp_path / name)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_files_are_refused(tmp_path: Path, image_format: str, share: float) -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8))
    path = saved(noise, tmp_path / "cut", image_format)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(BadImage, match="cut"):
        read_image(path)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
def test_damaged_files_raise_bad_image_only(tmp_path: Path, image_format: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    sound = saved(
        Image.fromarray(RGB), tmp_path / "sound", image_format, **({} if image_format == "BMP" else {"exif": exif})
    )
    content, draw, refused = sound.read_bytes(), random.Random(0), 0
    for _ in range(60):
        damaged = bytearray(content)
        for _ in range(3):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        (tmp_path / "damaged").write_bytes(damaged)
        try:
            assert read_image(tmp_path / "damaged").dtype == np.uint8
        except BadImage:
            refused += 1
    assert refused


def test_a_header_that_claims_billions_of_pixels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png_header(100_000, 100_000))
    with pytest.raises(BadImage, match=r"bomb\.png"):
        read_image(tmp_path / "bomb.png")


def test_a_large_image_is_read_without_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow warns above MAX_IMAGE_PIXELS and refuses above twice that number."""
    path = saved(Image.fromarray(RGB), tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", RGB[..., 0].size - 1)
    np.testing.assert_array_equal(read_image(path), RGB)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", RGB[..., 0].size // 2 - 1)
    with pytest.raises(BadImage):
        read_image(path)


@pytest.mark.skipif(not AWKWARD.is_dir(), reason=f"real odd files are not at {AWKWARD}")
def test_real_odd_files_are_read() -> None:
    channels = {"jpeg_named_png": 3, "mode_L": 1, "jpeg_masks_black_hole": None}
    for folder, expected in channels.items():
        for path in sorted((AWKWARD / folder).iterdir()):
            with Image.open(path) as file:
                width, height = file.size
            shape = read_image(path).shape
            assert shape[:2] == (height, width)
            assert expected in (None, shape[2])
    for path in (AWKWARD / "interrupted_download").iterdir():
        with pytest.raises(BadImage, match=path.name):
            read_image(path)
