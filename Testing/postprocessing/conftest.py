import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import tree_samples


@pytest.fixture(scope="session")
def left():
    """Probability of the left tree alone."""
    return tree_samples.tubes(tree_samples.LEFT)


@pytest.fixture(scope="session")
def right():
    """Probability of the right tree alone."""
    return tree_samples.tubes(tree_samples.RIGHT)


@pytest.fixture(scope="session")
def both(left, right):
    """Probability of both trees."""
    import numpy as np

    return np.maximum(left, right)
