"""Tests of images in tar files, which equal the same files in a folder."""

import pickle
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result
from PIL import Image
from support.mask_sets import open_mask_set, small_protocol
from support.shards import pack, write_images

from bench_core import seeds
from bench_core.data import listing_cache, validate
from bench_core.data.digest_cache import cached_digests
from bench_core.data.loader import loader
from bench_core.data.pairs import TrainPairs
from bench_core.images import Images
from bench_core.store.store import Store, read_runs
from bench_datasets import folder as folders
from bench_datasets import shards

RULES = small_protocol()


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    write_images(tmp_path / "unpacked")
    return tmp_path / "unpacked"


@pytest.fixture
def packed(unpacked: Path, tmp_path: Path) -> Path:
    return pack(unpacked, tmp_path / "packed")


def assert_same(unpacked: Path, packed: Path) -> None:
    for split in ("train", "test"):
        expected, found = folders.open_split(unpacked, split), shards.open_split(packed, split)
        assert list(found.names) == list(expected.names) and len(found) == len(expected) > 0
        for index in range(len(found)):
            np.testing.assert_array_equal(found[index], expected[index])
            assert found.encoded(index) == expected.encoded(index)


@pytest.mark.parametrize("tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_shards_equal_the_folder_that_they_were_packed_from(unpacked: Path, tmp_path: Path, tar_format: int) -> None:
    assert_same(unpacked, pack(unpacked, tmp_path / "packed", tar_format))


def test_train_and_test_subfolders_come_first(tmp_path: Path) -> None:
    for split in ("train", "test"):
        write_images(tmp_path / "unpacked" / split)
    write_images(tmp_path / "unpacked")
    assert_same(tmp_path / "unpacked", pack(tmp_path / "unpacked", tmp_path / "packed"))


def test_split_csv_defines_the_split(unpacked: Path, packed: Path) -> None:
    listed = "name,split\n0.tar/ü 0.png,test\n1.tar/deep/er/ü 1.jpg,train\n"
    for folder in (unpacked, packed):
        (folder / "split.csv").write_text(listed, encoding="utf-8")
    assert_same(unpacked, packed)


def test_shards_and_folder_have_the_same_digests(unpacked: Path, packed: Path) -> None:
    def digests(open_split: Callable[..., Images], folder: Path) -> tuple[dict[str, str], str]:
        train, test = (open_split(folder, split) for split in ("train", "test"))
        found = validate.validate_images(train, test, RULES, 5, False)
        return found.drawn_digests(TrainPairs(RULES, train, (), 0), 5), found.test_digest

    assert digests(shards.open_split, packed) == digests(folders.open_split, unpacked)


def test_batches_depend_on_seed_and_position_alone(packed: Path) -> None:
    """For any number of processes, and for a training that resumes at any position."""

    def content(workers: int, positions: range, seed: int = 0) -> list[bytes]:
        pairs = TrainPairs(RULES, shards.open_split(packed, "train"), [open_mask_set("random_box")], seed)
        batches = loader(pairs, 3, workers, torch.device("cpu"), positions)
        return [batch[name].numpy().tobytes() for batch in batches for name in ("image", "hole")]

    alone = content(0, range(0, 60))
    assert content(2, range(0, 60)) == alone
    assert content(1, range(27, 60)) == alone[2 * 9 :]
    assert content(0, range(0, 60), seed=1) != alone


def test_every_epoch_shuffles_over_all_shards_and_takes_every_image_once(packed: Path) -> None:
    train = shards.open_split(packed, "train")
    pairs = TrainPairs(RULES, train, (), 0)
    orders = [[pairs.image_at(epoch * len(train) + i) for i in range(len(train))] for epoch in range(3)]
    for epoch, order in enumerate(orders):
        assert order == seeds.generator("order", 0, epoch).permutation(len(train)).tolist()
        assert len({train.names[index][0] for index in order[:8]}) > 1


def test_the_index_is_rebuilt_only_after_a_shard_changes(
    packed: Path, unpacked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing_cache, "MIN_FILES_TO_CACHE", 1)
    monkeypatch.setattr(listing_cache, "SETTLE_SECONDS", -1.0)
    assert_same(unpacked, packed)
    with monkeypatch.context() as patched:
        patched.setattr(tarfile, "open", lambda *_, **__: pytest.fail("a shard is read again"))
        assert_same(unpacked, packed)
    Image.new("RGB", (20, 20), "red").save(unpacked / "1.tar" / "new.png")
    assert_same(unpacked, pack(unpacked, packed))
    (packed / "2.tar").unlink()
    with pytest.raises(AssertionError):
        assert_same(unpacked, packed)


def test_digests_are_cached_until_their_shard_changes(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing_cache, "MIN_FILES_TO_CACHE", 1)
    monkeypatch.setattr(listing_cache, "SETTLE_SECONDS", -1.0)
    computed: list[str] = []

    def run() -> None:
        computed.clear()
        images = shards.open_split(packed, "train")

        def compute(missing: np.ndarray) -> Iterator[tuple[int, tuple[bytes]]]:
            for index in missing.tolist():
                computed.append(images.names[int(index)])
                yield index, (bytes(32),)

        cached_digests("zeros", images, np.arange(len(images)), compute)

    run()
    assert computed
    run()
    assert not computed
    with tarfile.open(packed / "1.tar", "a") as tar:
        tar.addfile(tarfile.TarInfo("note.txt"))
    run()
    assert computed == [name for name in shards.open_split(packed, "train").names if name.startswith("1.tar")]


def test_images_can_be_sent_to_another_process(packed: Path) -> None:
    images = shards.open_split(packed, "test")
    again = pickle.loads(pickle.dumps(images))
    np.testing.assert_array_equal(again[0], images[0])
    with pytest.raises(IndexError):
        images[len(images)]


def test_a_run_on_shards_gives_the_rows_of_a_run_on_the_folder(
    bench: Callable[..., Result], photographs: Path, tmp_path: Path
) -> None:
    packed = tmp_path / "packed"
    for split in ("train", "test"):
        (photographs / split).rename(photographs / f"{split}.tar")
        (photographs / split).mkdir()
        (photographs / f"{split}.tar").rename(photographs / split / "0.tar")
    pack(photographs, packed)
    bench("--plugins", "glcic", "--test-masks", "center", "--no-baselines", out="folder")
    bench(
        *("--plugins", "glcic", "--test-masks", "center", "--no-baselines"),
        *("--image-set", "shards", "--data", str(packed)),
        out="shards",
    )
    tables = []
    for out in ("folder", "shards"):
        store, runs = read_runs(tmp_path / out)
        tables.append(Store.rows(store, runs[-1]))
    columns = [column for column in tables[0] if column not in ("protocol", "cell", "judgement")]
    assert tables[0][columns].equals(tables[1][columns])
