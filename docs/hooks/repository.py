"""Pages of the site that lie elsewhere in the repository, and the links between all of them."""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    **{
        f"{room}/{path.parent.name}/README.md": f"{section}/{path.parent.name}.md"
        for room, section in (("plugins", "methods"), ("reports", "results"))
        for path in sorted(ROOT.glob(f"{room}/*/README.md"))
    },
}
"""Where a page lies in the repository, and where on the site."""
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:)([^)\s#]+)(#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> None:
    """List every plugin's page below the index of methods."""
    assert config.nav is not None
    (methods,) = (each["Methods"] for each in config.nav if "Methods" in each)
    methods += [{Path(uri).stem: uri} for uri in ELSEWHERE.values() if uri.startswith("methods/")]


def on_files(files: Files, config: MkDocsConfig) -> None:
    for source, page in ELSEWHERE.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with links that hold on the site. What is in the repository only keeps its words."""
    here = page.file.src_uri
    page.meta.update({} if page.parent else {"hide": ["navigation"]})  # which would show this page only
    origin = next((source for source, uri in ELSEWHERE.items() if uri == here), f"docs/{here}")

    def linked(link: re.Match[str]) -> str:
        mark, text, target, anchor = link.groups(default="")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(origin), target))
        if not (ROOT / path).exists():
            return link[0]  # MkDocs says what is wrong with it
        there = _on_the_site(path, bool(mark), config, files)
        return f"{mark}[{text}]({posixpath.relpath(there, posixpath.dirname(here))}{anchor})" if there else text

    return LINK.sub(linked, markdown)


def _on_the_site(path: str, picture: bool, config: MkDocsConfig, files: Files) -> str:
    """Where a file of the repository is on the site; nowhere is ''."""
    page = path if path.endswith(".md") else f"{path}/README.md"
    uri = ELSEWHERE.get(page) or path.removeprefix("docs/")
    if picture and not files.get_file_from_path(uri):
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / path)))
    return uri if files.get_file_from_path(uri) else ""
