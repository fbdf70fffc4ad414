"""An anatomy put on a voxel grid: tissue labels, and fractions for what is thinner than a few voxels.

Works in slabs along z so that memory stays at a few hundred MB for the clinical grid. Any grid is accepted: one
along the LPS axes, either way, is interpolated axis by axis, every other orientation point by point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..progress import Progress, ProgressCallback, as_progress
from ..volume import Geometry
from .anatomy import Anatomy
from .courses import arc_length
from .shapes import Lattice, stamp_spheres
from .tissues import Tissue
from .veins import Tube

SLAB = 24
SHEATH_MM = 0.8
"""Fat that an artery keeps round its wall where its course would lead through a chamber."""


@dataclass(frozen=True)
class VoxelAnatomy:
    """Arrays (z, y, x) on ``geometry``.

    ``tissue`` uint8 of :class:`Tissue`; ``lumen``, ``calcium``, ``vein``, ``wall`` uint8 where 255 is a full voxel;
    ``side`` uint8 1 left, 2 right, 0 elsewhere, wherever lumen > 0; ``distal`` uint8 0..255 along the tree (contrast
    falls distally); ``heart`` bool, inside the pericardium.
    """

    geometry: Geometry
    tissue: np.ndarray
    lumen: np.ndarray
    calcium: np.ndarray
    vein: np.ndarray
    wall: np.ndarray
    side: np.ndarray
    distal: np.ndarray
    heart: np.ndarray


def rasterise(
    anatomy: Anatomy, geometry: Geometry, progress: Progress | ProgressCallback | None = None
) -> VoxelAnatomy:
    """Put ``anatomy`` on ``geometry``."""
    report = as_progress(progress)
    tissue = np.zeros(geometry.shape_zyx, np.uint8)
    heart = np.zeros(geometry.shape_zyx, bool)
    layers = _layers(anatomy)
    stack = torch.from_numpy(np.stack([field for _, field in layers]).astype("f4"))
    sampler = _Sampler(anatomy.heart.lattice, geometry, stack)
    for start in range(0, geometry.shape_zyx[0], SLAB):
        stop = min(start + SLAB, geometry.shape_zyx[0])
        values = sampler.slab(start, stop)
        tissue[start:stop], heart[start:stop] = _paint(dict(zip([n for n, _ in layers], values, strict=True)))
        report(0.8 * stop / geometry.shape_zyx[0], "Placing tissues on the grid")
    thin = _Thin(geometry)
    _lung_vessels(anatomy, thin, tissue)
    lumen, side, distal, wall, sheath = _coronaries(anatomy, thin)
    report(0.95, "Placing coronary arteries on the grid")
    # Where a course dips into a chamber the chamber gives way: an artery has fat round it and is never cut off.
    tissue[sheath & _chamber(tissue)] = Tissue.EPICARDIAL_FAT
    calcium = _calcium(anatomy, thin)
    calcium[lumen > 160] = 0
    vein = thin.fraction(anatomy.veins)
    vein[(lumen > 0) | (calcium > 0) | _chamber(tissue) | (tissue == Tissue.AORTA)] = 0
    lumen = np.minimum(lumen, 255 - calcium)
    wall[tissue == Tissue.AORTA] = 0
    side[lumen == 0] = 0
    report(1.0, "Anatomy on the grid")
    return VoxelAnatomy(geometry, tissue, lumen, calcium, vein, wall, side, distal, heart)


def _chamber(tissue: np.ndarray) -> np.ndarray:
    """Contrast-filled blood of chambers and great vessels, the aorta aside: there coronaries begin."""
    return (tissue >= Tissue.RIGHT_ATRIUM) & (tissue <= Tissue.INFERIOR_CAVA) & (tissue != Tissue.AORTA)


def _layers(a: Anatomy) -> list[tuple[str, np.ndarray]]:
    """All signed distances by name; thin strands are part of the cavities' fields."""
    heart, thorax = a.heart, a.thorax
    return [
        *(
            (n, thorax.fields[n])
            for n in (
                "skin",
                "muscle",
                "cage",
                "lung",
                "liver",
                "stomach_gas",
                "bone",
                "marrow",
                "oesophagus",
                "descending_aorta",
            )
        ),
        ("pericardium", heart.pericardium),
        ("myocardium", np.minimum(heart.walls["left"], heart.walls["right"])),
        ("atria", heart.walls["atria"]),
        *heart.cavities.items(),
        *heart.vessels.items(),
        ("trabeculae", heart.trabeculae),
    ]


def _paint(f: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Tissue labels and the heart mask of one slab; what comes later lies on top."""
    t = np.zeros(f["skin"].shape, np.uint8)
    t[f["skin"] < 0] = Tissue.FAT
    t[f["muscle"] < 0] = Tissue.MUSCLE
    t[f["cage"] < 0] = Tissue.MEDIASTINUM
    t[f["lung"] < 0] = Tissue.LUNG
    t[f["liver"] < 0] = Tissue.LIVER
    t[f["stomach_gas"] < 0] = Tissue.STOMACH_GAS
    t[f["bone"] < 0] = Tissue.BONE_CORTEX
    t[f["marrow"] < 0] = Tissue.BONE_MARROW
    t[f["oesophagus"] < 0] = Tissue.OESOPHAGUS
    t[f["descending_aorta"] < 1.5] = Tissue.VESSEL_WALL
    t[f["descending_aorta"] < 0] = Tissue.AORTA
    heart = f["pericardium"] < 0
    t[(f["pericardium"] < 0.6) & ~heart] = Tissue.PERICARDIUM
    t[heart] = Tissue.EPICARDIAL_FAT
    t[(f["superior_cava"] < 1.2) | (f["inferior_cava"] < 1.2)] = Tissue.VESSEL_WALL
    t[f["superior_cava"] < 0] = Tissue.SUPERIOR_CAVA
    t[f["inferior_cava"] < 0] = Tissue.INFERIOR_CAVA
    t[f["myocardium"] < 0] = Tissue.MYOCARDIUM
    t[f["atria"] < 0] = Tissue.ATRIAL_WALL
    t[f["right_atrium"] < 0] = Tissue.RIGHT_ATRIUM
    t[f["right_ventricle"] < 0] = Tissue.RIGHT_VENTRICLE
    t[f["left_atrium"] < 0] = Tissue.LEFT_ATRIUM
    t[f["left_ventricle"] < 0] = Tissue.LEFT_VENTRICLE
    between = (
        (np.abs(f["left_ventricle"] - f["left_atrium"]) < 0.7) & (f["left_ventricle"] < 0) & (f["left_atrium"] < 0.8)
    )
    t[between] = Tissue.VALVE
    blood = (t == Tissue.LEFT_VENTRICLE) | (t == Tissue.RIGHT_VENTRICLE)
    t[(f["pulmonary_wall"] < 0) & ~blood] = Tissue.VESSEL_WALL
    t[f["pulmonary"] < 0] = Tissue.PULMONARY_ARTERY
    t[(f["aorta_wall"] < 0) & (t != Tissue.LEFT_VENTRICLE)] = Tissue.VESSEL_WALL
    t[f["aorta"] < 0] = Tissue.AORTA
    t[(f["trabeculae"] < 0) & ((t == Tissue.LEFT_VENTRICLE) | (t == Tissue.RIGHT_VENTRICLE))] = Tissue.TRABECULA
    return t, heart


class _Sampler:
    """Interpolates lattice fields to slabs of a grid."""

    def __init__(self, lattice: Lattice, geometry: Geometry, stack: torch.Tensor):
        self.lattice, self.geometry, self.stack = lattice, geometry, stack
        direction = np.reshape(geometry.direction, (3, 3))
        self.signs_xyz, self.straight = np.diag(direction), np.allclose(np.abs(direction), np.eye(3))

    def slab(self, start: int, stop: int) -> np.ndarray:
        """Fields (c, z, y, x) of slices ``start``..``stop``."""
        if self.straight:
            return self._separable(start, stop)
        nz, ny, nx = stop - start, *self.geometry.shape_zyx[1:]
        k, j, i = np.meshgrid(np.arange(start, stop), np.arange(ny), np.arange(nx), indexing="ij")
        points = self.geometry.points_lps(np.stack([i, j, k], axis=-1))
        unit = (
            (points - self.lattice.origin_lps_mm)
            / self.lattice.spacing_mm
            / (np.asarray(self.lattice.shape_zyx[::-1]) - 1)
        )
        grid = torch.from_numpy((2.0 * unit - 1.0).astype("f4"))[None]
        out = torch.nn.functional.grid_sample(
            self.stack[None], grid, mode="bilinear", padding_mode="border", align_corners=True
        )
        return out[0].numpy().reshape(-1, nz, ny, nx)

    def _separable(self, start: int, stop: int) -> np.ndarray:
        """Linear interpolation one axis after the other, as matrix products: far faster than gathering."""
        ranges = ((start, stop), (0, self.geometry.shape_zyx[1]), (0, self.geometry.shape_zyx[2]))
        z, y, x = (self._weights(axis, *r) for axis, r in enumerate(ranges))
        planes = torch.einsum("zk,ckyx->czyx", z, self.stack)
        return torch.matmul(torch.matmul(y, planes), x.T).numpy()

    def _weights(self, axis: int, first: int, last: int) -> torch.Tensor:
        """Interpolation matrix (samples, lattice nodes) of one array axis."""
        xyz, nodes = 2 - axis, self.lattice.shape_zyx[axis]
        step_mm = self.signs_xyz[xyz] * self.geometry.spacing_xyz_mm[xyz]
        position = self.geometry.origin_lps_mm[xyz] + step_mm * np.arange(first, last)
        index = np.clip((position - self.lattice.origin_lps_mm[xyz]) / self.lattice.spacing_mm, 0, nodes - 1.001)
        low, rows = np.floor(index).astype(int), np.arange(last - first)
        weights = np.zeros((last - first, nodes), "f4")
        weights[rows, low] = 1.0 - (index - low)
        weights[rows, low + 1] = index - low
        return torch.from_numpy(weights)


class _Thin:
    """Stamps tubes on a grid. Works in the grid's own index axes in mm, so any orientation is exact."""

    def __init__(self, geometry: Geometry):
        self.geometry = geometry
        self.voxel_mm = float(np.cbrt(geometry.voxel_mm3))
        self.margin_mm = 1.0 + max(geometry.spacing_xyz_mm)

    def own_frame(self, points_lps: np.ndarray) -> np.ndarray:
        return self.geometry.index_of(points_lps) * np.asarray(self.geometry.spacing_xyz_mm)

    def distance(self, tubes, coarse: bool = False) -> np.ndarray:
        """Signed distance to the nearest of ``tubes`` (float16, 100 where far)."""
        field = np.full(self.geometry.shape_zyx, 100.0, "f4")
        for tube in tubes:
            step = max(1, int(0.5 * tube.radius_mm.min() / 0.5)) if coarse else 1
            stamp_spheres(
                field,
                (0, 0, 0),
                self.geometry.spacing_xyz_mm,
                self.own_frame(tube.points_lps_mm[::step]),
                tube.radius_mm[::step],
                self.margin_mm,
            )
        return field

    def coverage(self, distance: np.ndarray) -> np.ndarray:
        """Share of each voxel (uint8, 255 = all) inside a surface at ``distance`` < 0."""
        return (np.clip(0.5 - distance / self.voxel_mm, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)

    def fraction(self, tubes) -> np.ndarray:
        return self.coverage(self.distance(tubes))


def _lung_vessels(anatomy: Anatomy, thin: _Thin, tissue: np.ndarray) -> None:
    """Vessels, bronchi, internal mammary arteries and leads painted into ``tissue``, each only where it belongs."""
    lung = tissue == Tissue.LUNG
    for tubes, label in (
        (anatomy.thorax.lung_arteries, Tissue.LUNG_ARTERY),
        (anatomy.thorax.lung_veins, Tissue.LUNG_VEIN),
    ):
        tissue[(thin.distance(tubes, coarse=True) < 0) & lung] = label
    bronchi = thin.distance(anatomy.thorax.bronchi, coarse=True)
    tissue[(bronchi < 0.9) & lung] = Tissue.BRONCHIAL_WALL
    tissue[(bronchi < 0) & lung] = Tissue.BRONCHIAL_AIR
    soft = (tissue == Tissue.MEDIASTINUM) | (tissue == Tissue.MUSCLE) | (tissue == Tissue.FAT) | lung
    tissue[(thin.distance(anatomy.thorax.mammary) < 0) & soft] = Tissue.MAMMARY_ARTERY
    if anatomy.thorax.leads:
        tissue[thin.distance(anatomy.thorax.leads) < 0] = Tissue.LEAD


def _coronaries(anatomy: Anatomy, thin: _Thin) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Lumen coverage, side, distal position, wall coverage (plaque included) and sheath (bool) of both trees."""
    by_side = {}
    for side in ("left", "right"):
        by_side[side] = thin.distance([Tube(b.points_lps_mm, b.radius_mm) for b in anatomy.tree.of_side(side)])
    nearest = np.minimum(by_side["left"], by_side["right"])
    side = np.where(by_side["left"] <= by_side["right"], 1, 2).astype(np.uint8)
    healthy = thin.distance([Tube(b.points_lps_mm, b.healthy_radius_mm + 0.45) for b in anatomy.tree.branches])
    distal = np.zeros(thin.geometry.shape_zyx, np.uint8)
    offsets: list[float] = []
    for branch in anatomy.tree.branches:
        base = 0.0
        if branch.parent >= 0:
            parent = anatomy.tree.branches[branch.parent]
            i = int(np.argmin(np.linalg.norm(parent.points_lps_mm - branch.points_lps_mm[0], axis=1)))
            base = offsets[branch.parent] + arc_length(parent.points_lps_mm)[i]
        offsets.append(base)
        along = np.clip((base + arc_length(branch.points_lps_mm)) / 180.0, 0, 1) * 255
        index = np.round(thin.geometry.index_of(branch.points_lps_mm)).astype(int)
        size = np.asarray(thin.geometry.size_xyz)
        reach = np.ceil((branch.healthy_radius_mm.max() + 0.6) / np.asarray(thin.geometry.spacing_xyz_mm)).astype(int)
        for at, value in zip(index[::3], along[::3], strict=True):
            lo, hi = np.maximum(at - reach, 0), np.minimum(at + reach + 1, size)
            if (hi > lo).all():
                distal[lo[2] : hi[2], lo[1] : hi[1], lo[0] : hi[0]] = value
    lumen = thin.coverage(nearest)
    return lumen, side, distal, thin.coverage(healthy), healthy < SHEATH_MM


def _calcium(anatomy: Anatomy, thin: _Thin) -> np.ndarray:
    """Coverage by calcified plaque."""
    field = np.full(thin.geometry.shape_zyx, 100.0, "f4")
    for deposit in anatomy.tree.calcium:
        along = np.linspace(-1.0, 1.0, 9)
        points = deposit.centre_lps_mm + along[:, None] * deposit.half_length_mm * deposit.axis
        radii = deposit.half_width_mm * np.sqrt(np.clip(1.0 - 0.9 * along**2, 0.05, 1.0))
        stamp_spheres(field, (0, 0, 0), thin.geometry.spacing_xyz_mm, thin.own_frame(points), radii, thin.margin_mm)
    return thin.coverage(field)
