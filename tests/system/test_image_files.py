"""Finding image files: what is taken, what is left out, and what is printed about it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import features
from support.image_sets import split_names, touch

from bench_core.data import listing_cache
from bench_core.errors import BadInput
from bench_core.scoring.match_files import find
from bench_core.system.image_files import find_image_files, image_suffixes
from bench_masks.image_folder import image_paths

IMAGES = ["a.png", "b/c.JPG", "b/d/e.jfif", "f.gif", "g.ppm", "h.pgm", "i.webp", "j.dib", "k.tiff"]
JUNK = [
    ".hidden.png",
    "._a.png",
    ".ipynb_checkpoints/a-checkpoint.png",
    "__MACOSX/._a.png",
    "__MACOSX/a.png",
    "b/@eaDir/thumb.jpg",
    "b/Thumbs.db",
    "desktop.ini",
    "b/.DS_Store",
    "notes.txt",
    "split.csv",
]


def names(paths: list[Path], folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in paths]


def by_walker(folder: Path) -> list[str]:
    return names(find_image_files(folder), folder)


def by_image_set(folder: Path) -> list[str]:
    (folder / "split.csv").unlink(missing_ok=True)
    train, test = split_names("folder", folder)
    return [*train, *test]


def by_mask_family(folder: Path) -> list[str]:
    return names(image_paths(str(folder)), folder)


def by_score(folder: Path) -> list[str]:
    return names([*find(str(folder)).values()], folder)


WALKERS = [by_walker, by_image_set, by_mask_family, by_score]


@pytest.mark.parametrize("walker", WALKERS)
def test_images_of_every_format_are_found_and_junk_is_not(walker: Callable, tmp_path: Path) -> None:
    wanted = [
        *IMAGES,
        *(["l.avif"] if features.check("avif") else []),
        *(["m.jp2"] if features.check("jpg_2000") else []),
    ]
    assert sorted(walker(touch(tmp_path, *wanted, *JUNK))) == sorted(wanted)


@pytest.mark.parametrize("walker", WALKERS)
def test_links_are_followed_and_lead_to_no_loop(walker: Callable, tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere", "x/b.png")
    folder = touch(tmp_path / "set", "a.png", "c/d.png")
    (folder / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (folder / "c" / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "e.png").symlink_to(folder / "a.png")
    assert sorted(walker(folder)) == ["a.png", "c/d.png", "e.png", "linked/x/b.png"]


@pytest.mark.parametrize("walker", WALKERS)
def test_other_files_and_mixed_formats_are_counted(
    walker: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    walker(touch(tmp_path, "a.png", "b.png", "c.JPG", "d.heic", "e/f.HEIC", "g.npy", "h.txt"))
    said = capsys.readouterr().err
    assert f"{tmp_path}: 3 files are not read as images: 2 .heic, 1 .npy." in said
    assert f"{tmp_path}: 3 images of several formats: 1 .jpg, 2 .png." in said
    assert said.count("heic") == 1, "once for both splits"


def test_one_format_alone_prints_nothing(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    by_walker(touch(tmp_path, "a.png", "b.png", "readme.md"))
    assert not capsys.readouterr().err


def test_counts_are_printed_from_a_cached_listing_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    from bench_core.system.image_files import print_once

    monkeypatch.setattr(listing_cache, "MIN_FILES_TO_CACHE", 1)
    monkeypatch.setattr(listing_cache, "SETTLE_SECONDS", -1.0)
    for _ in range(2):
        print_once.cache_clear()
        by_image_set(touch(tmp_path, "a.png", "b.png", "d.heic") if not (tmp_path / "a.png").exists() else tmp_path)
        assert "1 .heic" in capsys.readouterr().err
    assert list(listing_cache.folder().glob("listings/*"))


LAMA = ["x1.png", "x1_mask001.png", "x1_mask002.png", "d/x2.jpg", "d/x2_mask.png", "alone_mask.png", "x1_masked.txt"]
PHOTOGRAPHS, MASKS = ["alone_mask.png", "d/x2.jpg", "x1.png"], [
    "alone_mask.png",
    "d/x2_mask.png",
    "x1_mask001.png",
    "x1_mask002.png",
]  # fmt: skip


@pytest.mark.parametrize(
    ("walker", "wanted"),
    [(by_walker, PHOTOGRAPHS), (by_image_set, PHOTOGRAPHS), (by_score, PHOTOGRAPHS), (by_mask_family, MASKS)],
)
def test_masks_beside_photographs_are_not_mixed_with_them(
    walker: Callable, wanted: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    """A mask without its photograph is an image like any other, such as a prediction that is named after its mask."""
    assert sorted(walker(touch(tmp_path, *LAMA))) == wanted
    said = capsys.readouterr().err
    if wanted is PHOTOGRAPHS:
        assert "3 masks beside photographs are left out, such as x1_mask001.png" in said
    else:
        assert "2 photographs beside masks are left out, such as x1.png" in said


@pytest.mark.parametrize("walker", [by_walker, by_mask_family, by_score])
def test_a_missing_folder_is_named_with_its_place(
    walker: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=rf"folder {tmp_path}/nowhere"):
        walker(Path("nowhere"))
    touch(tmp_path, "file.png")
    with pytest.raises(BadInput, match=rf"{tmp_path}/file.png"):
        walker(Path("file.png"))


def test_a_pattern_matches_no_hidden_file(tmp_path: Path) -> None:
    touch(tmp_path, "0_out.png", "._0_out.png", "1_out.txt")
    (tmp_path / "2_out.png").mkdir()
    assert find(f"{tmp_path}/{{name}}_out.png") == {"0": tmp_path / "0_out.png"}


def test_every_suffix_is_one_that_pillow_opens() -> None:
    from PIL import Image

    Image.init()
    assert all(Image.registered_extensions()[suffix] in Image.OPEN for suffix in image_suffixes())
