"""Runs of a store, merged into one run for each table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from bench_core.errors import BadInput
from bench_core.seeds import digest
from bench_core.store.cell_folder import CellFolder
from bench_core.store.store import FINAL, CellStatus, Run, Store, run_folder_name

Images = str | Mapping[str, str]
"""Record of a cell's training images: digests of the first 1, 2, 4, ... of them, by number; one digest in old cells."""


@dataclass
class MergedRun(Run):
    """All runs of one table."""

    training_images: str = ""
    """Digest of the training images; empty if nothing was trained, or if they were not recorded."""
    folder_names: list[str] = field(default_factory=list)
    """Names of the folders of the runs, oldest first."""


@dataclass(frozen=True)
class Attempt:
    """One run, with the identities of its cells by folder."""

    run: Run
    identities: Mapping[str, Mapping[str, Any]]
    folder_name: str

    def of(self, variant: str) -> list[CellStatus]:
        return [entry for entry in self.run.entries if entry.variant == variant]

    def identity(self, entry: CellStatus) -> Mapping[str, Any]:
        return self.identities.get(entry.folder, {})

    @property
    def trained_on(self) -> dict[tuple[str, int], Images]:
        """Training images by variant and seed."""
        known = {(entry.variant, entry.seed): self.identity(entry).get("images") for entry in self.run.entries}
        return {key: images for key, images in known.items() if images}

    @property
    def training_digests(self) -> set[tuple[int, str, str]]:
        """Seed, number of images and digest of everything that is known about the training images."""
        return {
            (seed, count, of)
            for (_, seed), images in self.trained_on.items()
            for count, of in (images.items() if isinstance(images, Mapping) else [("", images)])
        }

    def agrees(self, other: "Attempt") -> bool:
        """No cell shows that the two runs trained on different images."""
        return all(
            _agree(ours, theirs, ours_of == theirs_of)
            for (ours_of, seed), ours in self.trained_on.items()
            for (theirs_of, their_seed), theirs in other.trained_on.items()
            if seed == their_seed
        )


def merge_runs(store: Store, runs: Sequence[Run]) -> list[MergedRun]:
    """Merge runs that share protocol, test images and training images, each into one run.

    If several have the same variant, the latest one with all its cells counts. Runs without training join all.

    Raises:
        BadInput: the record of a cell is damaged.
    """
    together: dict[tuple[str, str], list[Attempt]] = {}
    for run in runs:
        together.setdefault((run.protocol.hash, run.images), []).extend(_attempts(store, run))
    return [_merged(part) for alike in together.values() for part in _by_training_images(alike)]


def _attempts(store: Store, run: Run) -> Iterator[Attempt]:
    """Yield a run after the earlier repetitions whose finished cells it keeps."""
    for entries in (*run.earlier, run.entries):
        checked = [_without_lost_rows(store, run, entry) for entry in entries]
        folders = {entry.folder: store.folder(entry) for entry in entries if entry.folder}
        identities = {name: folder.read_record("identity") for name, folder in folders.items()}
        yield Attempt(replace(run, entries=checked, earlier=[]), identities, run_folder_name(run))


def _without_lost_rows(store: Store, run: Run, entry: CellStatus) -> CellStatus:
    """Return a cell with the reasons for rows that are not in the store any more."""
    # a cell without any metric that could be measured never had rows
    if entry.state != "done" or len(run.missing) >= len(run.protocol.metrics):
        return entry
    folder, missing = store.folder(entry), {}
    for mask_set, evaluation_id in entry.evaluation_ids.items():
        places = (folder.path.parent, folder.path, folder.rows_path(evaluation_id))
        if lost := next((path for path in places if not path.exists()), None):
            missing[mask_set] = f"{lost} does not exist"
        elif folder.failed and (fault := _fault(folder, evaluation_id)):
            missing[mask_set] = fault
    if not missing:
        return entry
    return replace(entry, missing=missing, state="missing" if len(missing) == len(entry.evaluation_ids) else "done")


def _fault(folder: CellFolder, evaluation_id: str) -> str:
    """Return why the rows of a cell whose last attempt failed cannot be read, or ""."""
    try:
        folder.rows(evaluation_id)
    except BadInput as error:
        return str(error).rstrip(".")
    return ""


def _by_training_images(attempts: Sequence[Attempt]) -> list[list[Attempt]]:
    """Divide runs by training images. A run that agrees with several parts, such as an untrained one, is in each."""
    parts: list[list[int]] = []
    known = [len(attempt.training_digests) for attempt in attempts]
    for place in sorted(range(len(attempts)), key=lambda place: -known[place]):
        agreeing = [part for part in parts if all(attempts[place].agrees(attempts[each]) for each in part)]
        if not agreeing:
            parts.append([place])
        for part in agreeing:
            part.append(place)
    # the latest training comes last
    parts.sort(key=lambda part: max(place for place in part if known[place] or not any(known)))
    return [[attempts[place] for place in sorted(part)] for part in parts]


def _agree(ours: Images, theirs: Images, same_variant: bool) -> bool:
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        return all(ours[count] == theirs[count] for count in ours.keys() & theirs.keys())
    # two digests of different variants may cover different numbers of images
    return not (same_variant and isinstance(ours, str) and isinstance(theirs, str)) or ours == theirs


def _merged(part: Sequence[Attempt]) -> MergedRun:
    runs = [attempt.run for attempt in part]
    variants = dict.fromkeys(entry.variant for run in runs for entry in run.entries)
    digests = sorted(set.union(*(attempt.training_digests for attempt in part)))
    own = {each.name: getattr(runs[-1], each.name) for each in fields(Run)}
    return MergedRun(
        **own
        | {
            "entries": [entry for variant in variants for entry in _cells(variant, part)],
            "missing": {definition: why for run in runs for definition, why in run.missing.items()},
            "skipped": list(dict.fromkeys(message for run in runs for message in run.skipped)),
            "image_notes": list(dict.fromkeys(note for run in runs for note in run.image_notes)),
            "copies": {name: first for run in runs for name, first in run.copies.items()},
        },
        training_images=digest(digests) if digests else "",
        folder_names=list(dict.fromkeys(attempt.folder_name for attempt in part)),
    )


def _cells(variant: str, part: Sequence[Attempt]) -> list[CellStatus]:
    """Return the cells of a variant: of the latest run that finished all of them, else of that which finished most."""
    having = [attempt for attempt in reversed(part) if attempt.of(variant)]
    latest = having[0].of(variant)
    # images of other programs have no seeds to be completed: the latest ones replace all others
    identities = [attempt.identity(entry) for attempt in having for entry in attempt.of(variant)]
    if any("pictures" in identity for identity in identities):
        mixed = any("pictures" not in identity for identity in identities if identity)
        note = f"{variant} names both a method of `bench run` and images of `bench score`: the latest ones are shown."
        return [replace(entry, notes=[*entry.notes, *[note] * mixed]) for entry in latest]
    completed = [_completed(variant, having[place:]) for place in range(len(having))]
    chosen = max(completed, key=lambda entries: sum(map(is_final, entries)))
    return _with_note(chosen, latest, having[0].run.created)


def is_final(entry: CellStatus) -> bool:
    """The cell has all its rows, or never gets any."""
    return entry.state in FINAL and not entry.missing


def _completed(variant: str, having: Sequence[Attempt]) -> list[CellStatus]:
    """Return the cells of the first run. Unfinished ones are replaced by those of an older run of the same training."""
    first, *older = having
    entries = {entry.seed: entry for entry in first.of(variant)}
    finished = [entry for entry in entries.values() if is_final(entry)]
    for attempt in older:
        for entry in attempt.of(variant):
            replaces = entry.seed in entries and not is_final(entries[entry.seed]) and is_final(entry)
            if replaces and finished and _training(first, finished[0]) == _training(attempt, entry) != {}:
                entries[entry.seed] = entry
    return list(entries.values())


def _training(attempt: Attempt, entry: CellStatus) -> dict[str, Any]:
    """Return the part of a cell's identity that its other seeds share."""
    return {key: value for key, value in attempt.identity(entry).items() if key not in ("seed", "images")}


def _with_note(chosen: list[CellStatus], latest: list[CellStatus], created: str) -> list[CellStatus]:
    """Add a note to cells of an earlier run, if a later one did not finish them."""
    later = {entry.seed: entry for entry in latest if not is_final(entry)}
    replaced = [entry for entry in chosen if entry.seed in later and entry is not later[entry.seed] and is_final(entry)]
    states: dict[str, list[int]] = {}
    for entry in replaced:
        states.setdefault(_state(later[entry.seed]), []).append(entry.seed)
    notes = [
        f"{chosen[0].variant}: numbers of {seed_list(seeds)} are of an earlier run; that of {created[:16]} {state}."
        for state, seeds in states.items()
    ]
    return [replace(chosen[0], notes=[*chosen[0].notes, *notes]), *chosen[1:]]


def _state(entry: CellStatus) -> str:
    if entry.state == "failed":
        return f"failed ({entry.reason})"
    return f"has lost its rows ({next(iter(entry.missing.values()))})" if entry.missing else "has not finished"


def seed_list(seeds: Sequence[int]) -> str:
    """Name seeds, such as ``seed 0`` or ``seeds 0, 1``."""
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
