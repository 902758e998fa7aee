"""Laws of listings that are kept: no reader can tell them from listing anew, but for the time that it takes."""

import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench_core.data import listing_cache
from bench_core.data.string_table import StringTable
from bench_datasets import listing
from bench_datasets.folder import open_split


@pytest.fixture
def keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short listings are kept too, and of folders that were made a moment ago."""
    monkeypatch.setattr(listing_cache, "MIN_FILES_TO_CACHE", 1)
    monkeypatch.setattr(listing_cache, "SETTLED", -1.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images in subfolders, one of them a link to elsewhere."""
    for name in (
        "set/a.png",
        "set/b/c.png",
        "set/b/d/e.JPG",
        "set/empty/notes.txt",
        "elsewhere/x/f.png",
        "other/g.png",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "set" / "bare").mkdir()
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    return tmp_path / "set"


def expected(folder: Path) -> list[str]:
    return sorted(
        os.path.relpath(os.path.join(found, name), folder)
        for found, _, names in os.walk(folder, followlinks=True)
        for name in names
        if name.lower().endswith((".png", ".jpg"))
    )


@pytest.mark.usefixtures("keeping")
def test_a_folder_is_searched_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {split: list(open_split(folder, split).names) for split in ("train", "test")}
    assert sorted([*names["train"], *names["test"]]) == expected(folder)
    monkeypatch.setattr(os, "walk", lambda *_, **__: pytest.fail("the folder is searched again"))
    assert {split: list(open_split(folder, split).names) for split in ("train", "test")} == names


CHANGES: dict[str, Callable[[Path], object]] = {
    "added": lambda folder: (folder / "new.png").touch(),
    "added deep": lambda folder: (folder / "b" / "d" / "new.png").touch(),
    "added where no image was": lambda folder: (folder / "empty" / "new.png").touch(),
    "added where nothing was": lambda folder: (folder / "bare" / "new.png").touch(),
    "added behind a link": lambda folder: (folder / "linked" / "x" / "new.png").touch(),
    "removed": lambda folder: (folder / "b" / "c.png").unlink(),
    "renamed": lambda folder: (folder / "b" / "c.png").rename(folder / "b" / "z.png"),
    "moved": lambda folder: (folder / "b" / "c.png").rename(folder / "c.png"),
    "a folder renamed": lambda folder: (folder / "b").rename(folder / "y"),
    "a link turned": lambda folder: ((folder / "linked").unlink(), (folder / "linked").symlink_to(folder / "../other")),
}


@pytest.mark.usefixtures("keeping")
@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_a_folder_is_noticed(folder: Path, change: str) -> None:
    before = list(listing.image_names(folder))
    time.sleep(0.02)  # a tick of the file system's clock
    CHANGES[change](folder)
    after = list(listing.image_names(folder))
    assert after != before
    assert after == expected(folder)


@pytest.mark.usefixtures("keeping")
def test_a_time_that_is_set_back_hides_no_change(folder: Path) -> None:
    for path, change in ((folder / "b", lambda: (folder / "b" / "new.png").touch()), (folder / "a.png", lambda: None)):
        times, stamp = os.stat(path), listing_cache.stamp(path)
        time.sleep(0.02)
        change()
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert stamp is not None and listing_cache.stamp(path) != stamp


def test_what_changed_a_moment_ago_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing_cache, "MIN_FILES_TO_CACHE", 1)
    listing.image_names(folder)
    assert listing_cache.stamp(folder) is None
    assert not list(listing_cache.folder().glob("listings/*"))


def test_a_short_listing_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing_cache, "SETTLED", -1.0)
    listing.image_names(folder)
    assert not list(listing_cache.folder().glob("listings/*"))


@pytest.mark.usefixtures("keeping")
def test_a_damaged_or_unwritable_cache_costs_time_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = list(listing.image_names(folder))
    (path,) = listing_cache.folder().glob("listings/*")
    whole = path.read_bytes()
    for damaged in (b"", b"no table", whole[:-7], whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        assert list(listing.image_names(folder)) == names
        assert path.read_bytes() == whole, "it is written anew"
    monkeypatch.setenv("BENCH_CACHE", str(folder / "a.png"))
    assert list(listing.image_names(folder)) == names


# Names


@given(st.lists(st.text()), st.data())
def test_names_are_as_a_list_of_them(texts: list[str], data: st.DataObject) -> None:
    try:
        names = StringTable.of(texts)
    except UnicodeEncodeError:
        assert any("\ud800" <= letter <= "\udfff" for letter in "".join(texts))
        return
    assert [*names] == texts and len(names) == len(texts)
    chosen = data.draw(st.slices(len(texts)))
    assert [*names[chosen]] == texts[chosen]
    for index in range(-len(texts), len(texts)):
        assert names[index] == texts[index]
    assert [*pickle.loads(pickle.dumps(names))] == texts
    for index in (len(texts), -len(texts) - 1):
        with pytest.raises(IndexError):
            names[index]


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])))))
def test_names_are_sorted_as_python_sorts_text(parts: list[list[str]]) -> None:
    together = StringTable.sorted([StringTable.of([]), *map(StringTable.of, parts)])
    assert [*together] == sorted(name for part in parts for name in part)


def test_long_names_are_walked_whole() -> None:
    texts = [f"{number}.png" for number in range(20_001)]
    names = StringTable.of(texts)
    assert [*names] == texts
    assert [*names.take(np.array([20_000, 3]))] == ["20000.png", "3.png"]
