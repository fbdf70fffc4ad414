"""The quality report fails the line that is at fault, and no other."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapes
from lumens import truth_tree

from CoronarySegLib.cfd.quality import flatness_mm, quality_report
from CoronarySegLib.cfd.remesh import length_along, remeshed
from CoronarySegLib.cfd.surface import lumen_surface


@pytest.fixture(scope="module")
def vessel():
    """Points, triangles and last step of a remeshed bifurcation."""
    shape = shapes.bifurcating(3.0, (2.6, 1.8), trunk_mm=7.0, length_mm=9.0)
    tree = truth_tree(shape)
    surface = lumen_surface(shapes.mask_of(shape, shapes.grid_round(shape, (0.4, 0.4, 0.5), (20, 0, 35))), tree)
    points, triangles = remeshed(surface.points_mm, surface.triangles, length_along(tree))
    return points, triangles, surface.ledger.add("remeshed", points, triangles)


def failed(report):
    return [line.key for line in report.failures]


def test_a_good_vessel_passes_every_line(vessel):
    points, triangles, step = vessel
    report = quality_report(points, triangles, against_mask=step)
    assert report.passed, report.summary()
    assert report["diameter_wide"].value < 1.0
    assert report["diameter_middle"].value < 2.0
    assert "All checks passed" in report.summary()


def test_the_report_is_json(vessel):
    points, triangles, step = vessel
    kept = json.loads(json.dumps(quality_report(points, triangles, against_mask=step).as_dict(), allow_nan=False))
    assert kept["passed"] is True
    assert {line["key"] for line in kept["lines"]} >= {"closed", "manifold", "self_intersections", "volume"}


def test_a_hole(vessel):
    points, triangles, _ = vessel
    assert failed(quality_report(points, triangles[1:])) == ["closed"]


def test_a_turned_triangle(vessel):
    points, triangles, _ = vessel
    assert failed(quality_report(points, np.r_[triangles[:1, ::-1], triangles[1:]])) == ["outward"]


def test_inside_out(vessel):
    points, triangles, _ = vessel
    assert failed(quality_report(points, triangles[:, ::-1])) == ["outward"]


def test_two_pieces(vessel):
    points, triangles, _ = vessel
    both = np.r_[points, points + [50, 0, 0]], np.r_[triangles, triangles + len(points)]
    assert failed(quality_report(*both)) == ["components"]


def test_a_loop():
    # A torus.
    u, v = np.meshgrid(np.arange(30), np.arange(16), indexing="ij")
    a, b = 2 * np.pi * u / 30, 2 * np.pi * v / 16
    points = np.stack([(5 + np.cos(b)) * np.cos(a), (5 + np.cos(b)) * np.sin(a), np.sin(b)], -1).reshape(-1, 3)
    at = lambda i, j: (i % 30) * 16 + j % 16  # noqa: E731
    corner, right, up, far = (at(u + i, v + j).ravel() for i, j in ((0, 0), (1, 0), (0, 1), (1, 1)))
    triangles = np.r_[np.c_[corner, right, far], np.c_[corner, far, up]]
    assert failed(quality_report(points, triangles)) == ["loops"]


def test_two_vessels_joined_in_one_point(vessel):
    points, triangles, _ = vessel
    top = int(np.argmax(points[:, 2]))
    mirrored = points * [1, 1, -1] + [0, 0, 2 * points[top, 2]]
    number = np.arange(len(points)) + len(points)
    number[top] = top
    report = quality_report(np.r_[points, mirrored], np.r_[triangles, number[triangles][:, ::-1]])
    assert "manifold" in failed(report)
    assert "1 pinched" in report["manifold"].text


def test_walls_through_each_other(vessel):
    points, triangles, _ = vessel
    both = np.r_[points, points + [0.5, 0.3, 0]], np.r_[triangles, triangles + len(points)]
    report = quality_report(*both)
    assert failed(report) == ["components", "self_intersections"]
    assert "LPS" in report["self_intersections"].text


def test_a_sliver(vessel):
    points, triangles, _ = vessel
    points = points.copy()
    a, b, c = triangles[100]
    points[c] = 0.5 * (points[a] + points[b]) + 1e-3 * (points[c] - points[a])
    assert set(failed(quality_report(points, triangles))) >= {"smallest_angle", "aspect"}


def test_a_bulging_cap(vessel):
    points, triangles, _ = vessel
    top = np.flatnonzero((points[triangles][:, :, 2] > 8.0).all(1))
    report = quality_report(points, triangles, caps={"inlet": top})
    assert failed(report) == ["flat_inlet"]
    assert report["flat_inlet"].value == pytest.approx(flatness_mm(points, triangles[top]), abs=1e-6)


def test_a_shrunken_vessel():
    shape = shapes.straight(2.4, 16.0)
    tree = truth_tree(shape)
    surface = lumen_surface(shapes.mask_of(shape, shapes.grid_round(shape)), tree)
    shrunk = surface.points_mm * [0.9, 0.9, 1.0]
    step = surface.ledger.add("shrunk", shrunk, surface.triangles)
    assert step.branches[0].against_mask_percent == pytest.approx(-10.0, abs=0.7)
    report = quality_report(shrunk, surface.triangles, against_mask=step)
    assert set(failed(report)) >= {"volume", "diameter_wide"}
