"""Curvature and torsion are those of the analytic curve, with and without the noise of a voxel centreline."""

import numpy as np
import pytest
import shapes
from scipy.spatial.transform import Rotation

from CoronarySegLib.centreline.curvature import curve_geometry

INNER = slice(6, -6)
NOISE_MM = 0.04


def points_of(shape, noise_mm: float = 0.0, every: int = 3) -> np.ndarray:
    points = shape.tubes[0].points_lps_mm[::every]
    return points + np.random.default_rng(3).normal(0.0, noise_mm, points.shape)


@pytest.mark.parametrize("bend_radius_mm", [4.0, 8.0, 20.0])
@pytest.mark.parametrize("noise_mm", [0.0, NOISE_MM])
def test_an_arc_has_one_over_its_radius(bend_radius_mm, noise_mm):
    curve = curve_geometry(points_of(shapes.bent(bend_radius_mm=bend_radius_mm), noise_mm))
    assert np.median(curve.curvature_per_mm[INNER]) == pytest.approx(1.0 / bend_radius_mm, rel=0.1)


@pytest.mark.parametrize(("noise_mm", "relative"), [(0.0, 0.03), (NOISE_MM, 0.2)])
def test_a_helix_has_constant_curvature_and_right_handed_torsion(noise_mm, relative):
    winding, rise = 6.0, 12.0 / (2.0 * np.pi)
    curve = curve_geometry(points_of(shapes.helix(), noise_mm))
    assert np.median(curve.curvature_per_mm[INNER]) == pytest.approx(winding / (winding**2 + rise**2), rel=relative)
    assert np.median(curve.torsion_per_mm[INNER]) == pytest.approx(rise / (winding**2 + rise**2), rel=relative)


def test_a_mirrored_helix_has_left_handed_torsion():
    curve = curve_geometry(points_of(shapes.helix()) * [1.0, 1.0, -1.0])
    assert np.median(curve.torsion_per_mm[INNER]) < -0.03


def test_a_rotation_changes_nothing():
    points = points_of(shapes.helix(), NOISE_MM)
    turned = Rotation.from_euler("xyz", (30, -50, 20), degrees=True).apply(points) + [40.0, -7.0, 3.0]
    for name in ("curvature_per_mm", "torsion_per_mm"):
        assert getattr(curve_geometry(turned), name) == pytest.approx(getattr(curve_geometry(points), name), abs=1e-6)


def test_a_straight_line_has_no_curvature_and_no_torsion():
    curve = curve_geometry(points_of(shapes.straight()))
    assert curve.curvature_per_mm.max() < 1e-6
    assert np.isnan(curve.torsion_per_mm).all()


def test_the_curve_stays_on_its_points():
    points = points_of(shapes.bent(bend_radius_mm=5.0))
    arc = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    assert np.linalg.norm(curve_geometry(points, arc).points_lps_mm - points, axis=1).max() < 0.02


@pytest.mark.parametrize("count", [2, 3, 5])
def test_a_handful_of_points_is_enough(count):
    curve = curve_geometry(np.linspace([0, 0, 0], [0, 0, 2.0], count))
    assert curve.tangents == pytest.approx(np.tile([0.0, 0.0, 1.0], (len(curve.arc_mm), 1)), abs=1e-9)
