"""How much each place of a CT looks like a bright tube: Frangi's vesselness, by SimpleITK's objectness filter.

Second input of the two-channel 3D U-Net of Chen et al. 2019.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ..volume import Volume

# Widths of the Gaussian in mm: a tube answers most where the width is about its radius.
SCALES_MM = (0.6, 1.0, 1.6, 2.4)
# Curvature (HU) at which the answer has risen to 40 %: well above noise, below a coronary of 300 HU in muscle.
HALF_CURVATURE_HU = 60.0
LOWEST_HU, HIGHEST_HU = -200.0, 800.0
"""Beyond these the edge of the lung and the calcium would outshine every artery."""


def vesselness(ct: Volume, scales_mm: tuple[float, ...] = SCALES_MM) -> np.ndarray:
    """Vesselness 0..1 (float32, z, y, x) of a CT in HU: the largest over the scales."""
    image = sitk.Clamp(ct.to_image(), sitk.sitkFloat32, LOWEST_HU, HIGHEST_HU)
    best = np.zeros(ct.array.shape, np.float32)
    for scale in scales_mm:
        smooth = sitk.SmoothingRecursiveGaussian(image, scale)
        # Gamma is compared with the Hessian, which falls with the square of the scale.
        answer = sitk.ObjectnessMeasure(
            smooth, alpha=0.5, beta=0.5, gamma=HALF_CURVATURE_HU / scale**2, scaleObjectnessMeasure=False,
            objectDimension=1, brightObject=True,
        )
        np.maximum(best, sitk.GetArrayViewFromImage(answer), out=best)
    return np.clip(best, 0.0, 1.0, out=best)
