"""A figure as the bytes of a file, or as an element of a page: equal figures make equal bytes."""

import re
import xml.etree.ElementTree as ET
from io import BytesIO

from matplotlib.figure import Figure

from bench_core.seeds import digest
from bench_reports.figures.style import INK, rules

DPI = 300
UNDATED = {"pdf": {"CreationDate": None, "Creator": None, "Producer": None}, "png": {"Software": None}}
UNDATED["svg"] = {"Date": None, "Creator": None, "Format": None, "Type": None}
FORMATS = tuple(UNDATED)
SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"


def save(figure: Figure, format_: str) -> bytes:
    """A figure as "pdf", "png" or "svg", in its own size, fonts embedded or drawn."""
    with rules():
        return _written(figure, format_)


def svg(figure: Figure) -> str:
    """A figure as an ``<svg>`` for a page: text stays text, axes have the colour of the text around, nothing else is
    behind them, the title is the figure's label, and no two figures share an id."""
    with rules(**{"svg.fonttype": "none"}):
        root = ET.fromstring(_written(figure, "svg", transparent=True))
    _for_all_themes(root)
    _named_apart(root)
    for of in ("metadata", "defs/{*}style/.."):
        for part in root.findall(f"{{*}}{of}"):
            root.remove(part)
    root.set("role", "img")
    root.set("style", "stroke-linejoin: round; stroke-linecap: butt")
    title = ET.Element(f"{{{SVG}}}title")
    title.text = str(figure.get_label())
    root.insert(0, title)
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", XLINK)
    return ET.tostring(root, encoding="unicode")


def _written(figure: Figure, format_: str, transparent: bool = False) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=format_, dpi=DPI, metadata=UNDATED[format_], transparent=transparent)
    return buffer.getvalue()


def _for_all_themes(root: ET.Element) -> None:
    """Text in the page's font, and what is black in its colour."""
    for element in root.iter():
        style = element.get("style", "").replace(INK, "currentColor")
        if style:
            element.set("style", re.sub(r"'DejaVu Sans'[^;]*", "system-ui, sans-serif", style))


def _named_apart(root: ET.Element) -> None:
    """Keep only ids that are referred to, and make them this figure's own."""
    whole = ET.tostring(root, encoding="unicode")
    own, used = f"f{digest(whole)[:8]}-", set(re.findall(r'(?:url\(|href=")#([\w-]+)', whole))
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            if key == "id" and value not in used:
                del element.attrib[key]
            elif key == "id":
                element.set(key, own + value)
            else:
                element.set(key, re.sub(r"^(url\()?#", rf"\g<1>#{own}", value))
