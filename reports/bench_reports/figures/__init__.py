"""Figures made from stored rows: for papers, and for the pages of the HTML site. Nothing here imports torch.

One file for each kind, `curves`, `losses`, `buckets`, `scatter`, `ranks` and `grid`, each with a function

    draw(source, *, mask_set="", definition="", width="column", methods=()) -> matplotlib.figure.Figure

that takes those of the options that mean something for its kind, and may take more. `source` is a
`bench_reports.figures.source.Source`, `width` "column" or "page". An empty mask set or definition is the first of the
run's protocol, a definition may be a bare name, no methods are all. It raises `BadInput` where there is nothing to
draw. Numbers are those of the tables; columns that are at hand already are drawn by `ranks.of_column`,
`scatter.of_column` and `buckets.of_columns`.

`Figure.get_label()` says in a sentence what is shown. `save` turns a figure into the bytes of a file, `svg` into an
element for a page. Equal rows make equal bytes.
"""

from bench_reports.figures.output import FORMATS, save, svg

__all__ = ["FORMATS", "save", "svg"]
