"""A chest of a few ellipsoids: enough anatomy for the checks of a volume, built in a tenth of a second.

LPS mm, origin in the middle of the field. Not a phantom for segmentation: that is ``CoronarySegLib.phantom``.
"""

from __future__ import annotations

import numpy as np

from CoronarySegLib.volume import Geometry, Volume

# centre (x, y, z) and half axes in mm: left heart, right heart, upper chambers.
CHAMBERS = (((20, -10, -10), (24, 30, 28)), ((-18, -25, -8), (22, 24, 26)), ((5, 20, 10), (32, 18, 18)))
LUNGS = (((62, 0, 0), (30, 70, 100)), ((-62, 0, 0), (30, 70, 100)))


def make_chest(
    *,
    spacing_mm: float = 1.5,
    extent_mm: tuple[float, float, float] = (170.0, 170.0, 130.0),
    centre_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
    blood_hu: float = 420.0,
    noise_hu: float = 20.0,
    with_heart: bool = True,
    with_lungs: bool = True,
    metal_hu: float | None = None,
) -> Volume:
    """A contrast chest CT, int16 HU. Without heart and lungs it is a belly with an aorta 20 mm wide."""
    size = np.maximum(np.rint(np.asarray(extent_mm) / spacing_mm), 1).astype(int)
    origin = np.asarray(centre_mm) - (size - 1) * spacing_mm / 2
    geometry = Geometry(tuple(int(n) for n in size[::-1]), (spacing_mm,) * 3, tuple(float(v) for v in origin))
    x, y, z = (origin[i] + np.arange(size[i]) * spacing_mm for i in range(3))
    z, y, x = np.meshgrid(z, y, x, indexing="ij", sparse=True)

    def ellipsoid(centre, half):
        return sum(((axis - c) / h) ** 2 for axis, c, h in zip((x, y, z), centre, half, strict=True)) < 1

    array = np.full(geometry.shape_zyx, 50.0, np.float32)
    array[np.broadcast_to(((x / 130) ** 2 + (y / 100) ** 2) > 1, array.shape)] = -1000
    array[ellipsoid((0, -80, 0), (130, 8, 200))] = -100
    if with_lungs:
        for centre, half in LUNGS:
            array[ellipsoid(centre, half)] = -860
    if with_heart:
        array[ellipsoid((2, -8, 0), (52, 48, 48))] = -90
        array[ellipsoid((2, -8, 0), (48, 44, 44))] = 110
        for centre, half in CHAMBERS:
            array[ellipsoid(centre, half)] = blood_hu
        array[np.broadcast_to((x**2 + (y + 10) ** 2 < 15**2), array.shape) & (z > 20)] = blood_hu
    spine = np.broadcast_to((x**2 + (y - 62) ** 2) < 16**2, array.shape)
    array[spine] = 170
    aorta = np.broadcast_to(((x - 22) ** 2 + (y - 48) ** 2) < 10**2, array.shape)
    array[aorta] = blood_hu
    if metal_hu is not None:
        array[ellipsoid((20, -45, 0), (3, 3, 6))] = metal_hu
    array += np.random.default_rng(0).normal(0, noise_hu, array.shape).astype(np.float32)
    return Volume(np.clip(np.rint(array), -1024, 3071).astype(np.int16), geometry)
