"""A vessel pulled straight: the volume's frame, the way back to the patient, and the picture."""

import numpy as np
import pytest
from review_samples import GRID

from CoronarySegLib.errors import OutputError
from CoronarySegLib.review.straightened_view import straightened_view, write_picture
from CoronarySegLib.volume import Volume


@pytest.fixture(scope="module")
def bent():
    """A bright quarter circle in a dark volume, and its course."""
    angle = np.linspace(0.0, np.pi / 2, 80)
    course = np.stack([10 + 20 * np.sin(angle), 10 + 20 * (1 - np.cos(angle)), np.full(80, 15.0)], axis=1)
    index = np.argwhere(np.ones(GRID.shape_zyx, bool))
    places = GRID.points_lps(index[:, ::-1])
    away = np.abs(np.hypot(places[:, 0] - 10, places[:, 1] - 30) - 20.0)
    lumen = np.hypot(away, places[:, 2] - 15.0) < 1.5
    return Volume(np.where(lumen, 400.0, -90.0).reshape(GRID.shape_zyx).astype(np.float32), GRID), course


def test_the_vessel_runs_down_the_middle_of_its_own_volume(bent):
    view = straightened_view(*bent)
    depth, height, width = view.volume.array.shape
    axis = view.volume.array[4:-4, height // 2, width // 2]
    assert (axis > 350).all()
    assert (view.volume.array[4:-4, height // 2, width // 2 + 12] < 0).all()
    assert depth * view.volume.geometry.spacing_xyz_mm[2] == pytest.approx(np.pi * 10, rel=0.03)


def test_heights_of_the_view_lead_back_to_the_patient(bent):
    view = straightened_view(*bent)
    np.testing.assert_allclose(view.place_of(0.0), bent[1][0], atol=0.05)
    middle = bent[1][40]
    np.testing.assert_allclose(view.place_of(view.arc_of(middle)), middle, atol=0.3)
    top = view.volume.geometry.points_lps(np.array([0, 0, view.volume.array.shape[0] - 1]))
    assert top[2] == pytest.approx(0.0, abs=1e-6)  # proximal is on top


def test_the_picture_is_written_whole(bent, tmp_path):
    path = write_picture(straightened_view(*bent, name="LAD"), tmp_path / "lad.png")
    assert path.read_bytes()[:4] == b"\x89PNG"
    assert [one.name for one in tmp_path.iterdir()] == ["lad.png"]


def test_a_folder_that_is_not_there_is_said(bent, tmp_path):
    with pytest.raises(OutputError):
        write_picture(straightened_view(*bent), tmp_path / "nowhere" / "lad.png")


def test_a_single_point_is_no_vessel(bent):
    with pytest.raises(ValueError, match="two points"):
        straightened_view(bent[0], bent[1][:1])
