"""A level set on a probability map: the second half of Shen et al. 2019, "Coronary Arteries Segmentation Based on 3D
FCN With Attention Gate and Level Set Function", by SimpleITK.

The contour starts at the network's mask and moves outward where the probability is high and inward where it is low,
held together by its curvature. The paper's own energy is not public; this is ITK's threshold level set (Lefohn 2003)
on the probability, with a weak curvature term, because a strong one shrinks a vessel two voxels wide to nothing.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

START = 0.5
LOWEST = 0.4
"""Probability above which the contour grows: below the start, or it could only shrink."""
CURVATURE = 0.02
"""Weak: at 0.1 a vessel two voxels wide has gone after thirty steps."""
ITERATIONS = 30
MARGIN_VOXELS = 4


def refined_by_level_set(probability: np.ndarray, spacing_xyz_mm: tuple[float, float, float]) -> np.ndarray:
    """``probability`` (z, y, x) raised to at least 0.5 inside the final contour and lowered below it outside.

    What the contour leaves alone keeps its value. Nothing above 0.5: returned as it is.
    """
    mask = probability >= START
    if not mask.any():
        return probability
    where = np.argwhere(mask)
    lower = np.maximum(where.min(0) - MARGIN_VOXELS, 0)
    box = tuple(slice(a, b) for a, b in zip(lower, where.max(0) + MARGIN_VOXELS + 1, strict=True))
    feature = sitk.GetImageFromArray(np.ascontiguousarray(probability[box], np.float32))
    field = sitk.GetImageFromArray(_distance(mask[box], spacing_xyz_mm))
    for image in (feature, field):
        image.SetSpacing(spacing_xyz_mm)
    mover = sitk.ThresholdSegmentationLevelSetImageFilter()
    mover.SetLowerThreshold(LOWEST)
    # The speed is the distance to the nearer threshold: an upper one of 1 would stop the contour where it is surest.
    mover.SetUpperThreshold(2.0)
    mover.SetPropagationScaling(1.0)
    mover.SetCurvatureScaling(CURVATURE)
    mover.SetMaximumRMSError(0.005)
    mover.SetNumberOfIterations(ITERATIONS)
    inside = sitk.GetArrayFromImage(mover.Execute(field, feature)) < 0
    result = probability.copy()
    below = np.nextafter(np.float32(START), np.float32(0))
    result[box] = np.where(inside, np.maximum(result[box], START), np.minimum(result[box], below))
    return result


def _distance(mask: np.ndarray, spacing_xyz_mm: tuple[float, float, float]) -> np.ndarray:
    """Distance in mm to the faces between mask and background, negative inside (float32, z, y, x).

    To the faces, not to the voxels' centres: those of a vessel two voxels wide would all lie on its own border.
    """
    sampling = spacing_xyz_mm[::-1]
    half = 0.5 * min(sampling)
    inside = ndimage.distance_transform_edt(mask, sampling=sampling)
    outside = ndimage.distance_transform_edt(~mask, sampling=sampling)
    return np.where(mask, half - inside, outside - half).astype(np.float32)
