"""A small heart by hand: a left tree of a trunk and two branches, a right vessel, and a CT of both."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "centreline")]


@pytest.fixture(scope="session")
def a_case():
    """The whole case, nothing wrong with it."""
    from correction_samples import whole_case

    return whole_case()
