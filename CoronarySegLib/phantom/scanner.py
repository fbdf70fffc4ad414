"""Artefacts of a whole acquisition: streaks, dark bands, slab steps, motion. Applied to the rendered image, in place.

A slab step moves what the image shows. The truth has to follow it (:class:`SlabStep`): who outlines a vessel does so
where it is seen, and half a vessel beside its own truth would count against whoever found it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from ..volume import Geometry
from .appearance import Appearance
from .raster import VoxelAnatomy
from .tissues import Tissue
from .tree import CoronaryTree


@dataclass(frozen=True)
class SlabStep:
    """Slices ``first`` to ``last`` (exclusive) lie ``shift_yx`` voxels beside the others."""

    first: int
    last: int
    shift_yx: tuple[float, float]

    def labels(self, array: np.ndarray) -> np.ndarray:
        """Labels or masks (z, y, x) moved as the image was."""
        moved = array.copy()
        for k in range(self.first, self.last):
            moved[k] = ndimage.shift(array[k], self.shift_yx, order=0, mode="nearest")
        return moved

    def tree(self, tree: CoronaryTree, geometry: Geometry) -> CoronaryTree:
        """Centrelines and ostia moved as the image was, LPS mm; lesions stay where they are along their branch."""
        return replace(
            tree,
            branches=tuple(replace(b, points_lps_mm=self._points(b.points_lps_mm, geometry)) for b in tree.branches),
            ostia_lps_mm={side: self._points(o[None], geometry)[0] for side, o in tree.ostia_lps_mm.items()},
            calcium=tuple(
                replace(c, centre_lps_mm=self._points(c.centre_lps_mm[None], geometry)[0]) for c in tree.calcium
            ),
        )

    def _points(self, points_lps_mm: np.ndarray, geometry: Geometry) -> np.ndarray:
        index = geometry.index_of(points_lps_mm)
        slice_number = np.rint(index[:, 2])
        index[(slice_number >= self.first) & (slice_number < self.last), :2] += self.shift_yx[::-1]
        return geometry.points_lps(index)


def add_artefacts(
    image: np.ndarray, voxels: VoxelAnatomy, tree: CoronaryTree, look: Appearance, rng: np.random.Generator
) -> SlabStep | None:
    """All artefacts that ``look`` asks for on ``image`` (z, y, x) HU. Returns what the truth has to follow, if any."""
    step = None
    if look.motion_mm > 0:
        _motion(image, voxels, tree, look, rng)
    if look.slab_step_mm > 0:
        step = _slab_steps(image, voxels, look, rng)
    if look.streak_hu > 0:
        _streaks(image, voxels, look, rng)
    if look.beam_hardening_hu > 0:
        _dark_bands(image, voxels, look)
    return step


def _streaks(image: np.ndarray, voxels: VoxelAnatomy, look: Appearance, rng: np.random.Generator) -> None:
    """Rays that fan out in each slice from the dense contrast of the superior cava."""
    cava = voxels.tissue == Tissue.SUPERIOR_CAVA
    ny, nx = image.shape[1:]
    y, x = np.mgrid[:ny, :nx].astype("f4")
    count = rng.integers(9, 17)
    for k in np.flatnonzero(cava.any(axis=(1, 2))):
        cy, cx = ndimage.center_of_mass(cava[k])
        angle = np.arctan2(y - cy, x - cx)
        distance = np.hypot(y - cy, x - cx) * voxels.geometry.spacing_xyz_mm[0]
        wave = np.sin(count * angle + 0.25 * k) * np.sin(2.3 * count * angle + 1.0)
        image[k] += look.streak_hu * wave * np.exp(-distance / 45.0) * (distance > 8.0)


def _dark_bands(image: np.ndarray, voxels: VoxelAnatomy, look: Appearance) -> None:
    """Soft tissue beside dense contrast loses HU: a wide blur of what lies above 500 HU, coarse for speed."""
    step = 4
    dense = np.clip(image[::step, ::step, ::step] - 500.0, 0.0, 800.0) / 800.0
    sigma = 6.0 / np.asarray(voxels.geometry.spacing_xyz_mm[::-1]) / step
    shadow = ndimage.gaussian_filter(dense, sigma)
    shadow = np.clip(shadow / max(float(shadow.max()), 1e-6), 0.0, 1.0)
    shadow = ndimage.zoom(
        shadow, [n / s for n, s in zip(image.shape, shadow.shape, strict=True)], order=1, grid_mode=True, mode="nearest"
    )
    image -= look.beam_hardening_hu * shadow * (image < 300.0) * (image > -300.0)


def _slab_steps(image: np.ndarray, voxels: VoxelAnatomy, look: Appearance, rng: np.random.Generator) -> SlabStep:
    """One slab of slices sits sideways and at another level, as when heart beats do not match."""
    edges = np.sort(rng.integers(0, image.shape[0], 2))
    shift = rng.normal(0, 1, 2)
    shift *= look.slab_step_mm / np.linalg.norm(shift) / np.asarray(voxels.geometry.spacing_xyz_mm[1::-1])
    for k in range(*edges):
        image[k] = ndimage.shift(image[k], shift, order=1, mode="nearest") + look.slab_step_hu
    return SlabStep(int(edges[0]), int(edges[1]), (float(shift[0]), float(shift[1])))


def _motion(
    image: np.ndarray, voxels: VoxelAnatomy, tree: CoronaryTree, look: Appearance, rng: np.random.Generator
) -> None:
    """A double contour round the middle of one right or circumflex artery."""
    names = [b for b in tree.branches if b.name in ("RCA", "LCx")]
    branch = names[int(rng.integers(0, len(names)))]
    centre = voxels.geometry.index_of(branch.points_lps_mm[len(branch.points_lps_mm) // 2])[::-1]
    shift = random_shift(look.motion_mm, rng)
    double_contour(image, centre, shift, np.asarray(voxels.geometry.spacing_xyz_mm[::-1]))


def random_shift(length_mm: float, rng: np.random.Generator) -> np.ndarray:
    """A shift (z, y, x) of ``length_mm`` in a random direction."""
    direction = rng.normal(0, 1, 3)
    return direction / np.linalg.norm(direction) * length_mm


def double_contour(image: np.ndarray, centre_zyx: np.ndarray, shift_mm: np.ndarray, spacing_zyx: np.ndarray) -> None:
    """Half the dose from a heart moved by ``shift_mm`` (z, y, x), fading out about 30 mm round the voxel
    ``centre_zyx``. In place."""
    reach = np.ceil(30.0 / spacing_zyx).astype(int)
    box = tuple(slice(max(int(c - r), 0), max(int(c + r), 1)) for c, r in zip(centre_zyx, reach, strict=True))
    part = image[box]
    if min(part.shape) < 4:
        return
    moved = ndimage.shift(part, shift_mm / spacing_zyx, order=1, mode="nearest")
    grid = np.meshgrid(
        *[
            (np.arange(s.start, s.start + n) - c) * d
            for s, n, c, d in zip(box, part.shape, centre_zyx, spacing_zyx, strict=True)
        ],
        indexing="ij",
        sparse=True,
    )
    weight = 0.5 * np.exp(-0.5 * sum(g**2 for g in grid) / 14.0**2).astype("f4")
    image[box] = part * (1.0 - weight) + moved * weight
