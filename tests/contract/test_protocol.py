"""Protocols are validated, frozen, and hashed by all their settings."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bench_core import protocol as protocols
from bench_core.errors import BadInput
from bench_core.protocol import Protocol, load, validated

GIVEN: dict[str, Any] = {
    "name": "mine",
    "image_set": "photos",
    "size": 64,
    "steps": 10,
    "batch": 2,
    "metrics": ["l1", "psnr"],
    "masks": {"box": {"family": "center_box", "side": 96}, "strokes": {"family": "free_form", "thickness": [12, 40]}},
}
CHANGES = {
    "image_set": "celeba",
    "size": 32,
    "resize": 64,
    "crops": 2,
    "channels": 1,
    "test_images": 5,
    "masks": {**GIVEN["masks"], "box": {"family": "center_box", "side": 97}},
    "train_masks": ["box"],
    "test_masks": ["strokes"],
    "steps": 11,
    "batch": 3,
    "seed": 1,
    "seeds": [1],
    "metrics": ["l1"],
    "scale": "nano",
    "backbone": "random",
    "curve_every": 5,
    "curve_images": 3,
}


def protocol(**changes: Any) -> Protocol:
    return validated({**GIVEN, **changes}, "protocol in this test")


def refusal(data: dict[str, Any]) -> str:
    with pytest.raises(BadInput) as caught:
        validated(data, "protocol in this test")
    return str(caught.value)


def written(folder: Path, text: str | bytes) -> str:
    path = folder / "mine.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


@pytest.mark.parametrize("name", protocols.named())
def test_every_named_protocol_is_valid_and_has_a_title(name: str) -> None:
    loaded = protocols.load(name)
    assert loaded.name == name
    assert loaded.title
    assert set(loaded.train_masks) | set(loaded.test_masks) == set(loaded.masks)


def test_a_file_is_named_by_its_stem_unless_it_says_otherwise(tmp_path: Path) -> None:
    text = 'image_set = "photos"\nsize = 8\nsteps = 1\nbatch = 1\nmetrics = ["l1"]\nmasks.a.family = "x"\n'
    assert protocols.load(written(tmp_path, text)).name == "mine"
    assert protocols.load(written(tmp_path, f'name = "other"\n{text}')).name == "other"


@pytest.mark.parametrize(
    ("key", "nearest"), [("metric", "metrics"), ("image-set", "image_set"), ("Size", "size"), ("bacth", "batch")]
)
def test_an_unknown_key_is_refused_with_the_nearest(key: str, nearest: str) -> None:
    assert f"no key {key!r}. Did you mean {nearest!r}?" in refusal({**GIVEN, key: 1})


@pytest.mark.parametrize("key", [key for key, field in Protocol.model_fields.items() if field.is_required()])
def test_a_missing_key_is_named(key: str) -> None:
    assert f"{key}: Field required" in refusal({name: value for name, value in GIVEN.items() if name != key})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("size", "big"),
        ("size", -1),
        ("size", 1.5),
        ("resize", -1),
        ("crops", 0),
        ("channels", 2),
        ("test_images", 0),
        ("masks", {}),
        ("masks", 3),
        ("masks", "box"),
        ("masks", ["box"]),
        ("masks", {"box": "center_box"}),
        ("masks", {"box": {"side": 3}}),
        ("train_masks", 3),
        ("steps", -1),
        ("batch", 0),
        ("seed", "one"),
        ("seeds", []),
        ("seeds", ["one"]),
        ("seeds", [0, 1, 0]),
        ("metrics", []),
        ("metrics", "l1"),
        ("metrics", ["l1", "l1"]),
        ("test_masks", ["box", "box"]),
        ("scale", "huge"),
        ("backbone", "none"),
        ("image_set", 3),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_its_key(key: str, value: Any) -> None:
    assert f"\n  {key}" in refusal({**GIVEN, key: value})


def test_all_faults_are_reported_at_once() -> None:
    message = refusal({**GIVEN, "size": -1, "scale": "huge", "stepps": 3})
    assert all(key in message for key in ("size", "scale", "Did you mean 'steps'"))


@pytest.mark.parametrize("key", ["train_masks", "test_masks"])
def test_an_unknown_mask_set_is_refused_with_the_nearest(key: str) -> None:
    assert "mask set 'stroke'. Did you mean 'strokes'" in refusal({**GIVEN, key: ["stroke"]})


def test_all_mask_sets_are_used_by_default() -> None:
    assert protocol().train_masks == protocol().test_masks == ("box", "strokes")
    assert protocol(test_masks=["box"]).train_masks == ("box", "strokes")


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadInput, match=r"protocol 'quik'\. Did you mean 'quick'"):
        protocols.load("quik")


@pytest.mark.parametrize("text", ["size = ", "size: 3", b"size = 3 # \xff", "size = 1\nsize = 2"])
def test_a_file_that_is_not_toml_is_refused(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(BadInput, match=r"mine\.toml is not valid TOML"):
        protocols.load(written(tmp_path, text))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    for name in ("nowhere.toml", "folder.toml"):
        with pytest.raises(BadInput, match=f"{name} cannot be read"):
            protocols.load(str(tmp_path / name))


def test_a_file_with_a_fault_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"mine\.toml is not valid:\n.*Field required"):
        protocols.load(written(tmp_path, "size = 3"))


def test_a_protocol_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        protocol().__setattr__("size", 3)
    with pytest.raises(ValidationError, match="frozen"):
        protocol().masks["box"].__setattr__("family", "other")


def test_equal_content_has_an_equal_hash() -> None:
    backwards = dict(reversed(GIVEN.items()))
    written_out = protocol(train_masks=["box", "strokes"], seeds=(0,), resize=None, scale="paper")
    assert protocol().hash == validated(backwards, "same").hash == written_out.hash


@pytest.mark.parametrize("change", [{"name": "other"}, {"title": "Another"}])
def test_name_and_title_do_not_matter_to_the_hash(change: dict[str, str]) -> None:
    assert protocol(**change).hash == protocol().hash


@pytest.mark.parametrize("key", sorted(Protocol.model_fields.keys() - {"name", "title"}))
def test_every_other_field_matters_to_the_hash(key: str) -> None:
    assert protocol(**{key: CHANGES[key]}).hash != protocol().hash


def test_the_hash_is_the_same_in_every_process() -> None:
    script = (
        "from bench_core.protocol import Protocol; import json, sys; print(Protocol(**json.loads(sys.argv[1])).hash)"
    )
    for hash_seed in ("1", "2"):
        command = [sys.executable, "-c", script, json.dumps(GIVEN)]
        printed = subprocess.run(command, env={"PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True)
        assert printed.stdout.strip() == protocol().hash


def test_a_protocol_survives_being_stored() -> None:
    again = Protocol.model_validate(protocol().model_dump(mode="json"))
    assert again == protocol()
    assert again.hash == protocol().hash
    assert again.masks["strokes"].parameters == {"thickness": [12, 40]}


def test_overriding_replaces_what_is_given_and_keeps_the_rest() -> None:
    changed = protocol().override({"steps": 3, "batch": None, "seeds": (4, 5)})
    assert changed == protocol(steps=3, seeds=[4, 5])
    assert protocol().override({"steps": None}) == protocol()


def test_another_size_shows_as_much_of_each_image() -> None:
    assert protocol(size=64, resize=96).override({"size": 256}).resize == 384
    assert protocol(size=64, resize=96).override({"size": 256, "resize": 300}).resize == 300
    assert protocol(size=64, resize=None).override({"size": 256}).resize is None


def test_crops_larger_than_the_images_are_refused() -> None:
    with pytest.raises(BadInput, match="resize = 32 is smaller than the crops, size = 64"):
        protocol(size=64, resize=32)


def test_overriding_is_checked_too() -> None:
    with pytest.raises(BadInput, match=r"'mine' with the given options is not valid:\n  steps"):
        protocol().override({"steps": -1})


def test_mask_paths_may_start_beside_the_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that means two folders is refused. One that means none is left for the family to refuse."""
    (tmp_path / "protocols" / "drawn").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "protocols" / "mine.toml"
    text = 'image_set = "photos"\nsize = 64\nsteps = 1\nbatch = 1\nmetrics = ["l1"]\n'
    text += '[masks.a]\nfamily = "files"\nfolder = "drawn"\nhole = "white"\n'
    path.write_text(text + '[masks.b]\nfamily = "set"\nfile = "missing.holes"\n')
    monkeypatch.chdir(tmp_path / "elsewhere")
    masks = load("../protocols/mine.toml").masks
    assert Path(masks["a"].parameters["folder"]).samefile(tmp_path / "protocols" / "drawn")
    assert masks["b"].parameters["file"] == "missing.holes"
    (tmp_path / "elsewhere" / "drawn").mkdir()
    with pytest.raises(BadInput, match=rf"{tmp_path}/elsewhere/drawn or {tmp_path}/.*protocols/drawn"):
        load("../protocols/mine.toml")
    monkeypatch.chdir(tmp_path / "protocols")
    assert load("mine.toml").masks["a"].parameters["folder"] == "drawn"
