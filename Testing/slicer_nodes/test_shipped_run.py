"""The shipped model on a volume node of a real scene: turned voxel axes, under a transform, seed never trained on."""

import importlib

import numpy as np
import pytest
import slicer
from CoronarySegModule.conversion import RAS_TO_LPS
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation
from slicer_samples import linear_transform, rigid_matrix, volume_node

from CoronarySegLib.phantom import PhantomSettings, centred_grid, make_phantom

SHAPE_ZYX, SPACING_XYZ_MM = (220, 250, 260), (0.6, 0.6, 0.6)


@pytest.fixture(scope="module")
def phantom():
    turned = Rotation.from_euler("zyx", (8, -6, 5), degrees=True).as_matrix()
    return make_phantom(PhantomSettings(seed=77, geometry=centred_grid(SHAPE_ZYX, SPACING_XYZ_MM, tuple(turned.flat))))


@pytest.fixture
def node(scene, phantom):
    """The phantom's CT, stored somewhere else and brought to its place in the world by a parent transform."""
    transform = linear_transform(rigid_matrix())
    in_world = RAS_TO_LPS @ phantom.ct.geometry.index_to_lps
    ct = volume_node("patient", phantom.ct.array, np.linalg.inv(rigid_matrix()) @ in_world)
    ct.SetAndObserveTransformNodeID(transform.GetID())
    return ct


def test_a_click_on_a_real_scene_finds_both_trees_where_they_are(node, phantom):
    written = importlib.import_module("CoronarySeg").CoronarySegLogic().segment(node)
    for value, side in ((1, "left"), (2, "right")):
        truth = phantom.labels.array == value
        found = slicer.util.arrayFromSegmentBinaryLabelmap(written.segmentation, side, node) > 0
        assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.6, side
        # The model in the world against the truth in the world: a surface point has a vessel's voxel near it.
        local = np.c_[slicer.util.arrayFromModelPoints(written.models[side]), np.ones(written.models[side].
                      GetPolyData().GetNumberOfPoints())]
        world_lps = (local @ rigid_matrix().T @ RAS_TO_LPS)[:, :3]
        voxels = phantom.labels.geometry.points_lps(np.argwhere(truth)[:, ::-1])
        assert np.median(cKDTree(voxels).query(world_lps)[0]) < 1.0, side
