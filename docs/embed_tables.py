"""Copy stored tables between ``<!-- table: FILE -->`` and ``<!-- end -->`` of the README and of the reports' pages."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "reports").glob("*/README.md")))
SLOT = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def embedded(page: str) -> str:
    """Return the page with the stored tables, without their titles and notes."""

    def table(match: re.Match[str]) -> str:
        lines = (ROOT / match[2]).read_text(encoding="utf-8").splitlines()
        return match[1] + "\n".join(line for line in lines if line.startswith("|")) + "\n" + match[3]

    return SLOT.sub(table, page)


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(embedded(path.read_text(encoding="utf-8")), encoding="utf-8")
