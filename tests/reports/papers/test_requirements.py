"""Laws of what a paper's table needs before it can be measured."""

from pathlib import Path

import pytest
from support.toy_paper_table import NUMBERS, TABLE

from bench_core.errors import BadInput
from bench_core.experiment.paper_requirements import Requirements, requirements
from bench_core.paper_table import PaperTable, read
from bench_core.plugins import Plugins
from bench_core.protocol import load
from bench_core.specs import NamedFile
from bench_reports import bench_paper_tables, bench_protocols


def test_only_methods_with_cells_are_asked_for(paper: PaperTable) -> None:
    assert paper.protocols == ["moon", "mars"]
    assert paper.requests("moon") == ["new-tv", "other"]
    assert paper.requests("mars") == ["new-tv"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("title = ", "nine.toml"),
        (TABLE.replace("numbers.csv", "nothing.csv"), "nothing.csv"),
        (TABLE.replace("[methods]", "[mehtods]"), "mehtods"),
        (TABLE.replace('table = "Table 9"', ""), "table"),
    ],
)
def test_a_faulty_table_is_refused_by_name(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "numbers.csv").write_text(NUMBERS)
    (tmp_path / "nine.toml").write_text(text)
    with pytest.raises(BadInput, match=rf"nine\.toml[\s\S]*{told}|{told}"):
        read(NamedFile("nine", tmp_path / "nine.toml"))


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    found = Plugins.find()
    found.load_all()
    return found


def told(name: str, plugins: Plugins, *data: str) -> Requirements:
    table = read(plugins.records("paper_tables")[name])
    return requirements(table, {each: load(each, bench_protocols()) for each in table.protocols}, plugins, data)


def test_needs_are_images_weights_and_steps(plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = told("dmfn-3", plugins)
    assert found.wanted == [
        "images of celeba_hq",
        "weights of alexnet, vgg19",
        "dmfn-celeba-hq: 4 methods, 1 seed, 100,000 steps of batch 16",
    ]
    assert found.requests == ["dmfn-self_guided", "dmfn-align", "dmfn-fm_dis", "dmfn"]
    assert [item.partition(" (")[0] for item in found.missing] == [
        "--data celeba_hq=FOLDER",
        "weights of alexnet, vgg19",
    ]
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    (tmp_path / "alexnet_features.pth").touch()
    assert told("dmfn-3", plugins, "celeba_hq").missing == ["weights of vgg19"]
    assert told("dmfn-3", plugins, "").missing == ["weights of vgg19"]


@pytest.mark.parametrize("file", bench_paper_tables(), ids=lambda file: file.name)
def test_every_method_that_a_table_asks_for_is_here(file: NamedFile, plugins: Plugins) -> None:
    """With all plugins of this repository installed."""
    assert set(told(file.name, plugins).requests) == set(read(file).methods.values()) - {""}


def test_missing_methods_forms_and_holes_are_told(plugins: Plugins, paper: PaperTable) -> None:
    lama = told("lama-1", plugins)
    assert any(item.startswith("methods for LaMa-Fourier, CoModGAN") for item in lama.missing)
    assert "holes for Places, segmentation" in lama.missing
    found = requirements(paper, {}, plugins, ())
    assert "new-tv (There is no plugin 'new')" in found.missing
    formless = paper.model_copy(update={"methods": {"Old": "pconv:nothing", "Other": "pconv-nothing"}})
    missing = requirements(formless, {}, plugins, ()).missing
    assert any(item.startswith("pconv:nothing (There is no form of pconv 'nothing'") for item in missing)
    assert any(item.startswith("pconv-nothing (There is no loss term") for item in missing)
