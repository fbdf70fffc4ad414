"""The surface of label voxels alone: corrected segmentations, calcium, masks of others.

The signed distance to the wall replaces the probability. It is the mean of the distances to the mask and to its
complement: either alone measures to voxel centres and would move the wall by half a voxel.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ..postprocessing.boxes import bounding_box, cropped_geometry
from ..volume import Geometry, Volume
from .fields import padded, surface_of_field
from .options import SurfaceOptions
from .quality import Ledger

REACH_VOXELS = 2.0


def surface_from_labels(labels: Volume, value: int, options: SurfaceOptions):
    """Points, triangles, removed parts and ledger of the voxels equal to ``value``."""
    box = bounding_box(labels.array == value, margin=1)
    mask, geometry = padded(labels.array[box] == value, cropped_geometry(labels.geometry, box))
    ledger = Ledger(mask, geometry)
    field = inside_score(mask, geometry)
    points, triangles, removed = surface_of_field(field, 0.5, field > 0, geometry, ledger, options)
    return points, triangles, removed, ledger


def inside_score(mask: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Signed distance as a score (z, y, x) float32: 0.5 on the wall, 1 deep inside, 0 two voxels outside."""
    image = _image(mask.astype(np.uint8), geometry)
    outside_mm = sitk.SignedMaurerDistanceMap(image, False, False, True)
    inside_mm = sitk.SignedMaurerDistanceMap(1 - image, False, False, True)
    signed_mm = 0.5 * (sitk.GetArrayFromImage(inside_mm) - sitk.GetArrayFromImage(outside_mm))
    reach_mm = REACH_VOXELS * max(geometry.spacing_xyz_mm)
    return np.clip(0.5 + 0.5 * signed_mm / reach_mm, 0.0, 1.0).astype(np.float32)


def _image(array: np.ndarray, geometry: Geometry) -> sitk.Image:
    """An image with the spacing only: distances do not depend on where the grid lies."""
    return Volume(array, Geometry(array.shape, geometry.spacing_xyz_mm)).to_image()
