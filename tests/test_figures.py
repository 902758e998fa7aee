"""Laws of figures: drawn are the tables' numbers, a method has one look, and equal rows make equal bytes."""

import json
import re
import xml.etree.ElementTree as ET
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from stored_cells import KNOWN, L1, PSNR, done, run_of

from bench_core import rows as rows_file
from bench_core.cli import main
from bench_core.errors import BadInput
from bench_core.store import Entry, Run, Store
from bench_reports import by_hole_ratio, figures, standings, table
from bench_reports.figures import buckets, curves, grid, losses, ranks, scatter, style

EVIL, ODD, SIMPLE = "_$x$ </title><b>_{^\\", "$a 中\u202e #111111", "simple"
NAMES = [EVIL, ODD, SIMPLE]
RATIOS = [0.05] * 4 + [0.15] * 4 + [0.4] * 4
KINDS = {each.__name__.rpartition(".")[2]: each for each in (buckets, curves, grid, losses, ranks, scatter)}
ODD_SHOWN = "$a ?? #111111"


def told(store: Store, entry: Entry, of: str, **facts: Any) -> None:
    store.folder(entry).write_provenance(of, facts)


def cell(store: Store, name: str, seed: int, place: int) -> Entry:
    """Values, curves, losses, costs and pictures of a cell, all different."""
    rng = np.random.default_rng(place * 10 + seed)
    entry = done(store, name, seed, l1=0.1 * place + rng.random(12) / 30, psnr=20 + rng.random(12))
    folder = store.folder(entry)
    rows = rows_file.read(folder.rows_path("judgement"))
    rows_file.write(folder.rows_path("judgement"), rows.assign(hole_ratio=RATIOS * 2))
    told(store, entry, "judgement", seconds_per_image=0.5 + place, device="cpu")
    if name != SIMPLE:
        for step in (0, 5, 9):
            folder.add_to_curves(step, "center", {L1: place + seed + step / 10, PSNR: 20.0 + step})
        lines = [{"step": step, "g/l1": 1.0 + seed + step, "g/tv": 2.0} for step in range(0, 600, 2)]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder.path / "training.jsonl").write_text(text + '{"step": 600, "g/')
        told(store, entry, "training", seconds_per_step=place + 1.0, parameters=1000 * (place + 1))
    samples = folder.path / "samples" / "judgement"
    samples.mkdir(parents=True, exist_ok=True)
    for number in (0, 3, 6):
        for kind, shade in {"image": 0, "masked": 9, "composite": 60 + place}.items():
            picture = np.full((16, 24, 3), shade, np.uint8)
            if kind == "composite":
                picture[:10, :20] = 0  # right but for the border below and to the right
            picture[number, number] = 200
            Image.fromarray(picture).save(samples / f"{number:06}-{kind}.png")
    return entry


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Run]:
    store = Store(tmp_path_factory.mktemp("figures"))
    seeds = {EVIL: (0, 1), ODD: (0,), SIMPLE: (0,)}
    entries = [cell(store, name, seed, place) for place, name in enumerate(NAMES) for seed in seeds[name]]
    run = run_of(*entries, num_pairs=12)
    store.write_run(run)
    return store, run


def drawn(world: tuple[Store, Run], kind: str, **options: Any) -> Figure:
    return KINDS[kind].draw(*world, KNOWN, **options)


def only(figure: Figure) -> Axes:
    (axes,) = figure.axes
    return axes


def lines(figure: Figure) -> list[list[tuple[float, float]]]:
    return [[(float(x), float(y)) for x, y in line.get_xydata()] for line in only(figure).lines]


def near(points: list[tuple[float, float]]) -> Any:
    return [pytest.approx(point) for point in points]


def spans(figure: Figure) -> list[dict[float, tuple[float, float]]]:
    """For each band its lowest and highest value by place."""
    found = []
    for band in only(figure).collections:
        points = np.concatenate([path.vertices for path in band.get_paths()])
        found.append({x: (min(y := points[points[:, 0] == x, 1]), max(y)) for x in np.unique(points[:, 0])})
    return found


def texts(figure: Figure) -> set[str]:
    return {text.get_text() for text in figure.findobj(Text)}


def test_buckets_are_those_of_the_table_with_their_intervals(world: tuple[Store, Run]) -> None:
    (made,) = by_hole_ratio.build(world[0], [world[1]], KNOWN)
    figure = drawn(world, "buckets", definition="psnr")
    for name, line, span in zip(NAMES, lines(figure), spans(figure), strict=True):
        rows = [("center", part, 4, name) for part in ("0.01-0.1", "0.1-0.2", "0.3-0.4")]
        middles = [0.055, 0.15, 0.35]
        assert line == near(list(zip(middles, made.values.loc[rows, ("", PSNR)], strict=True)))
        ends = made.details.loc[rows, [("", PSNR, "low"), ("", PSNR, "high")]].to_numpy()
        assert list(span) == pytest.approx(middles)
        np.testing.assert_allclose(list(span.values()), ends)


def test_curves_are_means_over_seeds_and_bands_reach_the_extremes(world: tuple[Store, Run]) -> None:
    figure = drawn(world, "curves")
    assert lines(figure) == [near([(0, 0.5), (5, 1.0), (9, 1.4)]), near([(0, 1.0), (5, 1.5), (9, 1.9)])]
    assert spans(figure)[0] == {0: (0, 1), 5: (0.5, 1.5), 9: pytest.approx((0.9, 1.9))}
    assert spans(figure)[1] == {0: (1, 1), 5: (1.5, 1.5), 9: pytest.approx((1.9, 1.9))}


def test_losses_are_thinned_to_means_and_half_a_line_is_left_out(world: tuple[Store, Run]) -> None:
    l1, tv = lines(drawn(world, "losses"))
    assert (len(l1), l1[0], l1[-1]) == (150, (0, 2.5), (596, 598.5))  # steps 0 and 2 of seeds 0 and 1; 596 and 598
    assert {y for _, y in tv} == {2.0}
    assert lines(drawn(world, "losses", methods=[ODD]))[0][0] == (0, 2.0)


def test_ranks_reach_from_the_best_to_the_worst_possible_best_mean_on_top(world: tuple[Store, Run]) -> None:
    (made,) = standings.build(world[0], [world[1]], KNOWN)
    rows = made.values.xs((L1), level="metric").droplevel(0)[""].sort_values("mean")
    figure = drawn(world, "ranks", definition=L1)
    bars, markers = lines(figure)[::2], lines(figure)[1::2]
    for place, (row, bar, marker) in enumerate(zip(rows.iloc, bars, markers, strict=True), start=1):
        assert bar == [(row["best rank"], place), (row["worst rank"], place)]
        assert marker == [(place, place)]
    names = [label.get_text() for label in only(figure).get_yticklabels()]
    assert names == [{EVIL: EVIL, ODD: ODD_SHOWN, SIMPLE: SIMPLE}[name] for name in rows.index]
    assert [text.get_text() for text in only(figure).texts] == rows["group"].tolist()


@pytest.mark.parametrize("cost", ["image", "training", "parameters"])
def test_scatter_sets_the_tables_numbers_against_costs(world: tuple[Store, Run], cost: str) -> None:
    (made,) = table.build(world[0], [world[1]], KNOWN)
    spent = {"image": [0.5, 1.5, 2.5], "training": [9, 18, 0], "parameters": [1000, 2000, 0]}[cost]
    found = lines(drawn(world, "scatter", definition="l1", cost=cost))
    for name, x in zip(NAMES, spent, strict=True):
        mean = made.values.loc[name, ("center", L1)]
        if x == 0:  # what learns nothing is a level line
            assert found.pop(0) == near([(0, mean), (1, mean)])
            continue
        assert found.pop(0) == near([(x, mean)])
        ends = made.details.loc[name, [("center", L1, "low"), ("center", L1, "high")]]
        assert found.pop(0) == near([(x, end) for end in ends])
    assert not found


def test_the_grid_shows_the_stored_pictures(world: tuple[Store, Run]) -> None:
    figure = drawn(world, "grid", images=(3, 0), methods=[ODD, SIMPLE])
    shown = [np.asarray(axes.images[0].get_array()) for axes in figure.axes]
    assert [int(picture[15, 0, 0]) for picture in shown] == [0, 0, 9, 9, 61, 61, 62, 62]
    assert [bool((picture[3, 3] == 200).all()) for picture in shown] == [True, False] * 4
    assert len(drawn(world, "grid").axes) == 2 * 5


def test_the_grid_magnifies_where_methods_are_farthest_from_the_truth(world: tuple[Store, Run]) -> None:
    first, *_ = drawn(world, "grid", images=(6,), zoom=True).axes
    (frame,), (inset,) = first.patches, first.child_axes
    assert (frame.get_width(), frame.get_height()) == (4, 4)
    x, y = (round(place + 0.5) for place in frame.get_xy())
    assert x + 4 > 20 or y + 4 > 10, "all else is right"
    assert y >= 10 or x >= 20, "wholly in what is wrong"
    assert inset.images[0].get_array().shape == (4, 4, 3)


def test_a_method_looks_the_same_whoever_is_drawn_beside_it(world: tuple[Store, Run]) -> None:
    looks = style.looks(NAMES)
    for kind in ("buckets", "curves"):
        (line,) = only(drawn(world, kind, methods=[ODD])).lines
        assert (line.get_color(), line.get_marker()) == (looks[ODD]["color"], looks[ODD]["marker"])
    assert looks[ODD]["color"] in {line.get_color() for line in only(drawn(world, "ranks")).lines}
    assert {line.get_color() for line in only(drawn(world, "scatter", methods=[ODD])).lines} == {looks[ODD]["color"]}


def test_looks_differ_with_and_without_colour() -> None:
    many = style.looks(map(str, range(28))).values()
    assert len({(look["color"], look["linestyle"]) for look in many}) == 28
    assert len({(look["marker"], look["linestyle"]) for look in many}) == 28
    assert all(to_hex(look["color"]) not in ("#000000", "#ffffff") for look in many)


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
    import matplotlib as mpl

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
    assert all("currentColor" in text.get("style", "") for text in root.iter("{*}text"))
    assert style.COLOURS[0] in styles
    assert not figures.svg(figure).lstrip().startswith("<?xml")
    assert not list(root.iter("{*}style")), "one would hold for the whole page"


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
    run = run_of(Entry("a", "a", 0, "failed", reason="it broke"))
    for kind, module in KINDS.items():
        with pytest.raises(BadInput):
            module.draw(store, run, KNOWN)
        assert kind


def test_one_figure_is_of_one_comparison(world: tuple[Store, Run]) -> None:
    from bench_reports.figures.asked import asked

    store, run = world
    with pytest.raises(BadInput, match=r"2 comparisons, .*give one of the folders in runs/"):
        asked("ranks", store, [run, run_of(*run.entries, steps=8)], KNOWN, "pdf", {})
