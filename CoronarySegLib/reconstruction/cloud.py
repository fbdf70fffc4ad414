"""The trees as points: for tools that want points, and to see at a glance where a vessel is wide or a wall doubtful."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.spatial import cKDTree

from ..errors import EmptyResultError
from ..postprocessing.boxes import sample
from .mesh import points_of, triangles_of, vertex_normals
from .surface import Surface

if TYPE_CHECKING:
    from ..inference import Prediction

Kind = Literal["distance", "confidence"]
SIDES = {"left": 1, "right": 2}
DEPTHS_MM = (0.25, 0.5, 0.75, 1.0)
_RAMP = np.array([[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]], float)
"""Five stops of a perceptually even ramp, dark to bright."""


@dataclass(frozen=True)
class PointCloud:
    """Points on the vessel walls.

    ``points_lps_mm`` (n, 3) float32. ``scalar`` (n,) float32: for kind "distance" the distance in mm from the wall to
    the vessel's axis (the local radius), for "confidence" the largest network probability within 1 mm below the wall.
    ``side`` (n,) uint8: 1 left, 2 right. ``normals`` (n, 3) float32, outward.
    """

    points_lps_mm: np.ndarray
    scalar: np.ndarray
    kind: Kind
    side: np.ndarray
    normals: np.ndarray

    def __len__(self) -> int:
        return len(self.points_lps_mm)

    @property
    def unit(self) -> str:
        """"mm" or "1" (a probability)."""
        return "mm" if self.kind == "distance" else "1"

    @property
    def colour_range(self) -> tuple[float, float]:
        """Scalars at the ends of the colour ramp: the full 0..1 for a confidence, the 2nd to 98th percentile in mm."""
        if self.kind == "confidence":
            return 0.0, 1.0
        low, high = np.percentile(self.scalar, (2, 98))
        return float(low), float(max(high, low + 1e-3))

    def colours_rgb(self) -> np.ndarray:
        """(n, 3) uint8 on a dark-to-bright ramp over ``colour_range``."""
        low, high = self.colour_range
        place = np.clip((self.scalar - low) / (high - low), 0.0, 1.0) * (len(_RAMP) - 1)
        channels = [np.interp(place, np.arange(len(_RAMP)), _RAMP[:, channel]) for channel in range(3)]
        return np.rint(np.stack(channels, 1)).astype(np.uint8)


def point_cloud(
    surfaces: dict[str, Surface], prediction: Prediction | None = None, *, kind: Kind = "distance",
    maximum_points: int = 50_000,
) -> PointCloud:
    """The walls of both trees as points, at most ``maximum_points``, spread evenly over the vertices.

    The same input always gives the same points. Kind "confidence" needs the ``prediction``.
    Raises ValueError for an unknown kind or a missing prediction, EmptyResultError without a tree.
    """
    if kind not in ("distance", "confidence"):
        raise ValueError(f'kind must be "distance" or "confidence", not {kind!r}')
    if kind == "confidence" and prediction is None:
        raise ValueError('kind "confidence" needs the prediction')
    trees = {name: surfaces[name] for name in SIDES if name in surfaces}
    total = sum(surface.polydata.GetNumberOfPoints() for surface in trees.values())
    if total == 0:
        raise EmptyResultError("There is no coronary surface to take points from. Segment again first.")
    parts = []
    for name, surface in trees.items():
        points, triangles = points_of(surface.polydata), triangles_of(surface.polydata)
        normals = vertex_normals(points, triangles)
        chosen = _spread(len(points), round(maximum_points * len(points) / total))
        points, normals = points[chosen], normals[chosen]
        if kind == "distance":
            scalar = cKDTree(surface.axis_points_lps_mm).query(points)[0]
        else:
            below = [sample(prediction.lumen, points - depth * normals) for depth in DEPTHS_MM]
            scalar = np.max(below, axis=0)
        parts.append((points, scalar, np.full(len(points), SIDES[name]), normals))
    points, scalar, side, normals = (np.concatenate(column) for column in zip(*parts, strict=True))
    return PointCloud(
        points.astype(np.float32), scalar.astype(np.float32), kind, side.astype(np.uint8), normals.astype(np.float32)
    )


def _spread(count: int, wanted: int) -> np.ndarray:
    """At most ``wanted`` of ``count`` vertices at even steps; neighbours in the list are neighbours on the surface."""
    if wanted >= count:
        return np.arange(count)
    return np.floor(np.arange(max(wanted, 1)) * (count / max(wanted, 1))).astype(int)
