"""Files that tell their own sha256, so that numbers which have changed on disk are not taken for what was measured.

Whoever writes such a file puts `BLANK` once into its metadata. The digest of all bytes then takes the place of the
zeros, and is compared with that of all bytes with zeros in its place.
"""

import re
from hashlib import sha256
from pathlib import Path

from bench_core.errors import BadInput, damaged
from bench_core.system import files

KEY = "bench-sealed"
BLANK = "bench-sha256:" + "0" * 64
_MARK = re.compile(rb"bench-sha256:.{64}", re.DOTALL)


def write(path: Path, content: bytes) -> None:
    """Write a file, its blank filled in."""
    assert content.count(BLANK.encode()) == 1, "a seal has one place"
    files.write_bytes(path, content.replace(BLANK.encode(), _filled(content)))


def read(path: Path) -> bytes:
    """All bytes of a file.

    Raises:
        BadInput: it cannot be read, has no seal, or is not as it was written.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}).") from error
    mark = _MARK.search(content)
    if mark is None:
        raise damaged(path, "the sha256 of itself is missing in it")
    if mark[0] != _filled(content.replace(mark[0], BLANK.encode())):
        raise damaged(path, "it and the sha256 in it disagree")
    return content


def _filled(content: bytes) -> bytes:
    return b"bench-sha256:" + sha256(content).hexdigest().encode()
