"""Published numbers: none is lost or changed, and each has its place in a table."""

import csv
import hashlib
from pathlib import Path

import pytest
from support.paths import ROOT

from bench_core.masks.mask_set import open_sets
from bench_core.metrics import bench_metrics, select_metrics
from bench_core.paper_table import PaperTable, read
from bench_core.protocol import Protocol, load
from bench_datasets import bench_image_sets
from bench_masks import bench_masks
from bench_reports import PUBLISHED_FOLDER, bench_paper_tables, bench_protocols

SOURCE = ROOT.parent / "shared" / "methods" / "published-results.csv"
NUMBERS = PUBLISHED_FOLDER / "published-results.csv"
TABLES = {file.name: read(file) for file in bench_paper_tables()}
PROTOCOLS = {file.name: load(file.name, bench_protocols()) for file in bench_protocols()}
METRICS = {metric.definition: metric for metric in bench_metrics()}
SHA256 = "9cc2ad6b3ef7c7346d943e5f50108450c11516b56922c76b64f249f95cc8016b"
NOT_MEASURED = {"training-and-testing (slide)", "user-study (slide)"}
every_table = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_numbers_are_unchanged() -> None:
    assert hashlib.sha256(NUMBERS.read_bytes()).hexdigest() == SHA256
    assert len(rows(NUMBERS)) == 260


@pytest.mark.skipif(not SOURCE.exists(), reason="the transcription is not beside this checkout")
def test_numbers_equal_the_transcription() -> None:
    assert rows(NUMBERS) == rows(SOURCE)


def test_every_number_belongs_to_a_table_or_is_listed_as_not_measured() -> None:
    placed = [number for table in TABLES.values() for number in table.published]
    assert {number.table for number in placed} | NOT_MEASURED == {row["table"] for row in rows(NUMBERS)}
    assert len(placed) == sum(row["table"] not in NOT_MEASURED for row in rows(NUMBERS)) > 200


@every_table
def test_every_number_of_a_table_has_a_cell(table: PaperTable) -> None:
    cells = [
        table.number(method, group, metric)
        for group in table.groups
        for metric in table.metrics_of(group)
        for method in table.methods
    ]
    shown = [cell for cell in cells if cell]
    assert sorted(map(str, shown)) == sorted(map(str, table.published))


def test_relative_changes_agree_with_their_numbers() -> None:
    lama = TABLES["lama-1"]
    checked = 0
    for group in lama.groups:
        for metric, how in lama.metrics.items():
            for method in lama.methods if how.relative_to else ():
                if change := lama.number(method, group, metric):
                    of = metric.partition("_")[0]
                    value, reference = lama.number(method, group, of), lama.number(how.relative_to, group, of)
                    assert value and reference
                    # both numbers are rounded, by half a unit of their last decimal
                    slack = [0.5 * 10 ** -len(n.value.partition(".")[2]) for n in (value, reference)]
                    low = (float(value.value) - slack[0]) / (float(reference.value) + slack[1])
                    high = (float(value.value) + slack[0]) / (float(reference.value) - slack[1])
                    assert 100 * low - 100 - 1 <= float(change.value) <= 100 * high - 100 + 1
                    checked += 1
    assert checked == 74


@every_table
def test_names_in_a_table_exist(table: PaperTable) -> None:
    for group in table.groups:
        if not group.protocol:
            continue
        protocol = PROTOCOLS[group.protocol]
        assert group.mask_set in protocol.test_masks
        computed = {metric.definition for metric in select_metrics(protocol.metrics, METRICS)}
        assert {how.definition for how in table.metrics.values()} - {""} <= computed
    assert {how.relative_to for how in table.metrics.values()} - {""} <= set(table.methods)
    assert table.requests("no such protocol") == []
    requested = {request for name in table.protocols for request in table.requests(name)}
    assert requested == set(table.methods.values()) - {""}


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_every_protocol_can_be_opened(protocol: Protocol) -> None:
    assert protocol.image_set in {image_set.name for image_set in bench_image_sets()}
    select_metrics(protocol.metrics, METRICS)
    for holes in open_sets(protocol.masks, {family.name: family for family in bench_masks()}).values():
        assert holes.draw(protocol.size, 0).any()
    assert protocol.title


def test_every_protocol_is_used_by_a_table() -> None:
    assert {name for table in TABLES.values() for name in table.protocols} == set(PROTOCOLS)


@pytest.mark.parametrize(
    ("name", "size", "side"),
    [("gradient-attention-mnist", 28, 14), ("gradient-attention-celeba", 128, 64), ("dmfn-places2", 256, 128)],
)
def test_centre_holes_have_the_published_size(name: str, size: int, side: int) -> None:
    protocol = PROTOCOLS[name]
    assert protocol.size == size
    center = open_sets(protocol.masks, {family.name: family for family in bench_masks()})["center"]
    hole = center.draw(size, 0)
    first, last = (size - side) // 2, (size + side) // 2
    assert hole[first:last, first:last].all()
    assert hole.sum() == side**2


def test_training_budgets_are_the_published_ones() -> None:
    budgets = {name: (protocol.batch, protocol.steps) for name, protocol in PROTOCOLS.items()}
    assert budgets["gradient-attention-mnist"] == (128, 14_000)
    assert budgets["gradient-attention-celeba"] == (16, 120_000)
    assert {budgets[name] for name in budgets if name.startswith("dmfn")} == {(16, 100_000)}
    assert {budgets[name] for name in budgets if name.startswith("lama")} == {(30, 1_000_000)}
