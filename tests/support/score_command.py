"""`bench score` and its stored rows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from click.testing import Result
from PIL import Image

from bench_core.store.store import read_runs

Score = Callable[..., Result]


def stored(folder: Path) -> pd.DataFrame:
    store, runs = read_runs(folder)
    return pd.concat([store.rows(run) for run in runs], ignore_index=True)


def save(path: Path, picture: np.ndarray, **settings: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, **settings)
