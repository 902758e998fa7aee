"""Figures as files and as SVG elements: equal bytes, exact size, any name as text."""

import re
import xml.etree.ElementTree as ET
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from support.figure_store import EVIL, KINDS, ODD_SHOWN, SIMPLE, drawn, world
from support.stored_cells import KNOWN, L1, PSNR, run_of

from bench_core.cli import main
from bench_core.errors import BadInput
from bench_core.store.store import CellStatus, Run, Store
from bench_reports import figures
from bench_reports.figures import style
from bench_reports.figures.source import Source

__all__ = ["world"]


def texts(figure: Figure) -> set[str]:
    return {text.get_text() for text in figure.findobj(Text)}


def inches(figure: Figure, format_: str) -> tuple[float, float]:
    """Return width and height of a file in inches."""
    if format_ == "png":
        with Image.open(BytesIO(figures.save(figure, "png"))) as image:
            return image.width / 300, image.height / 300
    if format_ == "pdf":
        box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", figures.save(figure, "pdf"))
    else:
        box = re.search(rb'viewBox="0 0 ([\d.]+) ([\d.]+)"', figures.save(figure, "svg"))
    assert box
    return float(box[1]) / 72, float(box[2]) / 72


@pytest.mark.parametrize("kind", KINDS)
def test_equal_rows_give_equal_bytes_of_the_requested_width(world: tuple[Store, Run], kind: str) -> None:
    for format_ in figures.FORMATS if kind == "grid" else ("pdf", "svg"):
        one, other = (figures.save(drawn(world, kind), format_) for _ in range(2))
        assert one == other
        assert not re.search(rb"CreationDate|ModDate|<dc:date>|Matplotlib v|tEXtSoftware", one)
        figure = drawn(world, kind, width="page")
        assert inches(figure, format_) == pytest.approx((6.75, figure.get_figheight()), abs=0.005)
        assert drawn(world, kind, width="column").get_figwidth() == 3.25


def test_fonts_are_embedded_as_truetype(world: tuple[Store, Run]) -> None:
    content = figures.save(drawn(world, "ranks"), "pdf")
    assert b"/FontFile2" in content and b"/CIDFontType2" in content
    assert b"/Type3" not in content


def test_user_settings_of_matplotlib_are_ignored(world: tuple[Store, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    before = figures.save(drawn(world, "ranks"), "pdf")
    with mpl.rc_context({"lines.linewidth": 9, "pdf.fonttype": 3, "text.color": "red", "savefig.bbox": "tight"}):
        assert figures.save(drawn(world, "ranks"), "pdf") == before


@pytest.mark.parametrize("kind", [*KINDS])
def test_any_name_is_shown_as_text(world: tuple[Store, Run], kind: str) -> None:
    figure = drawn(world, kind)
    page = figures.svg(figure)
    root = ET.fromstring(page)
    shown = {EVIL} if kind == "losses" else {EVIL, ODD_SHOWN} if kind == "curves" else {EVIL, ODD_SHOWN, SIMPLE}
    where = "".join(root.itertext())
    assert all(name in where for name in shown)
    assert not re.search("<b>|mathdefault", page)
    title = root[0]
    assert (title.tag.rpartition("}")[2], title.text) == ("title", figure.get_label())
    assert shown - texts(figure) == set() or kind in ("grid", "losses")


def test_inline_svg_takes_the_colours_of_its_page(world: tuple[Store, Run]) -> None:
    figure = drawn(world, "buckets")
    root = ET.fromstring(figures.svg(figure))
    assert root.get("role") == "img"
    styles = " ".join(element.get("style", "") for element in root.iter())
    assert "currentColor" in styles and style.INK not in styles
    assert not re.search(r"(fill|stroke): (#ffffff|white|#000000|black)", styles)
    written = root.findall(".//{*}text")
    assert written and all("currentColor" in text.get("style", "") for text in written)
    assert style.COLOURS[0] in styles
    assert not figures.svg(figure).lstrip().startswith("<?xml")
    assert not root.findall(".//{*}style"), "a style element would apply to the whole page"


def test_figures_on_a_page_share_no_ids(world: tuple[Store, Run]) -> None:
    pages = [figures.svg(drawn(world, "buckets", definition=name)) for name in (L1, PSNR)]
    ids = [re.findall(r' id="([^"]+)"', page) for page in pages]
    used = [re.findall(r'(?:url\(|href=")#([\w-]+)', page) for page in pages]
    assert ids[0] and not set(ids[0]) & set(ids[1])
    for of, referred in zip(ids, used, strict=True):
        assert len(of) == len(set(of)) and set(of) == set(referred)


def call(world: tuple[Store, Run], *options: str) -> tuple[int, str]:
    kind, *others = options
    result = CliRunner().invoke(main, ["figure", kind, str(world[0].root), *others])
    assert not result.exception or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize("kind", KINDS)
def test_command_writes_the_drawn_figure(world: tuple[Store, Run], kind: str, tmp_path: Path) -> None:
    assert call(world, kind, "-o", str(tmp_path / "a.svg"), "--width", "page") == (0, "")
    assert (tmp_path / "a.svg").read_bytes() == figures.save(drawn(world, kind, width="page"), "svg")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["ranks", "--metric", "psrn"], "no metric in this run 'psrn'. Did you mean 'psnr'?"),
        (["curves", "--mask-set", "centre"], "no mask set in this run 'centre'. Did you mean 'center'?"),
        (["buckets", "--methods", "simpel"], "no method in this run 'simpel'. Did you mean 'simple'?"),
        (["scatter", "--cost", "trainings"], "Did you mean 'training'?"),
        (["losses", "--methods", "simple"], "no method with losses in this run 'simple'"),
        (["losses", "--methods", "a,b"], "give one of a, b"),
        (["curves", "--methods", "simple"], "There are no curves of L1 on center"),
        (["grid", "--images", "3,7"], "Image 7 was not saved on center. Saved: 0, 3, 6"),
        (["ranks", "--zoom"], "--zoom does not apply to ranks"),
        (["grid", "--metric", "psnr"], "--metric does not apply to grid"),
    ],
)
def test_impossible_figures_are_reported_and_nothing_is_written(
    world: tuple[Store, Run], options: list[str], message: str, tmp_path: Path
) -> None:
    code, output = call(world, *options, "-o", str(tmp_path / "a.pdf"))
    assert code == 2 and message in output
    assert not list(tmp_path.iterdir())


def test_unknown_file_format_is_rejected(world: tuple[Store, Run], tmp_path: Path) -> None:
    code, output = call(world, "ranks", "-o", str(tmp_path / "a.doc"))
    assert code == 2 and "written as pdf, png, svg, not as 'doc'" in output


def test_empty_run_is_an_error_for_every_kind(store: Store) -> None:
    run = run_of(CellStatus("a", "a", 0, "failed", reason="it broke"))
    for module in KINDS.values():
        with pytest.raises(BadInput):
            module.draw(Source(store, run, KNOWN))


def test_figure_needs_a_single_experiment(store: Store, tmp_path: Path) -> None:
    for steps in (8, 9):
        store.write_run(run_of(CellStatus("a", "a", 0), steps=steps))
    code, output = call((store, run_of()), "ranks", "-o", str(tmp_path / "a.pdf"))
    assert code == 2 and "holds 2 experiments" in output and "give one of its runs/" in output
