"""A straightened view shows a bent vessel straight, in its own calibre, without spinning round it."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import center_of_mass

from CoronarySegLib.measurement.frames import parallel_frames
from CoronarySegLib.measurement.straightened import straightened
from CoronarySegLib.volume import Geometry, Volume

sys.path.append(str(Path(__file__).resolve().parents[1] / "centreline"))
import shapes


def ramp(grid: Geometry) -> Volume:
    """A volume whose value is x + 2 y - z of the place: linear, so that sampling is exact anywhere."""
    z, y, x = np.meshgrid(*(np.arange(n) for n in grid.shape_zyx), indexing="ij")
    places = grid.points_lps(np.stack([x, y, z], axis=-1))
    return Volume((places @ [1.0, 2.0, -1.0]).astype(np.float32), grid)


def test_every_voxel_comes_from_the_place_it_says():
    vessel = shapes.helix()
    volume = ramp(shapes.grid_round(vessel, (0.5, 0.6, 0.8), (20, -35, 50), margin_mm=9.0))
    view = straightened(volume, vessel.tubes[0].points_lps_mm, width_mm=8.0)
    for s in (0, len(view.arc_mm) // 2, len(view.arc_mm) - 1):
        assert view.array[s] == pytest.approx(view.places_lps_mm(s) @ [1.0, 2.0, -1.0], abs=1e-3)


def test_a_bent_tube_becomes_straight_and_keeps_its_calibre():
    vessel = shapes.bent(3.0, bend_radius_mm=12.0)
    mask = shapes.probability_of(vessel, shapes.grid_round(vessel, (0.4, 0.4, 0.4), margin_mm=7.0))
    view = straightened(mask, vessel.tubes[0].points_lps_mm, width_mm=8.0)
    inner = view.array[10:-10]
    areas = (inner > 0.5).sum(axis=(1, 2)) * 0.25**2
    assert areas == pytest.approx(np.full(len(areas), np.pi * 1.5**2), rel=0.06)
    centres = np.array([center_of_mass(section) for section in inner]) - (inner.shape[1] - 1) / 2.0
    assert np.abs(centres).max() * 0.25 < 0.15
    assert view.arc_mm[-1] == pytest.approx(np.pi * 12.0, rel=0.005)


def test_axes_stand_across_the_vessel_and_make_a_right_handed_frame():
    view = straightened(ramp(shapes.grid_round(shapes.helix())), shapes.helix().tubes[0].points_lps_mm)
    frame = np.stack([view.tangents, view.first, view.second], axis=1)
    assert frame @ frame.transpose(0, 2, 1) == pytest.approx(np.tile(np.eye(3), (len(frame), 1, 1)), abs=1e-9)
    assert np.linalg.det(frame) == pytest.approx(np.ones(len(frame)))


def test_frames_turn_no_more_than_the_torsion_of_the_curve():
    # Against the Frenet frame a frame of least rotation turns back by torsion times length (analytic on a helix).
    angle = np.linspace(0.0, 3.0 * np.pi, 900)
    winding, rise = 6.0, 2.0
    points = np.stack([winding * np.cos(angle), winding * np.sin(angle), rise * angle], axis=1)
    tangents = np.stack([-winding * np.sin(angle), winding * np.cos(angle), np.full_like(angle, rise)], axis=1)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    normal = -np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=1)
    first, _ = parallel_frames(points, tangents, first=normal[0])
    binormal = np.cross(tangents, normal)
    turned = np.unwrap(np.arctan2((first * binormal).sum(1), (first * normal).sum(1)))
    torsion, length = rise / (winding**2 + rise**2), np.hypot(winding, rise) * angle
    assert turned == pytest.approx(-torsion * length, abs=1e-3)


def test_a_straight_vessel_keeps_its_axes():
    points = np.linspace([0, 0, 0], [0, 0, 20.0], 50)
    first, second = parallel_frames(points, np.tile([0.0, 0.0, 1.0], (50, 1)), first=[1.0, 0.0, 0.5])
    assert first == pytest.approx(np.tile([1.0, 0.0, 0.0], (50, 1)))
    assert second == pytest.approx(np.tile([0.0, 1.0, 0.0], (50, 1)))


def test_a_wish_along_the_vessel_is_replaced():
    points = np.linspace([0, 0, 0], [0, 0, 5.0], 9)
    first, _ = parallel_frames(points, np.tile([0.0, 0.0, 1.0], (9, 1)), first=[0, 0, 1])
    assert np.linalg.norm(first, axis=1) == pytest.approx(np.ones(9))


def test_a_lengthwise_cut_turns_round_the_vessel():
    grid = Geometry((60, 60, 60), (0.5,) * 3, (-15.0, -15.0, -5.0))
    z, y, x = np.meshgrid(*(np.arange(60),) * 3, indexing="ij")
    places = grid.points_lps(np.stack([x, y, z], axis=-1))
    volume = Volume(places[..., 0].astype(np.float32), grid)  # the value is x
    view = straightened(volume, np.linspace([0, 0, 0], [0, 0, 20.0], 80), first=[1, 0, 0])
    assert view.lengthwise(0.0)[40] == pytest.approx(view.across_mm, abs=1e-3)
    assert view.lengthwise(90.0)[40] == pytest.approx(np.zeros(len(view.across_mm)), abs=1e-3)
    assert view.lengthwise(60.0)[40] == pytest.approx(0.5 * view.across_mm, abs=1e-3)


def test_labels_stay_labels_and_the_outside_is_filled():
    grid = Geometry((40, 10, 10), (0.5,) * 3, (-2.5, -2.5, 0.0))
    view = straightened(Volume(np.full((40, 10, 10), 3, np.uint8), grid), np.linspace([0, 0, 1], [0, 0, 15.0], 60),
                        width_mm=10.0, outside=0.0)
    assert set(np.unique(view.array)) == {0.0, 3.0}


def test_a_view_without_extent_is_refused():
    volume = ramp(Geometry((10, 10, 10), (1.0,) * 3))
    with pytest.raises(ValueError, match="no picture"):
        straightened(volume, np.linspace([0, 0, 0], [0, 0, 5.0], 9), step_mm=0.0)
