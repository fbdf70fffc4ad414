"""A slice view turned so that it cuts a vessel at a right angle: where a calibre is judged and set."""

from __future__ import annotations

import numpy as np
import slicer

from CoronarySegLib.correction import CaseState
from CoronarySegLib.correction.picking import place_at

from .conversion import RAS_TO_LPS

VIEW = "Red"
FIELD_MM = 16.0


def show_cross_section(state: CaseState, click_ras: np.ndarray) -> bool:
    """Turn and zoom a slice view to the cross-section of the vessel under a click; False where there is none."""
    layouts = slicer.app.layoutManager()
    place = place_at(state, np.asarray(click_ras, float) @ RAS_TO_LPS[:3, :3])
    if layouts is None or place is None or layouts.sliceWidget(VIEW) is None:
        return False
    normal = place.course @ RAS_TO_LPS[:3, :3]
    across = np.cross(normal, np.eye(3)[int(np.argmin(np.abs(normal)))])
    across /= np.linalg.norm(across)
    node = layouts.sliceWidget(VIEW).mrmlSliceNode()
    centre = place.lps_mm @ RAS_TO_LPS[:3, :3]
    node.SetSliceToRASByNTP(*normal, *across, *centre, 0)
    width, height, depth = node.GetFieldOfView()
    node.SetFieldOfView(FIELD_MM, FIELD_MM * height / width, depth)
    return True
