"""Tests of cached listings, which equal fresh ones, and of string tables."""

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
from bench_datasets import find_images
from bench_datasets.folder import open_split


@pytest.fixture
def caching(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cache short listings too, and folders that changed a moment ago."""
    monkeypatch.setattr(listing_cache, "MIN_FILES_TO_CACHE", 1)
    monkeypatch.setattr(listing_cache, "SETTLE_SECONDS", -1.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write images in subfolders, one of which is a link to another folder."""
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


@pytest.mark.usefixtures("caching")
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


@pytest.mark.usefixtures("caching")
@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_a_folder_is_detected(folder: Path, change: str) -> None:
    before = list(find_images.image_names(folder))
    time.sleep(0.02)  # a tick of the file system's clock
    CHANGES[change](folder)
    after = list(find_images.image_names(folder))
    assert after != before
    assert after == expected(folder)


@pytest.mark.usefixtures("caching")
def test_setting_a_time_back_hides_no_change(folder: Path) -> None:
    for path, change in ((folder / "b", lambda: (folder / "b" / "new.png").touch()), (folder / "a.png", lambda: None)):
        times, stamp = os.stat(path), listing_cache.stamp(path)
        time.sleep(0.02)
        change()
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert stamp is not None and listing_cache.stamp(path) != stamp


def test_a_folder_that_changed_a_moment_ago_is_not_cached(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing_cache, "MIN_FILES_TO_CACHE", 1)
    find_images.image_names(folder)
    assert listing_cache.stamp(folder) is None
    assert not list(listing_cache.folder().glob("listings/*"))


def test_a_short_listing_is_not_cached(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing_cache, "SETTLE_SECONDS", -1.0)
    find_images.image_names(folder)
    assert not list(listing_cache.folder().glob("listings/*"))


@pytest.mark.usefixtures("caching")
def test_a_damaged_or_unwritable_cache_changes_no_result(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = list(find_images.image_names(folder))
    (path,) = listing_cache.folder().glob("listings/*")
    whole = path.read_bytes()
    for damaged in (b"", b"no table", whole[:-7], whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        assert list(find_images.image_names(folder)) == names
        assert path.read_bytes() == whole, "the cache is rewritten"
    monkeypatch.setenv("BENCH_CACHE", str(folder / "a.png"))
    assert list(find_images.image_names(folder)) == names


@given(st.lists(st.text()), st.data())
def test_a_string_table_behaves_like_a_list(texts: list[str], data: st.DataObject) -> None:
    try:
        names = StringTable.from_strings(texts)
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
def test_string_tables_are_sorted_as_python_sorts_text(parts: list[list[str]]) -> None:
    together = StringTable.sorted([StringTable.from_strings([]), *map(StringTable.from_strings, parts)])
    assert [*together] == sorted(name for part in parts for name in part)


def test_iteration_crosses_chunks() -> None:
    texts = [f"{number}.png" for number in range(20_001)]
    names = StringTable.from_strings(texts)
    assert [*names] == texts
    assert [*names.take(np.array([20_000, 3]))] == ["20000.png", "3.png"]
