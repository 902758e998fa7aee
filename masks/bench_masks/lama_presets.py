"""Parameters of LaMa's test holes (Suvorov et al., WACV 2022) for `bench_masks.chains.chains_or_boxes`.

Their code draws one chain more than its arguments say (4 to 50 means 4 to 51). It draws other numbers up to one less
(40 means 10 to 49).
"""

from typing import Any

_SHARED = {"segments": (1, 5), "hole_ratio": (0.0, 0.5)}
_NO_BOXES = {"box_weight": 0.0, "boxes": (1, 3), "box_side": (30, 150), "margin": 10}


def _boxes(count: tuple[int, int], side: tuple[int, int], margin: int) -> dict[str, Any]:
    return {"box_weight": 0.3, "boxes": count, "box_side": side, "margin": margin}


PRESETS: dict[str, dict[str, Any]] = {
    name: {**_SHARED, "strokes": strokes, "length": length, "thickness": thickness, **boxes, "canvas": canvas}
    for name, canvas, strokes, length, thickness, boxes in (
        ("narrow_256", 256, (4, 51), (10, 49), (5, 14), _NO_BOXES),
        ("medium_256", 256, (4, 6), (10, 109), (5, 54), _boxes((1, 5), (10, 50), 0)),
        ("wide_256", 256, (1, 6), (10, 209), (5, 104), _boxes((1, 3), (30, 150), 10)),
        ("narrow_512", 512, (4, 71), (10, 109), (5, 24), _NO_BOXES),
        ("medium_512", 512, (4, 11), (10, 209), (5, 104), _boxes((1, 5), (30, 150), 0)),
        ("wide_512", 512, (1, 6), (10, 459), (5, 254), _boxes((1, 4), (30, 300), 10)),
    )
}
