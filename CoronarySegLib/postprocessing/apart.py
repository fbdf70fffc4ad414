"""Pieces that hang on nothing: which of them look like a branch whose way to its tree the network lost.

A branch is slender, sure, as bright as the trees, lies in fat and muscle and is no vein. Everything else that hangs on
nothing (plaque, a leaflet of the aortic valve, a bit of a chamber's wall, a cardiac vein) is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .boxes import box_of_points, corner, inside_distance, mask_of_points, ridge
from .usual_contrast import UsualContrast, contrast_at

SURE = 0.85
"""Median probability: arteries that hung on nothing in phantoms kept for such choices and beside real trees had 0.96
and more, a gap between the trabeculae of a left ventricle 0.80."""
TUBE_RADIUS_MM = 3.5
SLENDER = 20.0
"""Volume over inscribed radius cubed from which a piece looks like a branch: a tube of a little over three diameters. A
plaque, a leaflet of the aortic valve or a bit of a chamber's wall is rounder."""
UNSEEN_SLENDER = 160.0
"""The same for a piece where the prior sees nothing: 25 diameters. What was dropped there on phantoms kept for such
choices was cardiac vein, of at most 21."""
SHELL_MM = (0.9, 2.0)
AS_BRIGHT = 0.85
BRIGHT_SHELL = 0.2
"""A piece that hangs on nothing is a bit of a chamber or of its wall when more than this share of the shell round it
has 0.85 of its own HU. Of 26 pieces that hung on nothing in phantoms and beside real trees no artery came to 0.16."""
HALF_VEIN = 0.3
"""Mean probability of a vein in a piece: in phantoms kept for such choices four veins that hung on nothing had 0.35 and
more, the arteries that did 0.27 and less."""

DIM = 0.85
"""Of the contrast that the trees have where they are as wide: with less, what hangs on nothing is no artery. In
phantoms kept for such choices and beside real trees eleven false pieces had 0.58 to 0.84, arteries 0.93 and more."""


@dataclass(frozen=True)
class Piece:
    """Voxels (n, 3) of one piece in array order, its volume, and the arrays (z, y, x) it is judged by: lumen
    probability, and where they are known HU and vein probability."""

    index_zyx: np.ndarray
    volume_mm3: float
    field: np.ndarray
    spacing_zyx_mm: np.ndarray
    ct_hu: np.ndarray | None = None
    vein: np.ndarray | None = None

    def values(self, array: np.ndarray) -> np.ndarray:
        """Of ``array`` in the piece (n,)."""
        return array[tuple(self.index_zyx.T)]

    @property
    def inscribed_mm(self) -> float:
        """Radius of the largest ball in it: to the wall, half a voxel before the first centre outside."""
        mask = mask_of_points(self.index_zyx, box_of_points(self.index_zyx, 0, self.field.shape))
        _, distance_mm = inside_distance(mask, self.spacing_zyx_mm)
        half_mm = 0.5 * float(self.spacing_zyx_mm.min())
        return max(float(distance_mm.max()) - half_mm, half_mm)

    def looks_like_branch(self, seen: bool) -> bool:
        """``seen``: the prior has something here, or there is no prior."""
        if np.median(self.values(self.field)) < SURE:
            return False
        if self.vein is not None and self.values(self.vein).mean() > HALF_VEIN:
            return False
        radius_mm = self.inscribed_mm
        slender_enough = self.volume_mm3 >= (SLENDER if seen else UNSEEN_SLENDER) * radius_mm**3
        return radius_mm <= TUBE_RADIUS_MM and slender_enough and not self._is_in_blood()

    def is_dim(self, usual: UsualContrast | None) -> bool:
        """Dimmer than the arteries of this volume, where both are known, that are as wide."""
        if self.ct_hu is None or usual is None:
            return False
        box = box_of_points(self.index_zyx, 0, self.field.shape)
        index, depth_mm = ridge(mask_of_points(self.index_zyx, box), self.spacing_zyx_mm)
        return bool(np.median(usual.shares(depth_mm, contrast_at(self.ct_hu, index + corner(box)))) < DIM)

    def _is_in_blood(self) -> bool:
        """What surrounds the piece is nearly as bright as it: an artery lies in fat and muscle."""
        if self.ct_hu is None:
            return False
        margin = int(np.ceil(SHELL_MM[1] / self.spacing_zyx_mm.min())) + 1
        box = box_of_points(self.index_zyx, margin, self.field.shape)
        distance = ndimage.distance_transform_edt(~mask_of_points(self.index_zyx, box), sampling=self.spacing_zyx_mm)
        shell = self.ct_hu[box][(distance > SHELL_MM[0]) & (distance <= SHELL_MM[1])]
        return bool((shell >= AS_BRIGHT * np.median(self.values(self.ct_hu))).mean() > BRIGHT_SHELL)
