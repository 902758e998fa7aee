"""Files with their own SHA-256 inside, so that numbers changed on disk are never taken for measurements.

A writer puts `BLANK` once into the file's metadata. The digest of all bytes then replaces the zeros of `BLANK`. To
verify a file, `read` puts the zeros back and compares the digest.
"""

import re
from hashlib import sha256
from pathlib import Path

from bench_core.errors import BadInput, damaged
from bench_core.system import files

KEY = "bench-sealed"
"""Metadata key of the checksum."""
BLANK = "bench-sha256:" + "0" * 64
"""Placeholder of the checksum."""
_FILLED = re.compile(rb"bench-sha256:.{64}", re.DOTALL)


def write(path: Path, content: bytes) -> None:
    """Write a file atomically, with the checksum in place of its blank. Raises WriteError."""
    assert content.count(BLANK.encode()) == 1, "a file has one checksum"
    files.write_bytes(path, content.replace(BLANK.encode(), _checksum(content)))


def read(path: Path) -> bytes:
    """Return the content of a file after verifying its checksum.

    Raises:
        BadInput: the file cannot be read, has no checksum, or does not match it.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}).") from error
    found = _FILLED.search(content)
    if found is None:
        raise damaged(path, "its own sha256 is missing")
    if found[0] != _checksum(content.replace(found[0], BLANK.encode())):
        raise damaged(path, "its content does not match the sha256 in it")
    return content


def _checksum(content: bytes) -> bytes:
    return b"bench-sha256:" + sha256(content).hexdigest().encode()
