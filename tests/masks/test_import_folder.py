"""Tests of importing mask images: reports are true, and an unclear polarity is not guessed."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from support.mask_sets import open_mask_set
from support.paths import SHARED

from bench_core.cli import main
from bench_core.errors import BadInput
from bench_core.masks import mask_file
from bench_core.masks.hole_stats import ratio_bucket
from bench_core.masks.import_folder import inspect_folder, write_mask_set
from bench_core.masks.inspection import inspect_mask_image
from bench_core.masks.polarity import decide_polarity

shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the published mask files beside the repository")


def drawn(family: str, count: int, size: int = 256) -> list[np.ndarray]:
    return [open_mask_set(family).draw(size, number) for number in range(count)]


def save(path: Path, levels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels).save(path)


def call(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["masks", "import", *arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def square(side: int, size: int = 20) -> np.ndarray:
    """Return a mask image with a white square in a corner."""
    levels = np.zeros((size, size), np.uint8)
    levels[:side, :side] = 255
    return levels


@pytest.fixture
def two_folders(tmp_path: Path) -> Path:
    """Write a folder of two images with white holes and a deeper folder of one image with a black hole."""
    save(tmp_path / "masks" / "white" / "a.png", square(5))
    save(tmp_path / "masks" / "white" / "b.PNG", np.stack([square(9)] * 3, axis=-1))
    save(tmp_path / "masks" / "black" / "deep" / "c.png", 255 - np.roll(square(6), 7, (0, 1)))
    return tmp_path / "masks"


@shared
def test_published_masks_have_their_known_bucket_and_no_wrong_polarity() -> None:
    with (SHARED / "MASKS.csv").open() as file:
        known = {row["path"].removeprefix("masks/"): row for row in csv.DictReader(file)}
    folders = inspect_folder(SHARED / "masks")
    found = {image.name: (image, folder.polarity.hole) for folder in folders for image in folder.images}
    assert set(found) == set(known)
    assert len(known) > 800
    for name, (image, decided) in found.items():
        row = known[name]
        hole = row["hole_is"].replace("opaque-white on transparent", "white")
        assert decided in (hole, "undecided"), name
        assert ratio_bucket(image.hole_ratio(hole)) == row["bucket"], name
        assert image.hole_ratio(hole) == pytest.approx(float(row["hole_ratio"]), abs=1e-6), name
        assert (image.mode, str(image.width), str(image.height)) == (row["mode"], row["width"], row["height"])
    undecided = {folder.name for folder in folders if folder.polarity.hole == "undecided"}
    assert undecided == {"paper_examples/edgeconnect", "paper_examples/mat"}


@shared
@pytest.mark.parametrize(
    ("folder", "pattern", "hole"),
    [
        ("awkward/jpeg_masks_black_hole", "*.jpg", "black"),
        ("published_results/madf", "*_mask.png", "black"),
        ("published_results/deepfill_places2", "*_mask.png", "white"),
    ],
)
def test_published_masks_outside_the_list_are_decided(folder: str, pattern: str, hole: str) -> None:
    paths = sorted((SHARED / folder).glob(pattern))
    assert decide_polarity([inspect_mask_image(SHARED, path, 128) for path in paths]).hole == hole


@pytest.mark.parametrize("family", ["narrow_256", "medium_256", "wide_256", "free_form", "random_box"])
def test_the_polarity_of_small_drawn_holes_is_decided(tmp_path: Path, family: str) -> None:
    for number, hole in enumerate(drawn(family, 20)):
        save(tmp_path / "white" / f"{number}.png", 255 * hole)
        save(tmp_path / "black" / f"{number}.png", 255 - 255 * hole)
    assert {folder.name: folder.polarity.hole for folder in inspect_folder(tmp_path)} == {
        "white": "white",
        "black": "black",
    }


def test_an_unclear_polarity_is_not_guessed(tmp_path: Path) -> None:
    for number, hole in enumerate(drawn("irregular_walk", 20, 64)):
        save(tmp_path / "walks" / f"{number}.png", 255 * hole)
    where = [str(tmp_path / "walks"), "-o", str(tmp_path / "walks.holes"), "--hole-color"]
    report = call(str(tmp_path / "walks"), "--hole-color", "auto").output
    assert "undecided: give --hole-color (white covers 3" in report
    assert "undecided in .: give --hole-color" in call(*where, "auto", code=2).output
    assert not (tmp_path / "walks.holes").exists()
    call(*where, "black")
    np.testing.assert_array_equal(
        mask_file.read(tmp_path / "walks.holes").hole(0), drawn("irregular_walk", 1, 64)[0] == 0
    )


@pytest.mark.parametrize(
    ("white_rows", "hole"), [(10, "white"), (11, "undecided"), (15, "undecided"), (19, "undecided"), (20, "black")]
)
def test_a_colour_of_at_most_a_third_on_average_is_the_hole(tmp_path: Path, white_rows: int, hole: str) -> None:
    """The second image makes sure that the average counts, not every single image."""
    for number, rows in enumerate((white_rows - 5, white_rows + 5)):
        levels = np.zeros((30, 20), np.uint8)
        levels[:rows] = 255
        save(tmp_path / f"{number}.png", levels)
    (folder,) = inspect_folder(tmp_path)
    assert folder.polarity.hole == hole


@pytest.mark.parametrize("agreeing", [24, 22, 12])
def test_nvidias_numbers_decide_if_hole_ratios_agree(tmp_path: Path, agreeing: int) -> None:
    """Number n implies bucket n // 2000. Holes are black here, and those of the upper buckets are large."""
    for number in range(24):
        ratio = (number % 6 if number < agreeing else (number + 3) % 6) / 10 + 0.05
        rows = np.full((100, 100), 255, np.uint8)
        first = 0 if number < 20 else 2  # the last four touch no border
        rows[first : first + round(96 * ratio) + 2, first : 100 - first] = 0
        save(tmp_path / f"{2000 * (number % 6) + number:05d}.png", rows)
    (folder,) = inspect_folder(tmp_path)
    report = "\n".join(folder.report_lines())
    if agreeing > 20:
        assert folder.polarity == ("black", "ratios lie in the buckets of NVIDIA's numbers")
        assert f"{agreeing} of 24 ratios and 20 border contacts agree" in report
    else:
        assert "NVIDIA" not in folder.polarity.reason


def test_every_image_is_imported_with_the_polarity_of_its_folder(two_folders: Path, tmp_path: Path) -> None:
    output = call(str(two_folders), "--hole-color", "auto", "-o", str(tmp_path / "set.holes")).output
    stored = mask_file.read(tmp_path / "set.holes")
    assert stored.manifest["names"] == ["black/deep/c.png", "white/a.png", "white/b.PNG"]
    assert stored.manifest["parameters"]["hole"] == {"black/deep": "black", "white": "white"}
    for number, (side, inwards) in enumerate(((6, 7), (5, 0), (9, 0))):
        np.testing.assert_array_equal(stored.hole(number), np.roll(square(side), inwards, (0, 1)) // 255)
    black = output.split("white: 2")[0]
    assert "border: 0 touch it" in black
    assert "white: 2 images, 20 x 20; L (1), RGB (1)" in output
    assert "hole ratios: 0.0-0.1 (1), 0.2-0.3 (1)" in output
    assert stored.sha256 in output


def test_opaque_pixels_on_a_transparent_background_are_the_hole(tmp_path: Path) -> None:
    for name, colour in (("white", 255), ("black", 0)):
        pixels = np.full((20, 20, 4), colour, np.uint8)
        pixels[..., 3] = square(18)
        save(tmp_path / name / "a.png", pixels)
    for folder in inspect_folder(tmp_path):
        assert folder.polarity == ("white", "opaque pixels on a transparent background")
        assert folder.images[0].white_pixels == 18**2


def test_grey_levels_are_reported_and_the_threshold_defines_white(tmp_path: Path) -> None:
    levels = square(5)
    levels[10, :8] = 100
    save(tmp_path / "a.png", levels)
    (folder,) = inspect_folder(tmp_path)
    report = "\n".join(folder.report_lines())
    assert "not binary: 1, with up to 3 levels; 2.00% of their pixels are grey" in report
    assert folder.images[0].white_pixels == 25
    assert inspect_folder(tmp_path, threshold=100)[0].images[0].white_pixels == 33


@pytest.mark.parametrize("spoil", ["size", "shape"])
def test_images_of_several_sizes_need_a_size(two_folders: Path, tmp_path: Path, spoil: str) -> None:
    other = square(10, 40) if spoil == "size" else square(5)[:, :16]
    save(two_folders / "white" / "a.png", other)
    if spoil == "shape":
        (two_folders / "white" / "b.PNG").unlink()
        (two_folders / "black" / "deep" / "c.png").unlink()
    where = [str(two_folders), "--hole-color", "auto", "-o", str(tmp_path / "set.holes")]
    assert "--size" in call(*where, code=2).output
    assert not (tmp_path / "set.holes").exists()
    call(*where, "--size", "20")
    assert mask_file.read(tmp_path / "set.holes").size == 20


def test_shrinking_averages_and_then_compares_with_the_threshold(tmp_path: Path) -> None:
    """Blocks of 2 x 2 with 0 to 4 white pixels; half of 255 is below 128."""
    levels = np.zeros((2, 10), np.uint8)
    for count in range(5):
        block = np.zeros(4, np.uint8)
        block[:count] = 255
        levels[:, 2 * count : 2 * count + 2] = block.reshape(2, 2)
    save(tmp_path / "a.png", np.tile(levels, (5, 1)))
    write_mask_set(tmp_path / "set.holes", tmp_path, inspect_folder(tmp_path, "white"), 128, 5)
    np.testing.assert_array_equal(mask_file.read(tmp_path / "set.holes").hole(0), [[0, 0, 1, 1, 1]] * 5)


def test_enlarging_repeats_pixels(tmp_path: Path) -> None:
    board = 255 * (np.indices((4, 4)).sum(0) % 2).astype(np.uint8)
    save(tmp_path / "a.png", board)
    write_mask_set(tmp_path / "set.holes", tmp_path, inspect_folder(tmp_path, "white", 64), 64, 12)
    repeated = np.kron(board // 255, np.ones((3, 3)))
    np.testing.assert_array_equal(mask_file.read(tmp_path / "set.holes").hole(0), repeated)


def test_empty_folders_and_broken_images_are_reported(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no images.* png,"):
        inspect_folder(tmp_path)
    (tmp_path / "broken.png").write_bytes(b"not an image")
    with pytest.raises(BadInput, match=r"broken\.png cannot be read"):
        inspect_folder(tmp_path)


def test_a_run_can_use_an_imported_set(
    two_folders: Path, tmp_path: Path, protocol: Path, bench: Callable[..., Result]
) -> None:
    call(str(two_folders), "--hole-color", "auto", "--size", "32", "-o", str(tmp_path / "set.holes"))
    text = protocol.read_text().partition("[masks")[0]
    protocol.write_text(f'{text}[masks.theirs]\nfamily = "set"\nfile = "{tmp_path / "set.holes"}"\n')
    assert "evaluating telea on theirs: 2/2" in bench("--plugins", "pconv", "--steps", "1").output
