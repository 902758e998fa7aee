"""Show pages from elsewhere in the repository on the site, and keep the links between all pages."""

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
        f"{folder}/{path.parent.name}/README.md": f"{section}/{path.parent.name}.md"
        for folder, section in (("plugins", "methods"), ("reports", "results"))
        for path in sorted(ROOT.glob(f"{folder}/*/README.md"))
    },
}
"""Path of a page in the repository, to its path on the site."""
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
    """Return the page with links that work on the site. A link to a file outside the site becomes plain text."""
    here = page.file.src_uri
    page.meta.update({} if page.parent else {"hide": ["navigation"]})  # it would list this page alone
    origin = next((source for source, uri in ELSEWHERE.items() if uri == here), f"docs/{here}")

    def on_the_site(link: re.Match[str]) -> str:
        mark, text, target, anchor = link.groups(default="")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(origin), target))
        if not (ROOT / path).exists():
            return link[0]  # MkDocs reports the broken link
        uri = _site_uri(path, bool(mark), config, files)
        return f"{mark}[{text}]({posixpath.relpath(uri, posixpath.dirname(here))}{anchor})" if uri else text

    return LINK.sub(on_the_site, markdown)


def _site_uri(path: str, is_image: bool, config: MkDocsConfig, files: Files) -> str:
    """Return the site's path of a file of the repository, or "" if it has none. Images are added to the site."""
    page = path if path.endswith(".md") else f"{path}/README.md"
    uri = ELSEWHERE.get(page) or path.removeprefix("docs/")
    if is_image and not files.get_file_from_path(uri):
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / path)))
    return uri if files.get_file_from_path(uri) else ""
