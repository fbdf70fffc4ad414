"""What a mask falls into without some of its voxels."""

import numpy as np
import pytest

from CoronarySegLib.cfd.sparse_voxels import Joints, SparseVoxels


@pytest.fixture
def ring():
    """A square ring of voxels with two numbered parts opposite each other, and the parts."""
    inside = np.zeros((5, 12, 12), bool)
    inside[1:4, 1:11, 1:11] = True
    inside[1:4, 4:8, 4:8] = False
    parts = np.zeros(inside.shape, np.int32)
    parts[1:4, 1:4, 5:7] = 1
    parts[1:4, 8:11, 5:7] = 2
    return SparseVoxels(inside), parts


@pytest.mark.parametrize(("gone", "pieces"), [([], 1), ([1], 1), ([2], 1), ([1, 2], 2)])
def test_a_ring_falls_apart_when_it_is_cut_twice(ring, gone, pieces):
    assert Joints(*ring).pieces_without(gone, 1) == pieces


def test_crumbs_do_not_count(ring):
    voxels, parts = ring
    inside = np.zeros(parts.shape, bool)
    inside[tuple(voxels.index.T)] = True
    inside[2, 5, 5] = True  # in the middle of the hole, two voxels from the ring
    joints = Joints(SparseVoxels(inside), parts)
    assert joints.pieces_without([1, 2], 1) == 3
    assert joints.pieces_without([1, 2], 2) == 2


def test_voxels_touch_at_corners_and_each_pair_once(ring):
    voxels, _ = ring
    pairs = np.concatenate([np.stack(some, axis=1) for some in voxels.neighbours()])
    steps = np.abs(voxels.index[pairs[:, 0]] - voxels.index[pairs[:, 1]])
    assert steps.max() == 1
    assert len(np.unique(np.sort(pairs, axis=1), axis=0)) == len(pairs)
