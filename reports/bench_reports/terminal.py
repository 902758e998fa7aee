"""A table on the terminal, one block for each mask set so that it fits."""

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from bench_reports.table import Table


def show(table: Table, console: Console) -> None:
    console.print(_text(table.title, "bold"), soft_wrap=True)
    for mask_set in dict.fromkeys(mask_set for mask_set, _ in table.values.columns):
        block = RichTable(title=_text(str(mask_set)), title_justify="left")
        for key in table.keys:
            block.add_column(_text(key), no_wrap=True)
        texts, best = table.texts[mask_set], table.best[mask_set]
        for metric in texts.columns:
            block.add_column(_text(table.header(metric)), justify="right", no_wrap=True)
        for (names, _), line, tops in zip(table.lines, texts.to_numpy(), best.to_numpy(), strict=True):
            cells = [_text(text, "bold green" if top else "") for text, top in zip(line, tops, strict=True)]
            block.add_row(*map(_text, names), *cells)
        _print_whole(block, console)
    for note in table.notes:
        console.print(_text(note, "dim"))


def _text(text: str, style: str = "") -> Text:
    """As it is, but for what would steer the terminal."""
    return Text(
        "".join(each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text), style
    )


def _print_whole(block: RichTable, console: Console) -> None:
    """Rather wider than a narrow terminal than with numbers cut off."""
    narrow = console.width
    console.width = max(narrow, console.measure(block, options=console.options.update(max_width=10_000)).maximum)
    console.print(block)
    console.width = narrow
