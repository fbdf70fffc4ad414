"""The catheter from the arch into the ostium, and contrast that flows back into the aortic root."""

from __future__ import annotations

import numpy as np

from ...phantom.heart import HeartFrame
from ...phantom.shapes import dense_curve
from ...phantom.veins import Tube

STEP_MM = 0.5


def catheter_to(
    ostium_lps_mm: np.ndarray, first_course_mm: np.ndarray, frame: HeartFrame, rng: np.random.Generator
) -> Tube:
    """A Judkins-like course: round the arch, down the ascending aorta along its far wall, and back into the ostium.

    ``first_course_mm`` (n, 3) is the beginning of the vessel, which the tip lies in. Radius 0.85 to 1.2 mm (5 to 7 F).
    """
    axis, annulus = frame.root_axis, frame.annulus
    inwards = first_course_mm[min(6, len(first_course_mm) - 1)] - ostium_lps_mm
    inwards /= max(np.linalg.norm(inwards), 1e-6)
    far = ostium_lps_mm - (annulus + axis * ((ostium_lps_mm - annulus) @ axis))
    far /= -max(np.linalg.norm(far), 1e-6)
    radius = 0.7 * frame.root_radius_mm
    top = annulus + 75.0 * axis + np.array([6.0, 12.0, 4.0])
    course = [
        ostium_lps_mm + rng.uniform(2.0, 6.0) * inwards,
        ostium_lps_mm - 2.0 * inwards,
        ostium_lps_mm - 9.0 * inwards + rng.uniform(3.0, 9.0) * axis,
        annulus + rng.uniform(26.0, 34.0) * axis + radius * far * rng.uniform(0.3, 1.0),
        annulus + 52.0 * axis + 0.5 * radius * far,
        top,
    ]
    if rng.random() < 0.55:  # through the groin: over the arch and down beside the spine
        down = np.array([annulus[0] + 26.0, annulus[1] + 62.0, 0.0])
        course += [top + [20.0, 32.0, 24.0], down + [0, 0, 60.0], down + [2.0, 2.0, 0.0], down + [0, 0, -90.0]]
    else:  # through the arm
        course += [top + [-16.0, 8.0, 34.0], top + [-28.0, 4.0, 70.0]]
    points, _ = dense_curve(np.array(course), 1.0, STEP_MM)
    return Tube(points, np.full(len(points), rng.uniform(0.85, 1.2)))


def reflux_at(ostium_lps_mm: np.ndarray, frame: HeartFrame, rng: np.random.Generator) -> Tube:
    """A puff of contrast in the sinus before the ostium: a few overlapping blobs."""
    inwards = frame.annulus + frame.root_axis * ((ostium_lps_mm - frame.annulus) @ frame.root_axis) - ostium_lps_mm
    count = int(rng.integers(3, 8))
    share = rng.uniform(0.05, 0.7, count)
    points = ostium_lps_mm + share[:, None] * inwards + rng.normal(0.0, 3.0, (count, 3))
    points -= rng.uniform(0.0, 5.0, (count, 1)) * frame.root_axis
    return Tube(points, rng.uniform(2.0, 5.5, count))
