"""Is a contrast-filled heart in the field? A cheap answer without a network, from one fact of anatomy.

Nothing in the body but heart and great thoracic vessels is a bright blood pool so wide that a ball of 9 mm radius
passes through tens of millilitres of it, with lung on its left and on its right. The abdominal aorta is too narrow,
kidneys and spleen have no lung on both sides, bone is too thin-walled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .coarse import CoarseCT

BLOOD_HU = 180.0
BALL_RADIUS_MM = 9.0
MIN_POOL_ML = 50.0
# Outside air (-1000) lies below, partial volume at the skin within; an opening removes the latter.
LUNG_HU = (-950.0, -600.0)
MIN_LUNG_SIDE_ML = 10.0
MIN_CHEST_AREA_CM2 = 15.0
MIN_CHEST_HEIGHT_MM = 60.0


@dataclass(frozen=True)
class HeartField:
    """What the coarse look found; masks on the coarse grid.

    ``pool`` is the wide blood pool (all pieces), ``pool_ml`` its volume, ``blood_hu`` its median. ``lung_left_ml`` and
    ``lung_right_ml`` lie beside it (patient's sides). ``chest_height_mm`` is how far lung is seen on both sides.
    """

    coarse: CoarseCT
    pool: np.ndarray
    lung: np.ndarray
    pool_ml: float
    blood_hu: float
    lung_left_ml: float
    lung_right_ml: float
    chest_height_mm: float

    @property
    def has_pool(self) -> bool:
        return self.pool_ml >= MIN_POOL_ML

    @property
    def has_heart(self) -> bool:
        return self.has_pool and min(self.lung_left_ml, self.lung_right_ml) >= MIN_LUNG_SIDE_ML

    def pool_area_cm2(self) -> np.ndarray:
        """Cross-section of the wide blood pool per coarse slice, from bottom to top."""
        _, y, x = self.coarse.spacing_zyx_mm
        return self.pool.sum((1, 2)) * y * x / 100.0

    def deep_places(self, count: int) -> np.ndarray:
        """Up to ``count`` coarse voxels (n, 3) in z, y, x order, spread over the deepest quarter of the pool."""
        depth = _depth(self.pool, self.coarse.spacing_zyx_mm)
        places = np.argwhere(self.pool & (depth >= np.percentile(depth[self.pool], 75)))
        return places[np.linspace(0, len(places) - 1, min(count, len(places))).astype(int)]


def look_for_heart(coarse: CoarseCT) -> HeartField:
    """Find wide blood pools and the lungs beside them."""
    spacing = coarse.spacing_zyx_mm
    values = coarse.array
    pool = _opened(values > BLOOD_HU, spacing, BALL_RADIUS_MM)
    lung = _opened((values > LUNG_HU[0]) & (values < LUNG_HU[1]), spacing, 1.2 * max(spacing))
    pool_ml = float(pool.sum() * coarse.voxel_ml)
    left = right = 0.0
    if pool.any():
        rows = np.flatnonzero(pool.any((1, 2)))
        middle = round(float(np.nonzero(pool)[2].mean()))
        beside = lung[rows[0] : rows[-1] + 1]
        # LPS: x grows towards the patient's left.
        right, left = (float(part.sum() * coarse.voxel_ml) for part in (beside[..., :middle], beside[..., middle:]))
    return HeartField(
        coarse, pool, lung, pool_ml, float(np.median(values[pool])) if pool.any() else float("nan"), left, right,
        _chest_height_mm(lung, coarse),
    )


def _chest_height_mm(lung: np.ndarray, coarse: CoarseCT) -> float:
    """Height over which both halves of the field show a lung's worth of lung."""
    middle = lung.shape[2] // 2
    z, y, x = coarse.spacing_zyx_mm
    sides = np.stack([lung[..., :middle].sum((1, 2)), lung[..., middle:].sum((1, 2))]) * y * x / 100.0
    return float((sides.min(0) >= MIN_CHEST_AREA_CM2).sum() * z)


def _opened(mask: np.ndarray, spacing: tuple[float, float, float], radius_mm: float) -> np.ndarray:
    """Opening with a ball (two distance transforms). Beyond the border counts as inside: a cut heart keeps its size."""
    core = _depth(mask, spacing) >= radius_mm
    if not core.any():
        return core
    return mask & (ndimage.distance_transform_edt(~core, sampling=spacing) < radius_mm)


def _depth(mask: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """Distance to the outside in mm; a mask that fills the whole field is infinitely deep."""
    if mask.all():
        return np.full(mask.shape, np.inf)
    return ndimage.distance_transform_edt(mask, sampling=spacing)
