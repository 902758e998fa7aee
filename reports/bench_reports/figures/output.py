"""Figures as bytes of a file or as an SVG element of a page. Equal figures give equal bytes."""

import re
import xml.etree.ElementTree as ET
from io import BytesIO

from matplotlib.figure import Figure

from bench_core.seeds import digest
from bench_reports.figures.style import INK, figure_style

DPI = 300
# dates and versions would make equal figures differ
METADATA = {
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
}
FORMATS = tuple(METADATA)
SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"


def save(figure: Figure, format_: str) -> bytes:
    """Return a figure as "pdf", "png" or "svg", in its own size. PDF embeds its fonts, SVG draws letters as paths."""
    with figure_style():
        return _bytes(figure, format_)


def svg(figure: Figure) -> str:
    """Return a figure as an ``<svg>`` element for a page.

    Text stays text, axes take the colour of the surrounding text, and the background is transparent. The title is the
    figure's label. Ids are unique across figures.
    """
    with figure_style(**{"svg.fonttype": "none"}):
        root = ET.fromstring(_bytes(figure, "svg", transparent=True))
    _adopt_page_style(root)
    _make_ids_unique(root)
    for unneeded in ("metadata", "defs/{*}style/.."):
        for part in root.findall(f"{{*}}{unneeded}"):
            root.remove(part)
    root.set("role", "img")
    root.set("style", "stroke-linejoin: round; stroke-linecap: butt")
    title = ET.Element(f"{{{SVG}}}title")
    title.text = str(figure.get_label())
    root.insert(0, title)
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", XLINK)
    return ET.tostring(root, encoding="unicode")


def _bytes(figure: Figure, format_: str, transparent: bool = False) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=format_, dpi=DPI, metadata=METADATA[format_], transparent=transparent)
    return buffer.getvalue()


def _adopt_page_style(root: ET.Element) -> None:
    """Use the page's font and text colour, so that figures fit light and dark pages."""
    for element in root.iter():
        style = element.get("style", "").replace(INK, "currentColor")
        if style:
            element.set("style", re.sub(r"'DejaVu Sans'[^;]*", "system-ui, sans-serif", style))


def _make_ids_unique(root: ET.Element) -> None:
    """Drop ids without a reference, and prefix the others with a digest of the figure."""
    whole = ET.tostring(root, encoding="unicode")
    prefix, used = f"f{digest(whole)[:8]}-", set(re.findall(r'(?:url\(|href=")#([\w-]+)', whole))
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            if key == "id" and value not in used:
                del element.attrib[key]
            elif key == "id":
                element.set(key, prefix + value)
            else:
                element.set(key, re.sub(r"^(url\()?#", rf"\g<1>#{prefix}", value))
