"""Prepares the process of a command, so that it works in notebooks, containers and on consoles of any encoding."""

import os
import sys
import tempfile
from io import TextIOWrapper
from pathlib import Path


def prepare_process() -> None:
    """Replace surroundings that libraries refuse. Child processes inherit the result."""
    # a notebook exports a backend that matplotlib finds in the notebook's own environment only
    os.environ["MPLBACKEND"] = "agg"
    _require_home()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
            stream.reconfigure(errors="replace")  # an arrow that a console cannot show must not cost the table


def _require_home() -> None:
    """Give a user without home, as in a container, a temporary one for caches and downloads."""
    try:
        Path.home()
    except (RuntimeError, KeyError):
        user = os.getuid() if hasattr(os, "getuid") else "user"
        home = Path(tempfile.gettempdir()) / f"inpaint-bench-{user}"
        home.mkdir(mode=0o700, exist_ok=True)
        os.environ["HOME"] = str(home)
