"""What a correction starts from and what it leaves: the labels of a case, its images and its centrelines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..centreline.tree import CentrelineTree
from ..errors import InputError
from ..postprocessing.boxes import Box, box_of_points, cropped_geometry, spacing_zyx
from ..volume import Geometry, Volume

SYSTEMS = {"left": 1, "right": 2}
"""Label of the lumen of each coronary system."""
CALCIUM, VEIN = 3, 4
PER_CENT = 100.0


@dataclass(frozen=True)
class CaseState:
    """A case while it is corrected. Everything lies on the grid of ``labels``, in LPS mm.

    ``labels`` uint8 (z, y, x): 1 left lumen, 2 right lumen, 3 calcium, 4 vein. ``trees`` by system, "left" and "right".
    ``probability`` of lumen: 0..1 as float, or whole per cent as integers (a quarter of the memory). ``ct`` in HU.
    ``stale`` names the systems whose centrelines do not follow the labels any more; see ``refresh.refreshed``.
    Raises InputError when the grids differ.
    """

    labels: Volume
    trees: Mapping[str, CentrelineTree] = field(default_factory=dict)
    probability: Volume | None = None
    ct: Volume | None = None
    stale: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in ("probability", "ct"):
            other = getattr(self, name)
            if other is not None and not other.geometry.same_grid(self.labels.geometry, tolerance_mm=1e-2):
                raise InputError(f"The {name} lies on another grid than the labels. Resample it, or leave it out.")
        unknown = sorted(set(self.trees) - set(SYSTEMS))
        if unknown:
            raise InputError(f"Only the systems left and right can be corrected, not {', '.join(unknown)}.")

    @property
    def geometry(self) -> Geometry:
        return self.labels.geometry

    @property
    def spacing_zyx_mm(self) -> np.ndarray:
        return spacing_zyx(self.geometry)

    def index_zyx(self, points_lps_mm: np.ndarray) -> np.ndarray:
        """Nearest voxels (n, 3) of LPS points (n, 3); they may lie outside of the grid."""
        return np.rint(self.geometry.index_of(points_lps_mm)).astype(int)[..., ::-1]

    def box_round(self, points_lps_mm: np.ndarray, margin_mm: float) -> Box:
        """Box of voxels round LPS points (n, 3), widened on all sides. Raises InputError outside of the image."""
        margin = np.ceil(margin_mm / self.spacing_zyx_mm).astype(int)
        box = box_of_points(self.index_zyx(np.atleast_2d(points_lps_mm)), margin, self.geometry.shape_zyx)
        if any(part.stop <= part.start for part in box):
            raise InputError("The click lies outside of the image. Click inside the CT.")
        return box

    def local_probability(self, box: Box) -> np.ndarray | None:
        """Lumen probability 0..1 float32 in a box, None without one."""
        if self.probability is None:
            return None
        part = self.probability.array[box]
        share = PER_CENT if np.issubdtype(part.dtype, np.integer) else 1.0
        return np.asarray(part, np.float32) / np.float32(share)

    def local_geometry(self, box: Box) -> Geometry:
        return cropped_geometry(self.geometry, box)

    def with_trees(self, trees: Mapping[str, CentrelineTree], stale: frozenset[str] | None = None) -> CaseState:
        return replace(self, trees=trees, stale=self.stale if stale is None else stale)
