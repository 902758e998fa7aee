"""Laws of figures as files and as elements of a page: equal bytes, their own size, any name as text."""

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
from bench_reports.figures.select import asked
from bench_reports.figures.source import Source

__all__ = ["world"]


def texts(figure: Figure) -> set[str]:
    return {text.get_text() for text in figure.findobj(Text)}


def inches(figure: Figure, format_: str) -> tuple[float, float]:
    """Width and height of a file."""
    if format_ == "png":
        with Image.open(BytesIO(figures.save(figure, "png"))) as picture:
            return picture.width / 300, picture.height / 300
    if format_ == "pdf":
        box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", figures.save(figure, "pdf"))
    else:
        box = re.search(rb'viewBox="0 0 ([\d.]+) ([\d.]+)"', figures.save(figure, "svg"))
    assert box
    return float(box[1]) / 72, float(box[2]) / 72


@pytest.mark.parametrize("kind", KINDS)
def test_equal_rows_make_equal_bytes_in_their_own_size(world: tuple[Store, Run], kind: str) -> None:
    for format_ in figures.FORMATS if kind == "grid" else ("pdf", "svg"):
        one, other = (figures.save(drawn(world, kind), format_) for _ in range(2))
        assert one == other
        assert not re.search(rb"CreationDate|ModDate|<dc:date>|Matplotlib v|tEXtSoftware", one)
        figure = drawn(world, kind, width="page")
        assert inches(figure, format_) == pytest.approx((6.75, figure.get_figheight()), abs=0.005)
        assert drawn(world, kind, width="column").get_figwidth() == 3.25


def test_fonts_are_embedded_whole(world: tuple[Store, Run]) -> None:
    content = figures.save(drawn(world, "ranks"), "pdf")
    assert b"/FontFile2" in content and b"/CIDFontType2" in content
    assert b"/Type3" not in content


def test_the_users_own_settings_change_nothing(world: tuple[Store, Run], monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_an_inline_svg_takes_the_colours_of_its_page(world: tuple[Store, Run]) -> None:
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
    assert not root.findall(".//{*}style"), "one would hold for the whole page"


def test_two_figures_on_a_page_share_no_id_and_refer_to_their_own(world: tuple[Store, Run]) -> None:
    pages = [figures.svg(drawn(world, "buckets", definition=name)) for name in (L1, PSNR)]
    ids = [re.findall(r' id="([^"]+)"', page) for page in pages]
    used = [re.findall(r'(?:url\(|href=")#([\w-]+)', page) for page in pages]
    assert ids[0] and not set(ids[0]) & set(ids[1])
    for of, referred in zip(ids, used, strict=True):
        assert len(of) == len(set(of)) and set(of) == set(referred)


def call(world: tuple[Store, Run], *options: str) -> tuple[int, str]:
    kind, *others = options
    said = CliRunner().invoke(main, ["figure", kind, str(world[0].root), *others])
    assert not said.exception or isinstance(said.exception, SystemExit), said.exception
    return said.exit_code, said.output


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_writes_what_is_drawn(world: tuple[Store, Run], kind: str, tmp_path: Path) -> None:
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
        (["grid", "--images", "3,7"], "No pictures of image 7 were kept on center. Kept: 0, 3, 6"),
        (["ranks", "--zoom"], "--zoom means nothing for ranks"),
        (["grid", "--metric", "psnr"], "--metric means nothing for grid"),
    ],
)
def test_what_cannot_be_drawn_is_told_and_nothing_written(
    world: tuple[Store, Run], options: list[str], message: str, tmp_path: Path
) -> None:
    code, said = call(world, *options, "-o", str(tmp_path / "a.pdf"))
    assert code == 2 and message in said
    assert not list(tmp_path.iterdir())


def test_a_file_must_be_of_a_known_format(world: tuple[Store, Run], tmp_path: Path) -> None:
    code, said = call(world, "ranks", "-o", str(tmp_path / "a.doc"))
    assert code == 2 and "written as pdf, png, svg, not as 'doc'" in said


def test_an_empty_store_has_nothing_to_draw(store: Store) -> None:
    run = run_of(CellStatus("a", "a", 0, "failed", reason="it broke"))
    for kind, module in KINDS.items():
        with pytest.raises(BadInput):
            module.draw(Source(store, run, KNOWN))
        assert kind


def test_one_figure_is_of_one_comparison(world: tuple[Store, Run]) -> None:
    store, run = world
    with pytest.raises(BadInput, match=r"2 comparisons, .*give one of the folders in runs/"):
        asked("ranks", store, [run, run_of(*run.entries, steps=8)], KNOWN, "pdf", {})
