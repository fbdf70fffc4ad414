"""The panel's button, the real worker, the shipped model: turned voxel axes, a transform, a seed never trained on."""

import desktop
import numpy as np
import pytest
import slicer
from CoronarySegModule.conversion import RAS_TO_LPS
from CoronarySegModule.nodes import find_models
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


@pytest.fixture
def panel(node, tmp_path):
    running = desktop.start(tmp_path)
    running.load(desktop.ROOT / "CoronarySeg" / "CoronarySeg.py")
    yield running.enter("CoronarySeg")
    running.exit("CoronarySeg")
    running.quit("CoronarySeg")


def test_one_click_on_a_real_scene_finds_both_trees_where_they_are(panel, node, phantom, tmp_path):
    running = desktop.start(tmp_path)
    panel.ui.segmentButton.click()
    running.wait_until(lambda: not panel.activity.running, seconds=1800)
    running.raise_errors()
    assert panel.ui.statusLabel.text.startswith("Done in")
    assert panel.ui.reviewTable.rowCount > 0
    result = panel.parameters().result
    models = find_models(result)
    for value, side in ((1, "left"), (2, "right")):
        truth = phantom.labels.array == value
        found = slicer.util.arrayFromSegmentBinaryLabelmap(result, side, node) > 0
        assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.6, side
        # The model in the world against the truth in the world: a surface point has a vessel's voxel near it.
        points = slicer.util.arrayFromModelPoints(models[side])
        local = np.c_[points, np.ones(len(points))]
        world_lps = (local @ rigid_matrix().T @ RAS_TO_LPS)[:, :3]
        voxels = phantom.labels.geometry.points_lps(np.argwhere(truth)[:, ::-1])
        assert np.median(cKDTree(voxels).query(world_lps)[0]) < 1.0, side
