"""Real slice and 3D views after a click: what the user sees, as a picture."""

import numpy as np
import pytest
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from CoronarySegLib.writing.segments import SEGMENTS


@pytest.fixture
def views(a_desktop):
    return a_desktop.with_views()


@pytest.fixture
def a_result(a_desktop, views, panel, a_ct, worker_mode):
    """The module after one click, with views open."""
    panel.enter()
    panel.ui.segmentButton.click()
    a_desktop.wait_until(lambda: not panel.activity.running)
    return panel


def picture(view, path) -> np.ndarray:
    reader = vtk.vtkPNGReader()
    reader.SetFileName(str(view.grab_view(path)))
    reader.Update()
    image = reader.GetOutput()
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(*reversed(image.GetDimensions()[:2]), -1)[..., :3]


def hue_pixels(pixels: np.ndarray, part: str) -> int:
    """How many pixels have the hue of a part: its strongest channel leads as clearly as in the part's colour."""
    colour = np.array(next(one.colour for one in SEGMENTS if one.key == part))
    pixels = pixels.astype(float) / 255
    strength = pixels.max(axis=-1)
    close = np.abs(pixels / np.maximum(strength, 1e-6)[..., None] - colour / colour.max()).max(axis=-1) < 0.25
    return int((close & (strength > 0.3)).sum())


def test_a_click_shows_the_ct_in_the_slices_and_both_trees_in_3d(a_result, a_ct, views, tmp_path):
    composite = views.sliceWidget("Red").sliceLogic().GetSliceCompositeNode()
    assert composite.GetBackgroundVolumeID() == a_ct.GetID()
    seen = picture(views.threeDWidget(0), tmp_path / "3d.png")
    assert hue_pixels(seen, "left") > 100
    assert hue_pixels(seen, "right") > 100


def test_the_slices_show_the_segments(a_result, views, tmp_path):
    seen = [picture(views.sliceWidget(name), tmp_path / f"{name}.png") for name in views.sliceViewNames()]
    assert sum(hue_pixels(one, "left") for one in seen) > 50
    assert sum(hue_pixels(one, "right") for one in seen) > 50


def test_the_button_of_the_table_shows_it_in_a_table_layout(a_result, views):
    a_result.ui.vesselsButton.click()
    assert views.layout == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView
    table = slicer.mrmlScene.GetNodeByID(slicer.app.applicationLogic().GetSelectionNode().GetActiveTableID())
    assert table.GetName().endswith("vessels")


def test_a_closed_scene_leaves_empty_views(a_desktop, a_result, views, tmp_path):
    a_desktop.scene.Clear(0)
    assert hue_pixels(picture(views.threeDWidget(0), tmp_path / "3d.png"), "left") == 0
