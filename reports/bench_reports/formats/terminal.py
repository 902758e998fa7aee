"""A table on the terminal, split into blocks that fit its width."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from bench_reports.tables.table import Table


def show(table: Table, console: Console) -> None:
    """Print title, blocks and notes. Each mask set has a block of its own, or several on a narrow terminal."""
    console.print(_text(table.title, "bold"), soft_wrap=True)
    for mask_set in dict.fromkeys(mask_set for mask_set, _ in table.values.columns):
        for metrics in _fitting(table, str(mask_set), console):
            _print_whole(_block(table, str(mask_set), metrics), console)
    for note in table.notes:
        console.print(_text(note, "dim"))


def _fitting(table: Table, mask_set: str, console: Console) -> Iterator[list[str]]:
    """Yield the metrics of a mask set in groups that fit the terminal; all at once if the output is no terminal."""
    group: list[str] = []
    for metric in table.texts[mask_set].columns:
        block = _block(table, mask_set, [*group, metric])
        if group and console.file.isatty() and _width(block, console) > console.width:
            yield group
            group = []
        group.append(metric)
    yield group


def _block(table: Table, mask_set: str, metrics: Sequence[str]) -> RichTable:
    block = RichTable(title=_text(mask_set), title_justify="left")
    for key in table.keys:
        block.add_column(_text(key), no_wrap=True)
    for metric in metrics:
        block.add_column(_text(table.header(metric)), justify="right", no_wrap=True)
    columns = [(mask_set, metric) for metric in metrics]
    texts, best = table.texts[columns].to_numpy(), table.best[columns].to_numpy()
    for (names, _), line, is_best in zip(table.lines, texts, best, strict=True):
        cells = [_text(text, "bold green" if top else "") for text, top in zip(line, is_best, strict=True)]
        block.add_row(*map(_text, names), *cells)
    return block


def _text(text: str, style: str = "") -> Text:
    """Replace characters that would control the terminal."""
    return Text(
        "".join(each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text), style
    )


def _print_whole(block: RichTable, console: Console) -> None:
    # rather let a wide block wrap than cut numbers off
    width = console.width
    console.width = max(width, _width(block, console))
    console.print(block)
    console.width = width


def _width(block: RichTable, console: Console) -> int:
    return console.measure(block, options=console.options.update(max_width=10_000)).maximum
