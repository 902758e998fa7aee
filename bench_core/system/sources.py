"""Hashes of source code and versions of libraries, so that results of other code are never taken for present ones."""

import ast
import hashlib
import os
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import bench_core

CORE = Path(bench_core.__file__).parent
LIBRARY_FOLDERS = {"site-packages", "dist-packages"}
"""Packages in these folders do not change under a version, so imports of them are not followed."""


def core_sources(names: Iterable[str]) -> dict[str, str]:
    """Hash files and folders of `bench_core`. Subfolders of a folder are not included."""
    return {f"bench_core/{name}": _hash([CORE / name], CORE, deep=False) for name in names}


def package_sources(references: Iterable[str]) -> dict[str, str]:
    """Hash every package that a `Reference` leads to, with its subfolders, and the local code that it imports.

    The harness itself and installed libraries are not followed.

    Args:
        references: references, or names of modules.
    """
    found: dict[str, str] = {}
    pending = {reference.partition(":")[0].partition(".")[0] for reference in references} - {"bench_core"}
    while pending:
        package = pending.pop()
        roots = _roots(package)
        assert roots, f"{package} is a package or a module with source"
        found[package] = _hash(roots, roots[0].parent)
        imported = {name for root in roots for path in _files(root) for name in _local_imports(path)}
        pending |= imported - found.keys() - {"bench_core"}
    return dict(sorted(found.items()))


def installed_sources(names: Iterable[str]) -> dict[str, str]:
    """Hash the installed sources that a stored key names. Packages that are gone are left out."""
    core = {name for name in names if name.startswith("bench_core/")}
    packages = [name for name in names if name not in core and _roots(name)]
    return core_sources(sorted(name.removeprefix("bench_core/") for name in core)) | package_sources(packages)


def library_versions(*names: str) -> dict[str, str]:
    """Return the versions of installed distributions. Requirements such as ``scipy>=1.13`` count by their name."""
    plain = {re.split(r"[^\w.-]", name, maxsplit=1)[0].lower() for name in names} - {"inpaint-bench"}
    return {name: installed for name in sorted(plain) if (installed := _version(name))}


@cache
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _roots(package: str) -> list[Path]:
    """Return the folders of a package, or the file of a module; nothing for code without source."""
    module = sys.modules.get(package)
    spec = module.__spec__ if module else find_spec(package)
    folders = list(getattr(module, "__path__", ()) or (spec and spec.submodule_search_locations) or ())
    if folders:
        return [Path(folder) for folder in folders]
    origin = getattr(module, "__file__", None) or (spec and spec.origin)
    return [Path(origin)] if origin and Path(origin).is_file() else []


def _files(root: Path, deep: bool = True) -> list[Path]:
    """Return a file itself, or the files of a folder that can change what its code computes."""
    if not root.is_dir():
        return [root]
    found = sorted(root.rglob("*") if deep else root.glob("*"))
    return [path for path in found if path.is_file() and "__pycache__" not in path.parts and path.name[0] != "."]


def _hash(roots: Iterable[Path], base: Path, deep: bool = True) -> str:
    """Return the sha256 of files or folders, and of their paths relative to `base`."""
    summary = hashlib.sha256()
    for path in (path for root in roots for path in _files(root, deep)):
        summary.update(f"{os.path.relpath(path, base)}\0{_content_hash(path)}\0".encode())
    return summary.hexdigest()


@cache
def _content_hash(path: Path) -> str:
    """Hash a file once in a process, because Python, too, loads it once."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _local_imports(path: Path) -> Iterator[str]:
    """Yield the top-level packages that a Python file imports and that are neither libraries nor built in."""
    for name in _imports(path) if path.suffix == ".py" else ():
        roots = _roots(name) if name not in sys.stdlib_module_names else []
        if roots and not LIBRARY_FOLDERS & set(roots[0].parts):
            yield name


@cache
def _imports(path: Path) -> frozenset[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:  # a template, for instance; code that runs can be parsed
        return frozenset()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return frozenset(names)
