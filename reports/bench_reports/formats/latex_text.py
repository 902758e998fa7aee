"""Escaping of text for pdfLaTeX without any package."""

import re
import tomllib
import unicodedata
from itertools import pairwise
from pathlib import Path

SIGNS: dict[str, str] = tomllib.loads((Path(__file__).parent / "latex_signs.toml").read_text("utf-8"))
ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d", "\u0327": "c",
}  # fmt: skip
"""LaTeX commands of Unicode's combining marks."""
UNSUPPORTED = "?"
LIGATURE = re.compile(r"[-`'?!][-`']")
"""Pairs that LaTeX would join: -- becomes a dash, ?` an inverted question mark."""


def escape(text: str) -> str:
    """Return a text on one line. Letters outside LaTeX's usual fonts become their nearest letters, or "?"."""
    tokens = [*_tokens(text), ""]
    return "".join(one + "{}" * bool(LIGATURE.fullmatch(one + two)) for one, two in pairwise(tokens))


def has_unsupported(text: str) -> bool:
    """Return whether `escape` replaces any letter with "?"."""
    return _tokens(text).count(UNSUPPORTED) > text.count(UNSUPPORTED)


def _tokens(text: str) -> list[str]:
    return [_token(each) for each in unicodedata.normalize("NFC", " ".join(text.split()))]


def _token(character: str) -> str:
    if character in SIGNS:
        return SIGNS[character]
    if character.isascii():
        return character if character.isprintable() else UNSUPPORTED
    return _decomposed(unicodedata.normalize("NFKD", character)) or UNSUPPORTED


def _decomposed(parts: str) -> str:
    """Return a letter with accents, or plain signs of nearly the same meaning; empty if it is neither."""
    letter, marks = parts[0], parts[1:]
    if letter.isascii() and letter.isalpha() and all(mark in ACCENTS for mark in marks):
        for mark in marks:
            letter = rf"\{ACCENTS[mark]}{{{letter}}}"
        return letter
    return "".join(map(_token, parts)) if all(each.isascii() or each in SIGNS for each in parts) else ""
