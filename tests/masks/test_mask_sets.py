"""Tests of mask set files: equal bytes every time, every damage is detected, and pair i gets hole i."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from safetensors.numpy import load_file
from scipy.ndimage import distance_transform_edt
from support.mask_sets import FAMILIES, open_mask_set

from bench_core.cli import main
from bench_core.errors import BadInput
from bench_core.masks import mask_file
from bench_core.masks.balance import select_balanced
from bench_core.masks.generate import generate_mask_set
from bench_core.masks.hole_stats import HoleStats, ratio_bucket
from bench_core.masks.mask_file import PackedHole

KNOWN_SHA256 = {
    "center_box": "c75c6f693a2a6a3c6abda0b046b7c8c0e743be229f0c85d83d60009262e72731",
    "random_box": "38f2e5437d3c0f3b85d3d64c2ef586436caa8d0dae4e96052f3f34a09f4b5fb9",
}
"""The sha256 of files of 5 holes of 24 pixels, seed 3. These families do not use OpenCV, whose lines may change."""
WIDE_RANGE = {"strokes": [1, 20], "hole_ratio": [0.01, 0.9]}


def call(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["masks", *arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Write a mask set of three holes of 8 pixels."""
    path = tmp_path / "small.holes"
    generate_mask_set(path, open_mask_set("random_box"), 8, 0, 3)
    return path


@pytest.mark.parametrize("family", ["random_box", "free_form", "wide_256", "irregular_walk", "outpainting"])
def test_hole_i_equals_the_hole_of_pair_i_in_a_protocol(tmp_path: Path, family: str) -> None:
    generate_mask_set(tmp_path / "set.holes", open_mask_set(family), 48, 7, 20)
    stored = mask_file.read(tmp_path / "set.holes")
    assert (len(stored), stored.size, stored.manifest["seed"]) == (20, 48, 7)
    for number in range(20):
        np.testing.assert_array_equal(stored.hole(number), open_mask_set(family).draw(48, 7, number))


@pytest.mark.parametrize("options", [[], ["--balance", "--set", "strokes=[1, 20]", "--set", "hole_ratio=[0.01, 0.9]"]])
def test_the_number_of_workers_changes_no_byte(tmp_path: Path, options: list[str]) -> None:
    for workers in ("1", "2"):
        where = ["--workers", workers, "-o", str(tmp_path / workers)]
        call("make", "irregular_walk", "--count", "36", "--size", "32", "--seed", "5", *options, *where)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


@pytest.mark.parametrize("family", KNOWN_SHA256)
def test_the_bytes_of_a_file_did_not_change_since_its_sha256_was_noted(tmp_path: Path, family: str) -> None:
    generate_mask_set(tmp_path / "set.holes", open_mask_set(family), 24, 3, 5)
    assert hashlib.sha256((tmp_path / "set.holes").read_bytes()).hexdigest() == KNOWN_SHA256[family]


def test_every_flipped_bit_is_detected(small: Path) -> None:
    content = bytearray(small.read_bytes())
    parts = set()
    for bit in range(8 * len(content)):
        content[bit // 8] ^= 1 << bit % 8
        small.write_bytes(content)
        with pytest.raises(BadInput, match=r"small\.holes") as refusal:
            mask_file.read(small)
        parts.add(str(refusal.value).partition(" and the sha256")[0].rpartition(": ")[2])
        content[bit // 8] ^= 1 << bit % 8
    assert {"its manifest", "its holes", "the statistics of its holes"} <= parts


@pytest.mark.parametrize("length", [0, 7, 100, -1])
def test_a_truncated_file_is_refused(small: Path, length: int) -> None:
    small.write_bytes(small.read_bytes()[:length])
    with pytest.raises(BadInput, match=r"small\.holes.*damaged"):
        mask_file.read(small)


def test_holes_and_statistics_of_two_files_are_refused(tmp_path: Path, small: Path) -> None:
    """Each part has a valid checksum, but they come from two files."""
    generate_mask_set(tmp_path / "other.holes", open_mask_set("random_box"), 8, 1, 3)
    one, other = small.read_bytes(), (tmp_path / "other.holes").read_bytes()
    header = 8 + int.from_bytes(one[:8], "little")
    assert header == 8 + int.from_bytes(other[:8], "little")
    small.write_bytes(one[:header] + other[header:])
    with pytest.raises(BadInput, match="statistics"):
        mask_file.read(small)


def test_statistics_agree_with_scipy_and_with_counting(tmp_path: Path) -> None:
    generate_mask_set(tmp_path / "set.holes", open_mask_set("wide_256"), 64, 0, 40)
    stored = mask_file.read(tmp_path / "set.holes")
    for number in range(40):
        hole = stored.hole(number)
        outermost = np.ones_like(hole)
        outermost[1:-1, 1:-1] = 0
        assert stored.stats["hole_ratio"][number] == hole.sum() / 64**2
        assert stored.stats["border_contact"][number] == (hole * outermost).any()
        width = np.float32(np.max(np.asarray(distance_transform_edt(hole))))
        assert stored.stats["stroke_width"][number] == width
    assert 0 < stored.stats["border_contact"].sum() < 40


def test_a_hole_without_known_pixels_has_infinite_width() -> None:
    assert mask_file.pack(np.ones((4, 4), np.uint8)).stats == (1.0, True, np.inf)


def test_other_programs_can_read_a_file(small: Path) -> None:
    """The documented layout is rows of bits, with the first pixel in the highest bit."""
    packed = load_file(small)["holes"]
    assert packed.shape == (3, 8)
    first = [[byte >> (7 - column) & 1 for column in range(8)] for byte in packed[0].tolist()]
    np.testing.assert_array_equal(first, open_mask_set("random_box").draw(8, 0, 0))


def test_a_balanced_set_has_equally_many_holes_of_every_kind(tmp_path: Path) -> None:
    generate_mask_set(tmp_path / "set.holes", open_mask_set("irregular_walk", **WIDE_RANGE), 64, 0, 48, balance=True)
    stored = mask_file.read(tmp_path / "set.holes")
    for start in range(0, 48, 12):
        for kind, number in enumerate(range(start, start + 12)):
            hole = stored.hole(number)
            assert max(0.01, kind // 2 / 10) < hole.mean() <= (kind // 2 + 1) / 10
            middle = hole[6:-6, 6:-6]  # the margin is 50 pixels of 512
            assert (middle.sum() < hole.sum()) == (kind % 2 == 0)
            assert hole[[0, -1]].any() or hole[:, [0, -1]].any() or kind % 2


def test_proposals_are_taken_in_order_and_at_most_once() -> None:
    """Propose a hole that is too small, one that is too large, two of every kind, and one more than needed."""
    ratios = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    expected = [(number, ratio, contact) for number, ratio in enumerate(ratios * 2) for contact in (True, False)]
    proposed = [(90, 0.005, True), (91, 0.61, True), *expected, (92, 0.3, True)]
    packed = [PackedHole(np.array([n], np.uint8), HoleStats(ratio, contact, 1)) for n, ratio, contact in proposed]
    proposals = [(each, each) if each.stats.border_contact else (None, each) for each in packed]
    chosen = select_balanced(proposals, 24, lambda taken: None)
    assert [(int(each.bits[0]), *each.stats[:2]) for each in chosen] == expected


@pytest.mark.parametrize(("ratio", "name"), [(0.0, "0.0-0.1"), (0.1, "0.0-0.1"), (0.3, "0.2-0.3"), (0.61, ">0.6")])
def test_a_bucket_includes_its_upper_bound(ratio: float, name: str) -> None:
    assert ratio_bucket(ratio) == name


def test_a_bucket_that_cannot_be_filled_is_reported(tmp_path: Path) -> None:
    options = ["--count", "12", "--size", "16", "--balance", "-o", str(tmp_path / "set.holes")]
    result = call("make", "random_box", *options, code=2)
    assert "0.01-0.1" in result.output or "0.5-0.6" in result.output
    assert "0 of 1" in result.output
    assert not list(tmp_path.iterdir())
    assert "multiple" in call("make", "random_box", *options, "--count", "13", code=2).output


def test_a_set_in_a_file_gives_hole_i_to_pair_i_at_any_path(tmp_path: Path, small: Path) -> None:
    stored = open_mask_set("set", file=str(small))
    for number in range(7):
        np.testing.assert_array_equal(stored.draw(8, 99, number), mask_file.read(small).hole(number % 3))
    moved = tmp_path / "elsewhere" / "renamed.holes"
    moved.parent.mkdir()
    moved.write_bytes(small.read_bytes())
    sha256 = mask_file.read(small).sha256
    assert open_mask_set("set", file=str(moved), sha256=sha256).identity == stored.identity
    generate_mask_set(moved, open_mask_set("random_box"), 8, 1, 3)
    moved.rename(tmp_path / "other.holes")
    assert open_mask_set("set", file=str(tmp_path / "other.holes")).identity != stored.identity


def test_a_set_in_a_file_is_not_resized(small: Path) -> None:
    with pytest.raises(BadInput, match=r"8 x 8.*16 x 16.*not resized"):
        open_mask_set("set", file=str(small)).draw(16, 0)


@pytest.mark.parametrize("refused", ["sha256", "size", "damaged", "missing"])
def test_a_run_refuses_a_file_that_does_not_fit_its_protocol(
    tmp_path: Path, protocol: Path, bench: Callable[..., Result], refused: str
) -> None:
    path = tmp_path / "mine.holes"
    sha256 = generate_mask_set(path, open_mask_set("random_box"), 64 if refused == "size" else 32, 0, 3)
    if refused == "damaged":
        path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    if refused == "missing":
        path.unlink()
    given = "0" * 64 if refused == "sha256" else sha256
    text = protocol.read_text().partition("[masks")[0]
    protocol.write_text(f'{text}[masks.mine]\nfamily = "set"\nfile = "{path}"\nsha256 = "{given}"\n')
    output = bench("--plugins", "context_encoder", "--steps", "0", code=2).output
    assert "mine.holes" in output
    assert not list((tmp_path / "out").glob("**/*.*"))
    if refused == "sha256":
        assert given in output
        assert sha256 in output


def test_a_run_with_a_set_file_gives_the_rows_of_its_family(
    tmp_path: Path, protocol: Path, bench: Callable[..., Result]
) -> None:
    """The rows of the baselines equal those with the family that the set was drawn from."""
    generate_mask_set(tmp_path / "mine.holes", open_mask_set("random_box"), 32, 0, 2)
    text = protocol.read_text().partition("[masks")[0] + '[masks.mine]\nfamily = "random_box"\n'
    protocol.write_text(text)
    drawn = bench("--plugins", "pconv", "--steps", "1", out="drawn").output
    protocol.write_text(text.replace("random_box", "set") + f'file = "{tmp_path / "mine.holes"}"\n')
    stored = bench("--plugins", "pconv", "--steps", "1", out="stored").output
    rows = [line for line in drawn.splitlines() if "telea" in line]
    assert rows
    assert rows == [line for line in stored.splitlines() if "telea" in line]


def test_show_prints_the_manifest_and_draws_a_contact_sheet(tmp_path: Path) -> None:
    sha256 = generate_mask_set(tmp_path / "set.holes", open_mask_set("wide_256"), 64, 0, 30)
    output = call("show", str(tmp_path / "set.holes"), "-o", str(tmp_path / "sheet.png"), "--count", "14").output
    ratios, contact, _ = mask_file.read(tmp_path / "set.holes").stats.values()
    assert sha256 in output
    assert f"mean hole ratio {ratios.mean():.4f}" in output
    for tenth in range(6):
        name = f"{tenth / 10:.1f}-{(tenth + 1) / 10:.1f}"
        (line,) = [line for line in output.splitlines() if line.startswith(name)]
        inside = (ratios > tenth / 10) & (ratios <= (tenth + 1) / 10)
        assert [int(count) for count in line.split()[1:]] == [(contact[inside] == kind).sum() for kind in (1, 0)]
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")


def test_parameters_are_given_as_toml_values(tmp_path: Path) -> None:
    where = ["--count", "2", "--size", "32", "-o", str(tmp_path / "set.holes")]
    call("make", "free_form", "--set", "thickness=[4, 10]", "--set", "with_box=true", *where)
    stored = mask_file.read(tmp_path / "set.holes")
    np.testing.assert_array_equal(
        stored.hole(1), open_mask_set("free_form", thickness=[4, 10], with_box=True).draw(32, 0, 1)
    )
    assert "Did you mean 'thickness'" in call("make", "free_form", "--set", "thicknes=4", *where, code=2).output
    assert "random_box" in call("make", "random_bx", *where, code=2).output


def test_list_prints_every_family_and_its_required_parameters() -> None:
    output = call("list").output
    assert all(name in output for name in FAMILIES)
    assert "file = (required)" in output
