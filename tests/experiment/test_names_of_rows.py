"""Laws of the names of rows: what decides crops, holes and composites is in them."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from support.cell_setup import (
    BASE,
    FAMILIES,
    PROTOCOL_CHANGES,
    SAME_WEIGHTS,
    Colours,
    edit,
)

from bench_core.data.pairs import TestPairs
from bench_core.evaluation.evaluator import evaluation_id
from bench_core.masks.mask_set import MaskSet, open_sets
from bench_core.protocol import Protocol
from bench_core.system import sources

ROWS: dict[str, Any] = {"size": 32, "resize": 70, "crops": 2, "channels": 1, "seed": 1}
"""Fields of a protocol that decide which crops meet which holes."""


def rows_name(protocol: Protocol = BASE, digest: str = "images", post: str | None = None, **parameters: Any) -> str:
    mask_set = open_sets({"m": BASE.masks["free-form"]}, FAMILIES)["m"]
    mask_set = replace(mask_set, parameters={**mask_set.parameters, **parameters})
    return evaluation_id(TestPairs(protocol, Colours(), mask_set), digest, post)


def test_every_field_that_decides_crops_and_holes_is_in_the_name_of_rows():
    for name in Protocol.model_fields:
        value = {**PROTOCOL_CHANGES, **SAME_WEIGHTS, **ROWS}.get(name)
        if value is not None:
            assert (rows_name(BASE.model_copy(update={name: value})) != rows_name()) == (name in ROWS), name
    assert len({rows_name(), rows_name(digest="other"), rows_name(post="m:f"), rows_name(with_box=True)}) == 4


@pytest.mark.parametrize(
    ("edited", "changes"),
    [("data/decode.py", True), ("data/pairs.py", True), ("images.py", True), ("masks/mask_set.py", True),
     ("evaluation/evaluator.py", True), ("methods/method.py", True), ("seeds.py", True), ("metrics/ssim.py", False),
     ("training/trainer.py", False), ("cli/run.py", False)],
)  # fmt: skip
def test_edited_code_between_files_and_composites_makes_new_rows(core: Path, edited: str, changes: bool):
    before = rows_name()
    edit(core / edited)
    assert (rows_name() != before) == changes


def test_rows_of_images_that_were_predicted_together_have_their_own_name():
    pairs = TestPairs(BASE, Colours(), open_sets({"m": BASE.masks["free-form"]}, FAMILIES)["m"])
    assert len({evaluation_id(pairs, "images", together=n) for n in (1, 2, 4)}) == 3
    assert evaluation_id(pairs, "images", together=1) == evaluation_id(pairs, "images")


def test_an_edited_mask_family_makes_new_rows(packages: Path):
    family = Mock(draw="bench_family:draw", content="bench_content:of")
    drawn: Any = Mock(spec=MaskSet, identity={"family": "f"}, family=family)
    drawn.name = "m"
    found = {evaluation_id(TestPairs(BASE, Colours(), drawn), "images")}
    for package in ("bench_family", "bench_content"):
        edit(packages / package / "deep" / "code.py")
        found.add(evaluation_id(TestPairs(BASE, Colours(), drawn), "images"))
    assert len(found) == 3


@pytest.mark.parametrize("name", ["numpy", "opencv-python-headless", "pillow"])
def test_an_upgraded_decoder_makes_new_rows(name: str, monkeypatch: pytest.MonkeyPatch):
    before, installed = rows_name(), sources._version
    monkeypatch.setattr(sources, "_version", lambda each: "99" if each == name else installed(each))
    assert rows_name() != before
