"""Synthetic angiograms: the truth lies where the picture shows it, contrast comes and goes, seeds repeat."""

import json

import numpy as np
import pydicom
import pytest
from PIL import Image

from CoronarySegLib.angiogram.phantom import AngiogramSettings, make_angiogram, make_scene, write_angiogram
from CoronarySegLib.angiogram.phantom.camera import CArm
from CoronarySegLib.angiogram.phantom.contrast import Bolus
from CoronarySegLib.angiogram.phantom.drawing import Canvas

SIZE = 192


@pytest.fixture(scope="module")
def scene():
    return make_scene(AngiogramSettings(seed=5))


@pytest.fixture(scope="module")
def run(scene):
    return make_angiogram(AngiogramSettings(seed=5, side="left", size_px=SIZE, frames=24), scene=scene)


def camera(primary=0.0, secondary=0.0):
    return CArm(primary, secondary, 750.0, 1000.0, 0.4, 256, (127.5, 127.5))


def test_the_patients_left_is_on_the_right_and_his_head_up():
    pixels, depth, scale = camera().project(np.array([[0.0, 0, 0], [10.0, 0, 0], [0, 0, 10.0], [0, -10.0, 0]]))
    assert pixels[0] == pytest.approx([127.5, 127.5])
    assert pixels[1, 1] > 127.5
    assert pixels[2, 0] < 127.5
    assert depth[3] == pytest.approx(760.0)
    assert scale[0] == pytest.approx(1000.0 / 750.0 / 0.4)


@pytest.mark.parametrize(
    ("angles", "towards"), [((90.0, 0.0), (1.0, 0.0, 0.0)), ((-90.0, 0.0), (-1.0, 0.0, 0.0)), ((0.0, 90.0), (0, 0, 1))]
)
def test_lao_turns_the_detector_to_the_left_and_cranial_to_the_head(angles, towards):
    assert camera(*angles).axes[2] == pytest.approx(towards, abs=1e-9)


def test_a_straight_tube_has_its_width_and_its_path_through_contrast():
    canvas = Canvas(camera(), (700.0, 800.0))
    points = np.c_[np.arange(-30.0, 30.0, 0.3), np.zeros(200), np.zeros(200)]
    canvas.add(points, np.full(200, 2.0), np.ones(200), 0, np.ones(200, bool))
    drawn = canvas.drawn()
    column = drawn.distance_px[:, 128]
    assert (column < 0).sum() == pytest.approx(4.0 * camera().magnification / 0.4, abs=1.0)
    assert drawn.path_mm[:, 128].max() == pytest.approx(4.0, rel=0.05)


def test_vessels_behind_each_other_add_up_and_a_vessel_counts_once():
    along_x = np.c_[np.arange(-20.0, 20.0, 0.3), np.full(134, -20.0), np.zeros(134)]
    along_z = np.c_[np.zeros(134), np.full(134, 20.0), np.arange(-20.0, 20.0, 0.3)]
    canvas = Canvas(camera(), (700.0, 800.0))
    for points in (along_x, along_z):
        canvas.add(points, np.full(134, 1.5), np.ones(134))
    path = canvas.drawn().path_mm
    assert path[127:129, 127:129].max() == pytest.approx(6.0, rel=0.1)
    assert path[127:129, 150:153].max() == pytest.approx(3.0, rel=0.1)


def test_the_bolus_reaches_near_places_first_and_washes_out():
    bolus = Bolus(start_s=0.2, length_s=1.0, rise_s=0.2, washout_s=0.5, speed_mm_s=150.0)
    near, far = bolus.concentration(np.array([0.0, 120.0]), 0.7)
    assert near == pytest.approx(1.0)
    assert far == 0.0
    assert bolus.concentration(np.array([120.0]), 1.6)[0] > 0.9
    assert bolus.concentration(np.array([0.0]), 4.0)[0] < 0.05


def test_vessels_are_darker_than_what_is_beside_them(run):
    from scipy.ndimage import binary_dilation

    frame, mask = run.frames[run.best], run.mask[run.best]
    beside = binary_dilation(mask, iterations=5) & ~binary_dilation(mask, iterations=2)
    assert frame[mask].mean() < 0.9 * frame[beside].mean()


def test_contrast_comes_fills_the_tree_and_goes(run):
    area = run.mask.sum(axis=(1, 2))
    assert area[0] == 0
    assert 4 < run.best < 23
    assert area[run.best] > 0.01 * SIZE**2
    assert run.image().frame == run.best


def test_labels_are_the_masks_and_name_the_vessels(run):
    assert np.array_equal(run.labels > 0, run.mask)
    present = {run.names[value - 1] for value in np.unique(run.labels[run.best]) if value}
    assert {"LM", "LAD", "LCx"} <= present


def test_the_projected_centrelines_lie_in_the_mask(run):
    for branch in run.branches[run.best]:
        inside = (branch.filled > 0.35) & (branch.diameter_mm > 1.2)
        places = np.rint(branch.points_px[inside]).astype(int)
        places = places[((places >= 0) & (places < SIZE)).all(axis=1)]
        if len(places):
            assert run.mask[run.best][tuple(places.T)].mean() > 0.97, branch.name


def test_the_same_seed_gives_the_same_pixels_and_another_view_other_ones(scene):
    settings = AngiogramSettings(seed=5, size_px=96)
    first, again = (make_angiogram(settings, scene=scene) for _ in range(2))
    assert np.array_equal(first.frames, again.frames)
    other = make_angiogram(AngiogramSettings(seed=5, size_px=96, view=1), scene=scene)
    assert not np.array_equal(first.frames, other.frames)


def test_settings_that_make_no_picture_are_refused():
    with pytest.raises(ValueError, match="choose 64 to 1024"):
        AngiogramSettings(size_px=4000)
    with pytest.raises(ValueError, match="choose 1 to 300"):
        AngiogramSettings(frames=0)


def test_a_run_is_written_as_a_training_folder_and_as_xa(run, tmp_path):
    files = write_angiogram(run, tmp_path)
    assert len(files["images"]) == len(files["masks"]) == 24
    assert [p.name for p in files["images"]] == [p.name for p in files["masks"]]
    assert files["images"][0].name == "5_1_left_001.png"
    assert np.array_equal(np.asarray(Image.open(files["masks"][run.best])) > 0, run.mask[run.best])
    truth = json.loads(files["truth"][0].read_text())
    assert truth["best_frame"] == run.best + 1
    data = pydicom.dcmread(files["runs"][0])
    assert data.Modality == "XA"
    assert data.pixel_array.shape == run.frames.shape
    spacing = data.ImagerPixelSpacing[0] / data.EstimatedRadiographicMagnificationFactor
    assert spacing == pytest.approx(run.spacing_mm, rel=1e-3)
