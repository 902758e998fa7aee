"""The meaning that a name has already when images are scored under it: an installed method, or cells of the store."""

from collections.abc import Iterator

from bench_core.errors import BadInput
from bench_core.plugins import Plugins
from bench_core.protocol import MAX_NAME_BYTES
from bench_core.store.store import CellStatus, Run, Store, read_runs


def require_free(name: str, plugins: Plugins, store: Store) -> None:
    """Make sure that a name can be printed and stored, and is free for images of unknown origin.

    Raises:
        BadInput: it is empty, too long or that of a method, installed or of a run in the store.
    """
    if not name.strip() or not name.isprintable() or len(name.encode()) > MAX_NAME_BYTES:
        raise BadInput(f"--name {name!r} cannot name a method: give 1 to {MAX_NAME_BYTES} printable letters.")
    plugins.load_all()
    if name in plugins.records("models"):
        raise BadInput(f"{name!r} is an installed method; give another --name, so that rows are not mixed.")
    for run, entry in _entries(name, store):
        identity = store.folder(entry).read_record("identity") if entry.folder else {"state": entry.state}
        if identity and "pictures" not in identity:
            raise BadInput(
                f"{name!r} is a method of `bench run` in this store ({store.run_folder(run)}); give another --name, "
                "so that rows are not mixed."
            )


def replaced_images(run: Run, store: Store) -> str:
    """Say which images of the same name, protocol and pairs a run replaces in tables; empty if there are none."""
    name, folders = run.entries[0].variant, [entry.folder for entry in run.entries]
    before = [
        each
        for each, _ in _entries(name, store)
        if (each.protocol.hash, each.images) == (run.protocol.hash, run.images) and each.created < run.created
    ]
    if not before or [entry.folder for entry in before[-1].entries] == folders:
        return ""
    count = len(before[-1].entries)
    what = "1 sample is" if count == 1 else f"{count} samples are"
    return f"{name} was scored before, on {before[-1].created[:16]}: its {what} replaced in all tables."


def _entries(name: str, store: Store) -> Iterator[tuple[Run, CellStatus]]:
    """Yield the cells of a name, with their runs, oldest first."""
    if any(store.root.glob("runs/*/run.json")):
        for run in read_runs(store.root)[1]:
            yield from ((run, entry) for entry in run.entries if entry.variant == name)
