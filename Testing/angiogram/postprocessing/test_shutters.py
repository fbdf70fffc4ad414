"""Shutters are told from dark vessels that reach the edge of the picture."""

from __future__ import annotations

import numpy as np
import pytest

from CoronarySegLib.angiogram.postprocessing import covered_by_shutters

SIDE = 512


def frame() -> np.ndarray:
    return np.random.default_rng(0).normal(0.6, 0.02, (SIDE, SIDE)).astype(np.float32)


@pytest.mark.parametrize("negative", [False, True], ids=["black", "white"])
def test_corners_and_a_thin_rim_are_covered(negative):
    image = frame()
    y, x = np.mgrid[:SIDE, :SIDE]
    corner, rim = y + x > 2 * SIDE - 120, y >= SIDE - 6
    image[corner | rim] = 0.01
    covered = covered_by_shutters(1.0 - image if negative else image)
    assert covered[corner | rim].all()
    assert covered[: SIDE // 2].sum() == 0


def test_a_dark_vessel_from_the_edge_is_not_covered():
    image = frame()
    image[:300, 240:256] = 0.03
    assert not covered_by_shutters(image)[30:].any()


def test_a_lung_at_the_edge_is_not_covered():
    image = frame()
    image[:, :100] = 0.2
    assert not covered_by_shutters(image).any()


def test_a_small_odd_frame_keeps_its_shape():
    image = frame()[:100, :77]
    image[:, :20] = 0.0
    covered = covered_by_shutters(image)
    assert covered.shape == image.shape
    assert covered[:, :20].all()
