"""Figures made from stored rows: for papers, and for the pages of the HTML site. Nothing here imports torch.

One file for each kind: `curves`, `losses`, `buckets`, `scatter`, `ranks` and `grid`. Each has

    draw(store, run, known, *, mask_set="", definition="", width="column") -> matplotlib.figure.Figure

where `run` is one of `bench_reports.table.merged`, `known` the metrics by definition, an empty mask set or definition
the first of the run's protocol, and `width` "column" or "page". A definition may be a bare name. What else a kind can
be asked for stands in its own signature. All raise `BadInput` where there is nothing to draw. Numbers are those of the
tables; a column that is at hand already is drawn by `ranks.of_column`, `scatter.of_column` and `buckets.of_columns`.

`Figure.get_label()` says in a sentence what is shown. `save` turns a figure into the bytes of a file, `svg` into an
element for a page. Equal rows make equal bytes.
"""

from bench_reports.figures.output import FORMATS, save, svg

__all__ = ["FORMATS", "save", "svg"]
