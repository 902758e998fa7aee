"""Measure how the pages read: words and commas per sentence, and shares of sentences with clauses or with "you"."""

import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted(path for path in ROOT.glob("docs/*.md") if path.name != "commands.md")]
NOT_PROSE = re.compile(r"^```.*?^```$|<!--.*?-->|^ *\|.*?$|^#.*?$|!\[[^\]]*\]\([^)]*\)", re.MULTILINE | re.DOTALL)
CLAUSE = re.compile(r"\b(?:that|which|what|whose)\b", re.IGNORECASE)
YOU = re.compile(r"\byou(?:r|rs|rself)?\b", re.IGNORECASE)
TELL = re.compile(r"\b(?:tell|tells|told)\b", re.IGNORECASE)


def sentences(page: str) -> list[str]:
    """Sentences of paragraphs and lists, without code blocks, tables, headings, images and the targets of links."""
    prose = re.sub(r"\]\([^)]*\)", "]", NOT_PROSE.sub("", page))
    prose = re.sub(r"`[^`]*`", "CODE", prose)  # its commas and full stops are not the sentence's
    prose = re.sub(r"^ *(?:[*-]|\d+\.) ", "\n", prose, flags=re.MULTILINE)
    paragraphs = (" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", prose))
    parts = (part.strip() for text in paragraphs for part in re.split(r"(?<=[.!?])[*_)\"]*\s+", text))
    return [part for part in parts if len(re.findall(r"\w+", part)) > 2]


def measures(found: list[str]) -> list[float]:
    """Sentences, words and commas per sentence, percent with a clause, percent with "you", count of "tell"."""

    def per_sentence(counts: Iterable[int]) -> float:
        return sum(counts) / max(len(found), 1)

    words = per_sentence(len(re.findall(r"[\w'-]+", each)) for each in found)
    commas = per_sentence(each.count(",") for each in found)
    clauses, you = (100 * per_sentence(bool(word.search(each)) for each in found) for word in (CLAUSE, YOU))
    return [len(found), words, commas, clauses, you, sum(len(TELL.findall(each)) for each in found)]


if __name__ == "__main__":
    print(f"{'page':<24}{'sentences':>10}{'words':>8}{'commas':>8}{'clauses':>9}{'you':>7}{'tell':>6}")
    pages = {path.name: sentences(path.read_text(encoding="utf-8")) for path in PAGES}
    pages["all pages"] = [each for page in pages.values() for each in page]
    for name, found in pages.items():
        count, words, commas, clauses, you, tell = measures(found)
        print(f"{name:<24}{count:>10}{words:>8.1f}{commas:>8.2f}{clauses:>7.0f} %{you:>5.0f} %{tell:>6}")
