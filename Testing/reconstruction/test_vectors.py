"""The quick arithmetic on vectors gives what numpy's own words for it give."""

from __future__ import annotations

import numpy as np
import pytest

from CoronarySegLib.reconstruction import vectors
from CoronarySegLib.reconstruction.mesh import renumbered

RNG = np.random.default_rng(7)
U, V = RNG.normal(size=(2, 50, 3))
FLAGS = RNG.random((50, 3)) > 0.4
TRIANGLES = RNG.integers(0, 50, (30, 3))


@pytest.mark.parametrize(
    ("quick", "slow"),
    [
        (vectors.dot(U, V), (U * V).sum(1)),
        (vectors.length(U), np.linalg.norm(U, axis=1)),
        (vectors.unit(U), U / np.linalg.norm(U, axis=1, keepdims=True)),
        (vectors.cross(U, V), np.cross(U, V)),
        (vectors.every(FLAGS), FLAGS.all(1)),
        (vectors.some(FLAGS), FLAGS.any(1)),
        (vectors.least(U), U.min(1)),
        (vectors.mean(U), U.mean(1)),
        (vectors.corners_of(U, TRIANGLES), U[TRIANGLES]),
        (vectors.mean(U[TRIANGLES]), U[TRIANGLES].mean(1)),
        (vectors.face_vectors(U, TRIANGLES),
         np.cross(U[TRIANGLES[:, 1]] - U[TRIANGLES[:, 0]], U[TRIANGLES[:, 2]] - U[TRIANGLES[:, 0]])),
    ],
)
def test_is_what_numpy_says(quick, slow):
    np.testing.assert_allclose(quick, slow, rtol=1e-12, atol=1e-14)


def test_a_vector_without_length_stays_zero():
    assert (vectors.unit(np.zeros((2, 3))) == 0.0).all()


@pytest.mark.parametrize("rows", [U[:0], FLAGS[:0]])
def test_no_rows(rows):
    reduced = vectors.every(rows) if rows.dtype == bool else vectors.length(vectors.cross(rows, rows))
    assert reduced.shape == (0,)


def test_renumbered_keeps_shape_and_order():
    used, numbers = renumbered(np.array([[7, 2, 9], [2, 9, 4]]))
    assert used.tolist() == [2, 4, 7, 9]
    assert numbers.tolist() == [[2, 0, 3], [0, 3, 1]]
    assert renumbered(np.zeros((0, 3), np.int64))[1].shape == (0, 3)
