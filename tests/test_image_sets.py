"""Laws of the image sets: a fixed order, train and test disjoint, nothing decoded early, errors that say what to do."""

import gzip
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from PIL import Image

import bench_datasets
from bench_core.errors import BadInput
from bench_core.images import BadImage, Images
from bench_core.specs import ImageSet, resolve
from bench_datasets.divisions import by_number, last_of

SHARED = Path(__file__).parents[2] / "shared" / "data"
MNIST_FILES = SHARED / "mnist" / "MNIST" / "raw"
SETS = {image_set.name: image_set for image_set in bench_datasets.bench_image_sets()}
PAPERS = ("celeba", "celeba_hq", "ffhq", "places2", "paris_streetview")


def opened(name: str, folder: Path | None, split: str) -> Images:
    return resolve(SETS[name].open)(folder, split)


def touch(folder: Path, *names: str) -> Path:
    """Empty files: enough for whatever must not decode them."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def both(name: str, folder: Path) -> tuple[list[str], list[str]]:
    return list(opened(name, folder, "train").names), list(opened(name, folder, "test").names)


# The door


def test_every_record_is_complete_and_opens_a_function() -> None:
    assert list(SETS) == ["photos", "folder", "shards", "mnist", "cifar10", *PAPERS]
    for image_set in SETS.values():
        assert isinstance(image_set, ImageSet) and image_set.title and image_set.source
        assert callable(resolve(image_set.open))
    assert [name for name, image_set in SETS.items() if not image_set.needs_folder] == ["photos", "mnist", "cifar10"]


def test_listing_the_sets_imports_nothing_heavy() -> None:
    code = "import bench_datasets, sys; bench_datasets.bench_image_sets(); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "torch", "torchvision", "PIL", "skimage"} & set(run.stdout.split())


@pytest.mark.parametrize("name", SETS)
def test_an_unknown_split_is_refused(tmp_path: Path, name: str) -> None:
    folder = None if name == "photos" else touch(tmp_path, "a.png", "b.png")
    with pytest.raises(BadInput, match=r"no split 'validation'.*test, train"):
        opened(name, folder, "validation")


@pytest.mark.parametrize("name", ["folder", "shards", *PAPERS])
def test_a_set_without_its_folder_says_what_to_do(tmp_path: Path, name: str) -> None:
    file = touch(tmp_path, "a.png") / "a.png"
    wrong = {None: "none was given", tmp_path / "absent": "absent does not exist", file: "is a file"}
    for folder, text in wrong.items():
        with pytest.raises(BadInput, match=text) as error:
            opened(name, folder, "test")
        if name in PAPERS:
            assert SETS[name].source in str(error.value)


# Photographs


def test_photos_are_11_and_5_whole_photographs() -> None:
    train, test = opened("photos", None, "train"), opened("photos", None, "test")
    assert (len(train), len(test)) == (11, 5)
    assert not set(train.names) & set(test.names)
    assert {"motorcycle_left.png", "motorcycle_right.png"} <= set(train.names)
    shapes = {name: images[i].shape for images in (train, test) for i, name in enumerate(images.names)}
    assert shapes["astronaut.png"] == (512, 512, 3)
    assert shapes["camera.png"] == (512, 512, 1)
    assert shapes["rocket.jpg"] == (427, 640, 3)
    assert all(images[i].dtype == np.uint8 for images in (train, test) for i in range(len(images)))
    assert min(min(shape[:2]) for shape in shapes.values()) >= 300


def test_photos_agree_with_scikit_image() -> None:
    from skimage import data

    test = opened("photos", None, "test")
    for index, name in enumerate(test.names):
        expected = getattr(data, name.partition(".")[0])()
        np.testing.assert_array_equal(test[index], expected.reshape(*expected.shape[:2], -1))


def test_photos_missing_from_scikit_image_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "data/astronaut.png", "data/camera.png")
    monkeypatch.setattr("bench_datasets.photos.files", lambda package: tmp_path)
    with pytest.raises(BadInput, match=r"does not carry coffee\.png, gravel\.png, rocket\.jpg"):
        opened("photos", None, "test")


def test_photos_take_no_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="takes no folder"):
        opened("photos", tmp_path, "test")


# Folders


def test_a_folder_is_searched_whole_and_in_order(tmp_path: Path) -> None:
    wanted = ["B.JPG", "a/c.jpeg", "a/d/e.TIFF", "a.b.png", "b.tif", "f.webp", "ü/ñ 1.bmp"]
    touch(tmp_path, *wanted, ".hidden.png", ".cache/x.png", "notes.txt", "png", "a/x.png.part", "y.gif")
    (tmp_path / "folder.png").mkdir()
    train, test = both("folder", tmp_path)
    assert sorted([*train, *test]) == sorted(wanted)
    assert train == sorted(train) and test == sorted(test)


def test_train_and_test_subfolders_come_first(tmp_path: Path) -> None:
    touch(tmp_path, "train/b.png", "train/x/a.png", "test/b.png", "beside.png")
    (tmp_path / "split.csv").write_text("name,split\nbeside.png,test\n")
    assert both("folder", tmp_path) == (["train/b.png", "train/x/a.png"], ["test/b.png"])


@pytest.mark.parametrize("subfolder", ["train", "test"])
def test_one_subfolder_alone_divides_nothing(tmp_path: Path, subfolder: str) -> None:
    train, test = both("folder", touch(tmp_path, *(f"{subfolder}/{i}.png" for i in range(20))))
    assert len(train) + len(test) == 20 and train and test


def test_a_split_file_divides(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "b/c.png", "d.png", "unlisted.png")
    (tmp_path / "split.csv").write_text(
        "\ufeffname, split\nd.png,train\nb/c.png,test \n\na.png,train\n", encoding="utf-8"
    )
    assert both("folder", tmp_path) == (["a.png", "d.png"], ["b/c.png"])


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("name,split\na.png,train\nb.png,val\n", r"split\.csv, line 3: the split is 'val'; expected train or test"),
        ("name,split\na.png\n", "line 2: the split is ''"),
        ("name,split\na.png,test\nc.png,test\n", r"lists 1 images that are not there, such as 'c\.png'"),
        ("name,split\n../a.png,test\n", "not there"),
        ("name,split\na.png,train\nb.png,test\na.png,test\n", r"line 4: 'a\.png' is listed twice"),
        ("name,split\na.png,train\n", "gives no image to the split 'test'"),
        ("name;split\na.png;test\n", "must begin with the line 'name,split', not 'name;split'"),
        ("", "must begin with the line"),
        ("name,split\n\xe9.png,test\n", "cannot be read as a list"),
    ],
)
def test_a_wrong_split_file_says_what_is_wrong(tmp_path: Path, content: str, text: str) -> None:
    touch(tmp_path, "a.png", "b.png")
    (tmp_path / "split.csv").write_text(content, encoding="latin-1")
    with pytest.raises(BadInput, match=text):
        opened("folder", tmp_path, "test")


def test_a_fifth_of_the_names_is_test_by_their_sha256(tmp_path: Path) -> None:
    train, test = both("folder", touch(tmp_path, *(f"{i:04d}.png" for i in range(1000))))
    lowest_fifth = {name for name in (*train, *test) if int(sha256(name.encode()).hexdigest(), 16) * 5 < 2**256}
    assert set(test) == lowest_fifth
    assert 150 < len(test) < 250


def test_another_image_moves_no_image(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{i}.png" for i in range(50)))
    before = both("folder", tmp_path)
    after = both("folder", touch(tmp_path, *(f"new/{i}.png" for i in range(50))))
    assert all(set(old) <= set(new) for old, new in zip(before, after, strict=True))


def test_the_content_plays_no_part(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{i}.png" for i in range(50)))
    before = both("folder", tmp_path)
    (tmp_path / "0.png").write_bytes(b"other")
    assert both("folder", tmp_path) == before


def test_two_images_are_enough_for_both_splits(tmp_path: Path) -> None:
    """Also where both hashes, or neither, lie in the lowest fifth."""
    seen = set()
    for i in range(40):
        pair = [f"{i}a.png", f"{i}b.png"]
        train, test = both("folder", touch(tmp_path / str(i), *pair))
        assert len(train) == len(test) == 1 and {*train, *test} == set(pair)
        hashes = {name: sha256(name.encode()).digest() for name in pair}
        assert hashes[test[0]] < hashes[train[0]]
        seen.add(sum(digest[0] < 51 for digest in hashes.values()))
    assert seen == {0, 1, 2}


def test_folders_too_small_to_divide_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"holds no image\. Expected files that end in bmp, jpeg"):
        opened("folder", tmp_path, "train")
    with pytest.raises(BadInput, match=r"only one image, a\.png"):
        opened("folder", touch(tmp_path, "a.png"), "train")
    touch(tmp_path, "train/a.png", "test/notes.txt")
    with pytest.raises(BadInput, match=r"test holds no image"):
        opened("folder", tmp_path, "test")


def test_links_are_followed_but_never_in_a_circle(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere", "a.png", "x/b.png")
    folder = touch(tmp_path / "set", "c.png")
    try:
        (folder / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
        (folder / "again").symlink_to(folder, target_is_directory=True)
    except OSError as error:
        pytest.skip(f"links cannot be made here: {error}")
    train, test = both("folder", folder)
    assert {*train, *test} == {"c.png", "linked/a.png", "linked/x/b.png"}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such names")
def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a.png")
    (tmp_path / os.fsdecode(b"caf\xe9.png")).touch()
    with pytest.raises(BadInput, match="not valid UTF-8"):
        opened("folder", tmp_path, "train")


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(BadInput, match=re.escape(f"{tmp_path} cannot be listed: Permission denied")):
        opened("folder", tmp_path, "train")


def test_nothing_is_decoded_before_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, *(f"train/{i}.png" for i in range(9)), "test/0.png")
    Image.fromarray(np.full((4, 5, 3), 7, np.uint8)).save(tmp_path / "train/3.png")
    monkeypatch.setattr(Image, "open", lambda *_: pytest.fail("a file was opened"))
    images = opened("folder", tmp_path, "train")
    assert len(images) == 9
    monkeypatch.undo()
    np.testing.assert_array_equal(images[3], np.full((4, 5, 3), 7))
    with pytest.raises(BadImage, match=r"train.0\.png"):
        images[0]


def test_images_end_where_their_names_end(tmp_path: Path) -> None:
    images = opened("photos", None, "test")
    with pytest.raises(IndexError):
        images[5]
    assert len([*pickle.loads(pickle.dumps(images))]) == 5  # they may travel to another process


# The papers' sets


def lay_out_celeba(folder: Path, images: str = "img_align_celeba", lists: str = "") -> Path:
    touch(folder, *(f"{images}/{i:06d}.jpg" for i in range(1, 7)))
    (folder / lists).mkdir(exist_ok=True)
    lines = (f"{i:06d}.jpg {word}" for i, word in zip(range(1, 7), "001122", strict=True))
    (folder / lists / "list_eval_partition.txt").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize(("images", "lists"), [("img_align_celeba", ""), ("Img/img_align_celeba", "Eval")])
def test_celeba_follows_the_official_partition(tmp_path: Path, images: str, lists: str) -> None:
    train, test = both("celeba", lay_out_celeba(tmp_path, images, lists))
    assert train == [f"{images}/000001.jpg", f"{images}/000002.jpg"]
    assert test == [f"{images}/000005.jpg", f"{images}/000006.jpg"]


def test_an_incomplete_celeba_is_refused(tmp_path: Path) -> None:
    lay_out_celeba(tmp_path)
    (tmp_path / "img_align_celeba" / "000005.jpg").unlink()
    with pytest.raises(BadInput, match=r"1 images that are not there, such as 'img_align_celeba/000005\.jpg'"):
        opened("celeba", tmp_path, "test")
    (tmp_path / "list_eval_partition.txt").write_text("000001.jpg 7\n")
    with pytest.raises(BadInput, match="line 1: the split is '7'"):
        opened("celeba", tmp_path, "test")
    (tmp_path / "list_eval_partition.txt").unlink()
    with pytest.raises(BadInput, match=r"There is no .*list_eval_partition\.txt"):
        opened("celeba", tmp_path, "test")


def test_the_last_images_by_number_are_test(tmp_path: Path) -> None:
    touch(tmp_path, *(f"x/{i}.jpg" for i in range(12)))
    rule = last_of(12, num_test=3)
    assert rule(tmp_path, "train") == [f"x/{i}.jpg" for i in range(9)]
    assert rule(tmp_path, "test") == ["x/9.jpg", "x/10.jpg", "x/11.jpg"]
    with pytest.raises(BadInput, match="holds 12 images; the set has 30, of which the last 3 are test"):
        last_of(30, num_test=3)(tmp_path, "test")


def test_celeba_hq_takes_the_papers_own_lists_first(tmp_path: Path) -> None:
    touch(tmp_path, "1.jpg", "2.jpg", "3.jpg")
    with pytest.raises(BadInput, match="holds 3 images; the set has 30000, of which the last 2000 are test"):
        opened("celeba_hq", tmp_path, "test")
    (tmp_path / "split.csv").write_text("name,split\n1.jpg,test\n2.jpg,train\n3.jpg,train\n")
    assert both("celeba_hq", tmp_path) == (["2.jpg", "3.jpg"], ["1.jpg"])
    touch(tmp_path, "train/a.jpg", "test/b.jpg")
    assert both("celeba_hq", tmp_path) == (["train/a.jpg"], ["test/b.jpg"])


def test_ffhq_is_divided_by_number_even_in_part(tmp_path: Path) -> None:
    touch(tmp_path, "00000/00000.png", "59000/59999.png", "60000/60000.png", "69000/69999.png")
    assert both("ffhq", tmp_path) == (["00000/00000.png", "59000/59999.png"], ["60000/60000.png", "69000/69999.png"])


@pytest.mark.parametrize(
    ("extra", "text"),
    [
        ("70000.png", r"70000\.png has no number from 0 to 69999"),
        ("face.png", r"face\.png has no number"),
        ("thumbnails128x128/00001.png", r"image 1 twice: .*00001\.png and .*00001\.png"),
    ],
)
def test_what_is_not_ffhq_is_refused(tmp_path: Path, extra: str, text: str) -> None:
    touch(tmp_path, "images1024x1024/00001.png", extra)
    with pytest.raises(BadInput, match=text):
        opened("ffhq", tmp_path, "train")


def test_a_split_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no image for the split 'test'; test is 5 to 9"):
        by_number(range(5, 10), last=9)(touch(tmp_path, "1.png"), "test")


@pytest.mark.parametrize(
    ("name", "train", "test"),
    [
        ("places2", "data_large", "val_large"),
        ("places2", "data_256_standard", "val_256"),
        ("places2", "train", "val"),
        ("paris_streetview", "paris_train_original", "paris_eval_gt"),
        ("paris_streetview", "paris_train_original", "paris_eval/paris_eval_gt"),
        ("paris_streetview", "paris_train_original", "paris_eval"),
    ],
)
def test_sets_in_folders_take_the_authors_folders(tmp_path: Path, name: str, train: str, test: str) -> None:
    touch(tmp_path, f"{train}/a/1.jpg", f"{test}/2.jpg", "other/3.jpg")
    if test == "paris_eval/paris_eval_gt":
        touch(tmp_path, "paris_eval/paris_eval_corrupted/2.jpg")
    assert both(name, tmp_path) == ([f"{train}/a/1.jpg"], [f"{test}/2.jpg"])


def test_both_splits_come_from_the_layout_that_is_whole(tmp_path: Path) -> None:
    touch(tmp_path, "val_large/1.jpg", "data_256/2.jpg", "val_256/3.jpg")
    assert both("places2", tmp_path) == (["data_256/2.jpg"], ["val_256/3.jpg"])


def test_a_test_set_alone_can_be_judged(tmp_path: Path) -> None:
    touch(tmp_path, "val_256/3.jpg")
    assert list(opened("places2", tmp_path, "test").names) == ["val_256/3.jpg"]
    with pytest.raises(BadInput, match=r"no folder for the split 'train'\. Expected one of: data_large/, .*\n.*csail"):
        opened("places2", tmp_path, "train")


# Every set that lies in a folder


LAYOUTS: dict[str, Callable[[Path], Path]] = {
    "folder": lambda folder: touch(folder, *(f"{i % 7}/{i}.png" for i in range(60))),
    "celeba": lay_out_celeba,
    "celeba_hq": lambda folder: touch(folder, *(f"{s}/{i}.png" for s in ("train", "test") for i in range(12))),
    "ffhq": lambda folder: touch(folder, *(f"{i:05d}.png" for i in range(0, 70_000, 2500))),
    "places2": lambda folder: touch(folder, *(f"{s}/{i}.png" for s in ("train", "val") for i in range(12))),
    "paris_streetview": lambda folder: touch(folder, "paris_train_original/1.png", "paris_eval_gt/1.png"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_train_and_test_share_no_image(tmp_path: Path, name: str) -> None:
    train, test = both(name, LAYOUTS[name](tmp_path))
    assert train and test
    assert len({*train, *test}) == len(train) + len(test)


@pytest.mark.parametrize("name", LAYOUTS)
def test_opening_twice_gives_the_same(tmp_path: Path, name: str) -> None:
    folder = LAYOUTS[name](tmp_path)
    assert both(name, folder) == both(name, folder)


def test_a_fresh_process_gives_the_same_order(tmp_path: Path) -> None:
    """On a copy whose files were made in the opposite order, with another seed for Python's own hashes."""
    for i in reversed(range(60)):
        touch(tmp_path / "copy", f"{i % 7}/{i}.png")
    code = (
        "import json, sys; from pathlib import Path; from bench_datasets.folder import open_split;"
        "print(json.dumps([[*open_split(Path(sys.argv[1]), split).names] for split in ('train', 'test')]))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "copy")]
    run = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": "5"})
    here = both("folder", LAYOUTS["folder"](tmp_path / "here"))
    assert json.loads(run.stdout) == list(here)


# torchvision's sets


@pytest.mark.skipif(not MNIST_FILES.is_dir(), reason=f"MNIST is not at {MNIST_FILES}")
def test_mnist_is_read_from_its_official_files(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for path in MNIST_FILES.iterdir():
        shutil.copyfile(path, raw / path.name)
    images = opened("mnist", tmp_path, "test")
    assert len(images) == len(images.names) == 10_000
    assert images.names[42] == "test-00042"
    pixels = np.frombuffer(gzip.decompress((MNIST_FILES / "t10k-images-idx3-ubyte.gz").read_bytes())[16:], np.uint8)
    np.testing.assert_array_equal(images[42], pixels.reshape(-1, 28, 28, 1)[42])
    images[42][:] = 0
    assert images[42].any(), "what is read is the caller's to change, the set stays"
    train = opened("mnist", tmp_path, "train")
    assert (len(train), train.names[0], train[0].shape) == (60_000, "train-00000", (28, 28, 1))


@pytest.fixture
def small_cifar10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """CIFAR-10's layout with ten images a batch, pickled so that NumPy 2.4 warns. The pixels, in reading order."""
    from torchvision.datasets import CIFAR10

    pixels = np.random.default_rng(0).integers(0, 256, (60, 3, 32, 32), dtype=np.uint8)
    batches = [name for name, _ in (*CIFAR10.train_list, *CIFAR10.test_list)]
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name, part in zip(batches, np.split(pixels, 6), strict=True):
        content = pickle.dumps({"data": part.reshape(10, -1), "labels": [0] * 10}, protocol=2)
        old_type = content.replace(b"\x89\x88\x87", b"K\x00K\x00\x87")  # integers for booleans
        assert old_type != content
        (folder / name).write_bytes(old_type)
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": ["a"]}))
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda path, md5: Path(path).is_file())
    return pixels.transpose(0, 2, 3, 1)


def test_cifar10_is_read_in_rgb_with_no_warning(tmp_path: Path, small_cifar10: np.ndarray) -> None:
    train, test = opened("cifar10", tmp_path, "train"), opened("cifar10", tmp_path, "test")
    assert (len(train), len(test), train.names[49], test.names[9]) == (50, 10, "train-00049", "test-00009")
    np.testing.assert_array_equal(np.stack([*train, *test]), small_cifar10)


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
@pytest.mark.parametrize("folder", [True, False])
def test_a_failing_download_says_what_to_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, folder: bool
) -> None:
    def offline(*_, **__) -> None:
        raise URLError("no network")

    monkeypatch.setattr(f"torchvision.datasets.{name.rstrip('10')}.download_and_extract_archive", offline)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    root = tmp_path / "given" if folder else tmp_path / ".cache" / "inpaint-bench" / name
    with pytest.raises(BadInput, match=r"no network[\s\S]*Fetch .*gz.* of http.*, put it in " + re.escape(str(root))):
        opened(name, root if folder else None, "train")


def test_damaged_files_of_mnist_say_what_to_fetch(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    for part in ("train", "t10k"):
        touch(raw, f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte")
    with pytest.raises(BadInput, match="can be neither read"):
        opened("mnist", tmp_path, "test")
