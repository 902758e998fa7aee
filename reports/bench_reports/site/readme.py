"""What a plugin's own description says, as far as its distribution carries it."""

import re

from markdown_it import MarkdownIt
from markupsafe import Markup

from bench_core.plugins import Plugin

_SECTION = re.compile(r"^## Differences from the paper\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_INSIDE = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]*\)")
"""A link into the plugin's own folder, which leads nowhere from a page."""
# raw HTML stays text, and pictures would be asked of the network
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "html_block", "html_inline"])


def differences(plugin: Plugin | None) -> Markup:
    """In what a method departs from its paper, from the plugin's README; empty where that says nothing."""
    dist = plugin.entry.dist if plugin else None
    text = (dist.metadata["Description"] or "") if dist else ""
    section = _SECTION.search(text.replace("\r\n", "\n"))
    return Markup(_MARKDOWN.render(_INSIDE.sub(r"\1", section[1]))) if section else Markup()
