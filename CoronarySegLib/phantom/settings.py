"""What can be chosen about a phantom."""

from __future__ import annotations

from dataclasses import dataclass

from ..volume import Geometry
from .tree import USUAL_BUILD, Dominance, TreeBuild

NATIVE_SHAPE_ZYX = (275, 512, 512)
NATIVE_SPACING_XYZ_MM = (0.38, 0.38, 0.5)


@dataclass(frozen=True)
class PhantomSettings:
    """Settings of one phantom. Everything not given is drawn from ``seed``.

    ``geometry`` is any grid (orientation, oblique, spacing) in LPS mm; the heart's centre is the frame's origin, so a
    grid should enclose about 130 mm round (0, 0, 0). None is the clinical grid 512x512x275 of 0.38x0.38x0.5 mm.
    ``appearance_seed`` renders the same anatomy in another appearance. ``build`` makes the same tree wider or richer.
    ``artefacts`` False gives a clean image.
    """

    seed: int = 0
    appearance_seed: int | None = None
    geometry: Geometry | None = None
    dominance: Dominance | None = None
    stenoses_per_trunk: int | None = None
    build: TreeBuild = USUAL_BUILD
    artefacts: bool = True

    def grid(self) -> Geometry:
        return self.geometry if self.geometry is not None else centred_grid(NATIVE_SHAPE_ZYX, NATIVE_SPACING_XYZ_MM)


def centred_grid(
    shape_zyx: tuple[int, int, int],
    spacing_xyz_mm: tuple[float, float, float],
    direction: tuple[float, ...] | None = None,
) -> Geometry:
    """A grid whose centre is the heart's centre (the frame's origin)."""
    grid = (
        Geometry(shape_zyx, spacing_xyz_mm)
        if direction is None
        else Geometry(shape_zyx, spacing_xyz_mm, (0.0, 0.0, 0.0), direction)
    )
    return Geometry(shape_zyx, spacing_xyz_mm, tuple(-grid.centre_lps_mm), grid.direction)
