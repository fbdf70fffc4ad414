"""The closed model: a lid on every open end, and the check that each is called what it closes."""

from __future__ import annotations

import numpy as np

from ..errors import SurfaceError
from .ends import OpenedSurface
from .lids import lid
from .model import CfdModel, assembled


def capped(opened: OpenedSurface) -> CfdModel:
    """The closed model: every rim gets a lid that lies exactly in its plane. Raises SurfaceError for a rim that crosses
    itself, and when a lid's name is not that of the cut it lies at."""
    points, caps = opened.points_lps_mm, []
    for index, (rim, cut) in enumerate(zip(opened.rims, opened.cuts, strict=True)):
        new, triangles = lid(opened.rim_points(index), cut.normal)
        if triangles is None:
            raise SurfaceError(f"The rim of {cut.name} crosses itself and cannot be closed. Move the cut by 1 mm.")
        numbers = np.r_[rim, len(points) + np.arange(len(new))]
        points = np.concatenate([points, new])
        caps.append(numbers[triangles])
    model = assembled(points, opened.triangles, caps, list(opened.cuts), list(opened.extensions_mm))
    check_names(model)
    return model


def check_names(model: CfdModel) -> None:
    """Each opening, drawn back by its extension, must be nearer to its own cut than to any other, and on its side.

    Raises SurfaceError otherwise: a flow given to the wrong branch is not seen in the result.
    """
    openings = model.openings
    cuts = np.array([patch.cut.position_lps_mm for patch in openings])
    for index, patch in enumerate(openings):
        home = patch.centroid_lps_mm - patch.extension_mm * patch.cut.normal
        nearest = int(np.argmin(np.linalg.norm(cuts - home, axis=1)))
        if nearest != index or patch.normal @ patch.cut.normal < 0.99:
            raise SurfaceError(
                f"The opening at {np.round(patch.centroid_lps_mm, 1)} is called {patch.name} but lies at the cut of "
                f"{openings[nearest].name}. Nothing was written; please report this with the mask."
            )
