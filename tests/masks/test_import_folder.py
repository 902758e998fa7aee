"""Laws of taking over mask pictures: reports are true, and what the pictures do not tell is not guessed."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from skimage.morphology import disk, opening
from support.paths import SHARED

from bench_core.cli import main
from bench_core.errors import BadInput
from bench_core.masks import mask_file as mask_file
from bench_core.masks.hole_stats import bucket
from bench_core.masks.import_folder import survey, write
from bench_core.masks.mask_images import look
from bench_core.masks.mask_set import open_sets
from bench_core.masks.polarity import decide
from bench_core.protocol import MaskSpec
from bench_masks import bench_masks

FAMILIES = {family.name: family for family in bench_masks()}
shared = pytest.mark.skipif(not SHARED.is_dir(), reason="wants the published mask files beside the repository")


def drawn(family: str, count: int, size: int = 256) -> list[np.ndarray]:
    holes = open_sets({"mine": MaskSpec(family=family)}, FAMILIES)["mine"]
    return [holes.draw(size, number) for number in range(count)]


def save(path: Path, levels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels).save(path)


def call(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["masks", "import", *arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def square(side: int, size: int = 20) -> np.ndarray:
    """A square hole in a corner, white."""
    levels = np.zeros((size, size), np.uint8)
    levels[:side, :side] = 255
    return levels


@pytest.fixture
def two_sources(tmp_path: Path) -> Path:
    """Two white and one black source of small holes; one picture is grey and one lies deeper."""
    save(tmp_path / "masks" / "white" / "a.png", square(5))
    save(tmp_path / "masks" / "white" / "b.PNG", np.stack([square(9)] * 3, axis=-1))
    save(tmp_path / "masks" / "black" / "deep" / "c.png", 255 - np.roll(square(6), 7, (0, 1)))
    return tmp_path / "masks"


@shared
def test_published_masks_have_the_polarity_and_the_bucket_that_are_known() -> None:
    with (SHARED / "MASKS.csv").open() as file:
        known = {row["path"].removeprefix("masks/"): row for row in csv.DictReader(file)}
    found = {seen.name: (seen, source.polarity.hole) for source in survey(SHARED / "masks") for seen in source.pictures}
    assert set(found) == set(known)
    assert len(known) > 800
    for name, (seen, hole) in found.items():
        row = known[name]
        assert hole == row["hole_is"].replace("opaque-white on transparent", "white"), name
        assert bucket(seen.hole_ratio(hole)) == row["bucket"], name
        assert seen.hole_ratio(hole) == pytest.approx(float(row["hole_ratio"]), abs=1e-6), name
        assert (seen.mode, str(seen.width), str(seen.height)) == (row["mode"], row["width"], row["height"])


@shared
@pytest.mark.parametrize(
    ("folder", "pattern", "hole"),
    [
        ("awkward/jpeg_masks_black_hole", "*.jpg", "black"),
        ("published_results/madf", "*_mask.png", "black"),
        ("published_results/deepfill_places2", "*_mask.png", "white"),
    ],
)
def test_published_masks_that_are_listed_nowhere(folder: str, pattern: str, hole: str) -> None:
    paths = sorted((SHARED / folder).glob(pattern))
    assert decide([look(SHARED, path, 128) for path in paths]).hole == hole


@pytest.mark.parametrize(
    "family", ["narrow_256", "medium_256", "wide_256", "free_form", "irregular_walk", "random_box"]
)
def test_drawn_holes_are_told_from_what_they_leave(tmp_path: Path, family: str) -> None:
    """Whichever colour they have, and whatever the part of the image that they cover on average."""
    for number, hole in enumerate(drawn(family, 20)):
        save(tmp_path / "white" / f"{number}.png", 255 * hole)
        save(tmp_path / "black" / f"{number}.png", 255 - 255 * hole)
    assert {source.folder: source.polarity.hole for source in survey(tmp_path)} == {"white": "white", "black": "black"}


def test_what_cannot_be_decided_is_not_guessed(tmp_path: Path) -> None:
    half = np.zeros((20, 20), np.uint8)
    half[:, :10] = 255
    half[10, 9] = half[2, 9] = 0
    half[15, 10] = 255
    save(tmp_path / "half" / "a.png", half)
    where = [str(tmp_path / "half"), "-o", str(tmp_path / "half.holes"), "--hole-color"]
    assert "undecided: give --hole-color" in call(str(tmp_path / "half"), "--hole-color", "auto").output
    assert "undecided in .: give --hole-color" in call(*where, "auto", code=2).output
    assert not (tmp_path / "half.holes").exists()
    call(*where, "black")
    np.testing.assert_array_equal(mask_file.read(tmp_path / "half.holes").hole(0), half == 0)


@pytest.mark.parametrize(
    ("roughness", "hole"),
    [((10, 20), "white"), ((20, 10), "black"), ((10, 19), "undecided"), ((0, 1), "white"), ((0, 0), "undecided")],
)
def test_the_smoother_colour_is_so_by_half(tmp_path: Path, roughness: tuple[int, int], hole: str) -> None:
    save(tmp_path / "a.png", np.repeat(square(1, 2), 10, axis=0)[:, [0]].repeat(20, axis=1))
    seen = replace(look(tmp_path, tmp_path / "a.png", 128), roughness=roughness)
    assert seen.hole_ratio("white") == 0.5
    assert decide([seen]).hole == hole


@pytest.mark.parametrize(("size", "radius"), [(64, 1), (256, 2), (512, 4)])
def test_roughness_is_what_an_opening_takes(tmp_path: Path, size: int, radius: int) -> None:
    """As scikit-image opens, with the picture going on beyond its border."""
    for number, hole in enumerate(drawn("free_form", 4, size)):
        save(tmp_path / f"{number}.png", 255 * hole)
        seen = look(tmp_path, tmp_path / f"{number}.png", 128)
        for side, found in zip((hole, 1 - hole), seen.roughness, strict=True):
            wide = np.pad(side, 20, mode="edge")
            assert found == (wide - opening(wide, disk(radius)))[20:-20, 20:-20].sum()


@pytest.mark.parametrize("agreeing", [24, 22, 12])
def test_nvidias_numbers_decide_where_ratios_agree_with_them(tmp_path: Path, agreeing: int) -> None:
    """Number n is in bucket n // 2000 of (0, 0.1], (0.1, 0.2] ...; holes of upper buckets are large; here black."""
    for number in range(24):
        ratio = (number % 6 if number < agreeing else (number + 3) % 6) / 10 + 0.05
        rows = np.full((100, 100), 255, np.uint8)
        first = 0 if number < 20 else 2  # the last four touch no border
        rows[first : first + round(96 * ratio) + 2, first : 100 - first] = 0
        save(tmp_path / f"{2000 * (number % 6) + number:05d}.png", rows)
    (source,) = survey(tmp_path)
    lines = "\n".join(source.lines())
    if agreeing > 20:
        assert source.polarity == ("black", "ratios lie in the buckets of NVIDIA's numbers")
        assert f"{agreeing} of 24 ratios and 20 border contacts" in lines
    else:
        assert "NVIDIA" not in source.polarity.reason


def test_a_set_takes_every_picture_with_its_own_polarity(two_sources: Path, tmp_path: Path) -> None:
    output = call(str(two_sources), "--hole-color", "auto", "-o", str(tmp_path / "set.holes")).output
    stored = mask_file.read(tmp_path / "set.holes")
    assert stored.manifest["names"] == ["black/deep/c.png", "white/a.png", "white/b.PNG"]
    assert stored.manifest["parameters"]["hole"] == {"black/deep": "black", "white": "white"}
    for number, (side, inwards) in enumerate(((6, 7), (5, 0), (9, 0))):
        np.testing.assert_array_equal(stored.hole(number), np.roll(square(side), inwards, (0, 1)) // 255)
    black = output.split("white: 2")[0]
    assert "border: 0 touch it" in black
    assert "white: 2 pictures, 20 x 20; L (1), RGB (1)" in output
    assert "hole ratios: 0.0-0.1 (1), 0.2-0.3 (1)" in output
    assert stored.sha256 in output


def test_paint_on_a_transparent_ground_is_the_hole_whatever_its_colour(tmp_path: Path) -> None:
    for name, colour in (("white", 255), ("black", 0)):
        picture = np.full((20, 20, 4), colour, np.uint8)
        picture[..., 3] = square(18)
        save(tmp_path / name / "a.png", picture)
    for source in survey(tmp_path):
        assert source.polarity == ("white", "opaque paint on a transparent ground")
        assert source.pictures[0].white_pixels == 18**2


def test_grey_levels_are_counted_and_the_threshold_says_what_is_white(tmp_path: Path) -> None:
    levels = square(5)
    levels[10, :8] = 100
    save(tmp_path / "a.png", levels)
    (source,) = survey(tmp_path)
    assert "not binary: 1, with up to 3 levels; 2.00% of their pixels lie between" in "\n".join(source.lines())
    assert source.pictures[0].white_pixels == 25
    assert survey(tmp_path, threshold=100)[0].pictures[0].white_pixels == 33


@pytest.mark.parametrize("spoil", ["size", "shape"])
def test_pictures_of_several_sizes_need_a_size(two_sources: Path, tmp_path: Path, spoil: str) -> None:
    other = square(10, 40) if spoil == "size" else square(5)[:, :16]
    save(two_sources / "white" / "a.png", other)
    if spoil == "shape":
        (two_sources / "white" / "b.PNG").unlink()
        (two_sources / "black" / "deep" / "c.png").unlink()
    where = [str(two_sources), "--hole-color", "auto", "-o", str(tmp_path / "set.holes")]
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
    write(tmp_path / "set.holes", tmp_path, survey(tmp_path, "white"), 128, 5)
    np.testing.assert_array_equal(mask_file.read(tmp_path / "set.holes").hole(0), [[0, 0, 1, 1, 1]] * 5)


def test_enlarging_repeats_pixels(tmp_path: Path) -> None:
    board = 255 * (np.indices((4, 4)).sum(0) % 2).astype(np.uint8)
    save(tmp_path / "a.png", board)
    write(tmp_path / "set.holes", tmp_path, survey(tmp_path, "white", 64), 64, 12)
    repeated = np.kron(board // 255, np.ones((3, 3)))
    np.testing.assert_array_equal(mask_file.read(tmp_path / "set.holes").hole(0), repeated)


def test_folders_without_pictures_and_broken_pictures_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no pictures.*\.png"):
        survey(tmp_path)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(BadInput, match=r"broken\.png cannot be read"):
        survey(tmp_path)


def test_an_imported_set_serves_a_run(
    two_sources: Path, tmp_path: Path, protocol: Path, bench: Callable[..., Result]
) -> None:
    call(str(two_sources), "--hole-color", "auto", "--size", "32", "-o", str(tmp_path / "set.holes"))
    text = protocol.read_text().partition("[masks")[0]
    protocol.write_text(f'{text}[masks.theirs]\nfamily = "set"\nfile = "{tmp_path / "set.holes"}"\n')
    assert "judging telea on theirs: 2/2" in bench("--plugins", "pconv", "--steps", "1").output
