"""Figures show the numbers of the tables, and a method has one style in all of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from support.figure_store import EVIL, NAMES, ODD, ODD_SHOWN, SIMPLE, drawn, world
from support.stored_cells import KNOWN, L1, PSNR

from bench_core.store.store import Run, Store
from bench_reports.figures import style
from bench_reports.tables import by_hole_ratio, table, with_intervals

__all__ = ["world"]


def only(figure: Figure) -> Axes:
    (axes,) = figure.axes
    return axes


def lines(figure: Figure) -> list[list[tuple[float, float]]]:
    return [[(float(x), float(y)) for x, y in np.asarray(line.get_xydata())] for line in only(figure).lines]


def near(points: Sequence[tuple[Any, Any]]) -> Any:
    return [pytest.approx(point) for point in points]


def spans(figure: Figure) -> list[dict[float, tuple[float, float]]]:
    """Return for each band its lowest and highest value by x."""
    found = []
    for band in only(figure).collections:
        points = np.concatenate([path.vertices for path in band.get_paths()])
        found.append({x: (min(y := points[points[:, 0] == x, 1]), max(y)) for x in np.unique(points[:, 0])})
    return found


def test_buckets_equal_the_table_with_its_intervals(world: tuple[Store, Run]) -> None:
    (made,) = by_hole_ratio.build(world[0], [world[1]], KNOWN)
    figure = drawn(world, "buckets", definition="psnr")
    for name, line, span in zip(NAMES, lines(figure), spans(figure), strict=True):
        middles = {0.055: "0.01-0.1", 0.15: "0.1-0.2", 0.35: "0.3-0.4"}
        rows = {x: ("center", part, 4, name) for x, part in middles.items()}
        assert line == near([(x, made.values.loc[row, ("", PSNR)]) for x, row in rows.items()])
        ends = [made.details.loc[row, [("", PSNR, "low"), ("", PSNR, "high")]] for row in rows.values()]
        assert list(span) == pytest.approx(list(middles))
        np.testing.assert_allclose(list(span.values()), ends)


def test_curves_are_means_with_bands_over_seeds(world: tuple[Store, Run]) -> None:
    figure = drawn(world, "curves")
    assert lines(figure) == [near([(0, 0.5), (5, 1.0), (9, 1.4)]), near([(0, 1.0), (5, 1.5), (9, 1.9)])]
    assert spans(figure)[0] == {0: (0, 1), 5: (0.5, 1.5), 9: pytest.approx((0.9, 1.9))}
    assert spans(figure)[1] == {0: (1, 1), 5: (1.5, 1.5), 9: pytest.approx((1.9, 1.9))}


def test_losses_are_thinned_and_a_partial_line_is_ignored(world: tuple[Store, Run]) -> None:
    l1, tv = lines(drawn(world, "losses"))
    assert (len(l1), l1[0], l1[-1]) == (150, (0, 2.5), (596, 598.5))  # steps 0 and 2 of seeds 0 and 1; 596 and 598
    assert {y for _, y in tv} == {2.0}
    assert lines(drawn(world, "losses", methods=[ODD]))[0][0] == (0, 2.0)


def test_ranks_equal_the_table_best_mean_on_top(world: tuple[Store, Run]) -> None:
    (made,) = with_intervals.build(world[0], [world[1]], KNOWN)
    rows = pd.DataFrame(made.values.xs(L1, level="metric").droplevel(0)[""]).sort_values(by="mean")
    figure = drawn(world, "ranks", definition=L1)
    bars, markers = lines(figure)[::2], lines(figure)[1::2]
    for place, (row, bar, marker) in enumerate(zip(rows.to_dict("records"), bars, markers, strict=True), start=1):
        assert bar == [(row["best rank"], place), (row["worst rank"], place)]
        assert marker == [(place, place)]
    names = [label.get_text() for label in only(figure).get_yticklabels()]
    assert names == [{EVIL: EVIL, ODD: ODD_SHOWN, SIMPLE: SIMPLE}[name] for name in rows.index]
    assert [text.get_text() for text in only(figure).texts] == rows["group"].tolist()


@pytest.mark.parametrize("cost", ["image", "training", "parameters"])
def test_scatter_shows_the_table_against_costs(world: tuple[Store, Run], cost: str) -> None:
    (made,) = table.build(world[0], [world[1]], KNOWN)
    costs = {"image": [0.5, 1.5, 2.5], "training": [9, 18, 0], "parameters": [1000, 2000, 0]}[cost]
    found = lines(drawn(world, "scatter", definition="l1", cost=cost))
    for name, x in zip(NAMES, costs, strict=True):
        mean = made.values.loc[name, ("center", L1)]
        if x == 0:  # a training-free method is a horizontal line
            assert found.pop(0) == near([(0, mean), (1, mean)])
            continue
        assert found.pop(0) == near([(x, mean)])
        ends = [made.details.loc[name, ("center", L1, end)] for end in ("low", "high")]
        assert found.pop(0) == near([(x, end) for end in ends])
    assert not found


def test_grid_shows_the_stored_images(world: tuple[Store, Run]) -> None:
    figure = drawn(world, "grid", images=(3, 0), methods=[ODD, SIMPLE])
    shown = [np.asarray(axes.images[0].get_array()) for axes in figure.axes]
    assert [int(image[15, 0, 0]) for image in shown] == [0, 0, 9, 9, 61, 61, 62, 62]
    assert [bool((image[3, 3] == 200).all()) for image in shown] == [True, False] * 4
    assert len(drawn(world, "grid").axes) == 2 * 5


def test_grid_magnifies_the_largest_error(world: tuple[Store, Run]) -> None:
    first, *_ = drawn(world, "grid", images=(6,), zoom=True).axes
    (frame,), (inset,) = first.patches, first.child_axes
    assert isinstance(frame, Rectangle)
    assert (frame.get_width(), frame.get_height()) == (4, 4)
    x, y = (round(place + 0.5) for place in frame.get_xy())
    assert x + 4 > 20 or y + 4 > 10, "all other pixels are correct"
    assert y >= 10 or x >= 20, "entirely inside the wrong area"
    assert np.asarray(inset.images[0].get_array()).shape == (4, 4, 3)


def test_style_of_a_method_does_not_depend_on_the_selection(world: tuple[Store, Run]) -> None:
    styles = style.line_styles(NAMES)
    for kind in ("buckets", "curves"):
        (line,) = only(drawn(world, kind, methods=[ODD])).lines
        assert (line.get_color(), line.get_marker()) == (styles[ODD]["color"], styles[ODD]["marker"])
    assert styles[ODD]["color"] in {line.get_color() for line in only(drawn(world, "ranks")).lines}
    assert {line.get_color() for line in only(drawn(world, "scatter", methods=[ODD])).lines} == {styles[ODD]["color"]}


def test_styles_differ_with_and_without_colour() -> None:
    many = style.line_styles(map(str, range(28))).values()
    assert len({(each["color"], each["linestyle"]) for each in many}) == 28
    assert len({(each["marker"], each["linestyle"]) for each in many}) == 28
    assert all(to_hex(each["color"]) not in ("#000000", "#ffffff") for each in many)
