"""The published way: marching cubes on the padded mask, the largest component of each tree, Laplacian smoothing.

Kept to be compared with; on a 1 mm vessel the Laplacian takes about a third of the diameter, and the report says so.
"""

from __future__ import annotations

import numpy as np

from ..postprocessing.boxes import blocks, bounding_box, cropped_geometry
from ..volume import Volume
from .fields import padded
from .isosurface import isosurface, largest_part
from .lattice import make_well_composed
from .options import SurfaceOptions
from .quality import Ledger
from .smoothing import laplacian


def surface_as_published(labels: Volume, value: int, options: SurfaceOptions):
    """Points, triangles, removed parts and ledger of the voxels equal to ``value``.

    One thing is ours: mask voxels that touch at an edge or a corner only are joined by a further voxel, because
    marching cubes would give a non-manifold edge there.
    """
    box = bounding_box(labels.array == value, margin=1)
    mask, geometry = padded(labels.array[box] == value, cropped_geometry(labels.geometry, box), 1)
    ledger = Ledger(mask, geometry)
    field = mask.astype(np.float32)
    make_well_composed(field, 0.5, blocks(mask))
    field = (field >= 0.5).astype(np.float32)
    points, triangles = isosurface(field, 0.5, geometry, 1)
    points, triangles, removed = largest_part(points, triangles)
    ledger.add("marching cubes", points, triangles)
    points = laplacian(points, triangles, options.laplacian_iterations, options.relaxation)
    ledger.add("Laplacian", points, triangles)
    return points, triangles, removed, ledger
