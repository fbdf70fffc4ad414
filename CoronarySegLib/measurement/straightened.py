"""The image along a vessel, straightened: what a reader turns round its own axis to judge a lesion.

Sections stand across the smoothed centreline on axes that do not spin round it (see :mod:`frames`), so a wall stays on
its side of the picture from the ostium to the end. Where a bend is tighter than the section is wide, neighbouring
sections cross on the inner side and show the same tissue twice, as in every straightened view.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from ..centreline.curvature import curve_geometry
from ..volume import Volume
from .frames import parallel_frames

CHUNK = 2_000_000
"""Places sampled at once; 48 MB of coordinates."""


@dataclass(frozen=True)
class StraightenedVessel:
    """``array`` (s, v, u) float32: along the vessel, then across it. Frame of the places LPS mm.

    ``arc_mm`` (s,) from the beginning of the vessel; ``across_mm`` (k,) are the offsets of both v and u from the
    centreline; ``points_lps_mm``, ``tangents``, ``first`` and ``second`` (s, 3) are the centreline and the unit axes of
    every section, u along ``first`` and v along ``second``; tangent x first = second.
    """

    array: np.ndarray
    arc_mm: np.ndarray
    across_mm: np.ndarray
    points_lps_mm: np.ndarray
    tangents: np.ndarray
    first: np.ndarray
    second: np.ndarray

    def places_lps_mm(self, s: int) -> np.ndarray:
        """Where the voxels of section ``s`` come from (v, u, 3), LPS mm."""
        return _places(self.points_lps_mm[s : s + 1], self.first[s : s + 1], self.second[s : s + 1], self.across_mm)[0]

    def lengthwise(self, degrees: float = 0.0) -> np.ndarray:
        """One cut through the axis (s, k): the plane of ``first`` and the vessel, turned towards ``second``."""
        angle = np.radians(degrees)
        step, half = self.across_mm[1] - self.across_mm[0], (len(self.across_mm) - 1) / 2.0
        u, v = (half + self.across_mm / step * f(angle) for f in (np.cos, np.sin))
        s = np.arange(len(self.arc_mm), dtype=float)[:, None]
        index = np.broadcast_arrays(s, v[None, :], u[None, :])
        return map_coordinates(self.array, np.stack(index), order=1, mode="nearest")


def straightened(
    volume: Volume, points_lps_mm: np.ndarray, *, step_mm: float = 0.25, width_mm: float = 12.0,
    across_step_mm: float = 0.25, first: np.ndarray | None = None, outside: float | None = None,
) -> StraightenedVessel:
    """``volume`` along the centreline ``points_lps_mm`` (n, 3), ``width_mm`` to a side of the square sections.

    ``first`` is a wish (LPS) for the first axis at the beginning. Volumes of at most 8 bits are taken for
    labels and keep their own values; all others are sampled linearly. Beyond the grid stands ``outside``, by default
    the volume's smallest value. Raises ValueError for steps or widths that make no picture.
    """
    if min(step_mm, across_step_mm) <= 0.0 or width_mm < 2.0 * across_step_mm:
        raise ValueError(f"steps {step_mm}, {across_step_mm} and width {width_mm} mm make no picture")
    length = float(np.linalg.norm(np.diff(points_lps_mm, axis=0), axis=1).sum())
    arc = np.linspace(0.0, length, max(2, round(length / step_mm) + 1))
    curve = curve_geometry(points_lps_mm, arc)
    one, two = parallel_frames(curve.points_lps_mm, curve.tangents, first)
    half = round(0.5 * width_mm / across_step_mm)
    across = across_step_mm * np.arange(-half, half + 1)
    array = np.empty((len(arc), len(across), len(across)), np.float32)
    nearest = volume.array.dtype in (np.bool_, np.uint8, np.int8)
    fill = float(volume.array.min()) if outside is None else outside
    rows = max(1, CHUNK // len(across) ** 2)
    for start in range(0, len(arc), rows):
        part = slice(start, start + rows)
        places = _places(curve.points_lps_mm[part], one[part], two[part], across)
        index = volume.geometry.index_of(places.reshape(-1, 3))[:, ::-1].T
        array[part] = map_coordinates(
            volume.array, index, output=np.float32, order=0 if nearest else 1, mode="constant", cval=fill
        ).reshape(places.shape[:3])
    return StraightenedVessel(array, arc, across, curve.points_lps_mm, curve.tangents, one, two)


def _places(points: np.ndarray, first: np.ndarray, second: np.ndarray, across: np.ndarray) -> np.ndarray:
    """(s, v, u, 3) LPS mm."""
    u = across[None, None, :, None] * first[:, None, None, :]
    v = across[None, :, None, None] * second[:, None, None, :]
    return points[:, None, None, :] + v + u
