"""Text as plain pdfLaTeX can set it, without any package."""

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
"""Commands for the combining marks of Unicode."""
UNKNOWN = "?"
LIGATURE = re.compile(r"[-`'?!][-`']")
"""What would be joined: -- is a dash, ?` is turned upside down."""


def escaped(text: str) -> str:
    """A text on one line. What LaTeX's usual fonts lack becomes its nearest letters, else "?"."""
    tokens = [*_tokens(text), ""]
    return "".join(one + "{}" * bool(LIGATURE.fullmatch(one + two)) for one, two in pairwise(tokens))


def is_lost(text: str) -> bool:
    """Whether some of it can only be set as "?"."""
    return _tokens(text).count(UNKNOWN) > text.count(UNKNOWN)


def _tokens(text: str) -> list[str]:
    return [_set(each) for each in unicodedata.normalize("NFC", " ".join(text.split()))]


def _set(character: str) -> str:
    if character in SIGNS:
        return SIGNS[character]
    if character.isascii():
        return character if character.isprintable() else UNKNOWN
    return _taken_apart(unicodedata.normalize("NFKD", character)) or UNKNOWN


def _taken_apart(parts: str) -> str:
    """A letter with accents, or plain signs that mean nearly the same; nothing if it is neither."""
    letter, marks = parts[0], parts[1:]
    if letter.isascii() and letter.isalpha() and all(mark in ACCENTS for mark in marks):
        for mark in marks:
            letter = rf"\{ACCENTS[mark]}{{{letter}}}"
        return letter
    return "".join(map(_set, parts)) if all(each.isascii() or each in SIGNS for each in parts) else ""
