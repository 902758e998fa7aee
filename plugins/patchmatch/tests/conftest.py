"""Pictures and holes for the tests of this plugin."""

import numpy as np
import pytest
from skimage import data


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def photograph() -> np.ndarray:
    """A photograph, uint8 (63, 50, 3): both sides are odd at one level of the pyramid."""
    return data.astronaut()[80:206:2, 180:280:2].copy()


@pytest.fixture
def box() -> np.ndarray:
    """A hole in the middle of the photograph, bool (63, 50)."""
    hole = np.zeros((63, 50), bool)
    hole[24:44, 15:33] = True
    return hole
