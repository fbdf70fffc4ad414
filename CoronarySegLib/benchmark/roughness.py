"""How rough the surface of a probability is: what a low-pass of the surface moves.

The ResUNet3D paper compares Dice with Dice + BCE by pictures of the surface alone; this is a number for it. A staircase
of voxels and a jagged border both count; the course of a vessel, which the low-pass keeps, does not.
"""

from __future__ import annotations

import numpy as np

from ..postprocessing.boxes import bounding_box, cropped_geometry
from ..reconstruction.fields import padded
from ..reconstruction.isosurface import isosurface
from ..reconstruction.mesh import vertex_normals
from ..reconstruction.smoothing import windowed_sinc
from ..volume import Volume

THRESHOLD = 0.5
PASS_BAND, ITERATIONS = 0.05, 40
"""What bends over more than about ten triangles stays: at 0.5 mm a 2 mm vessel is some twelve round."""


def surface_roughness_mm(probability: Volume) -> float | None:
    """Root mean square distance in mm, along the normals, between the surface at one half and its low-pass.

    None where nothing reaches one half.
    """
    inside = probability.array >= THRESHOLD
    if not inside.any():
        return None
    box = bounding_box(inside, margin=2)
    field, geometry = padded(probability.array[box].astype(np.float32), cropped_geometry(probability.geometry, box), 1)
    points, triangles = isosurface(field, THRESHOLD, geometry, 1)
    smooth = windowed_sinc(points, triangles, PASS_BAND, ITERATIONS)
    along = ((points - smooth) * vertex_normals(points, triangles)).sum(axis=1)
    return float(np.sqrt(np.mean(along**2)))
