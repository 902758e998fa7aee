"""Figures from stored rows, for papers and result pages. Nothing here imports torch.

The kinds are `curves`, `losses`, `buckets`, `scatter`, `ranks` and `grid`, one module each, with a function

    draw(source, *, mask_set="", definition="", width="column", methods=()) -> matplotlib.figure.Figure

`source` is a `bench_reports.figures.source.Source`, `width` is "column" or "page". A kind takes only the options that
apply to it, and may add its own. By default the first mask set and metric of the run's protocol are drawn, and all
methods; `definition` also accepts a metric's bare name. `BadInput` is raised if there is nothing to draw. The numbers
equal those of the tables; `ranks.draw_column`, `scatter.draw_column` and `buckets.draw_columns` draw columns that are
already built.

`Figure.get_label()` describes the figure in one sentence. `save` returns the bytes of a file, `svg` an element for a
page. Equal rows give equal bytes.
"""

from bench_reports.figures.output import FORMATS, save, svg

__all__ = ["FORMATS", "save", "svg"]
