"""Phantoms prepared for training: anatomy once on the grids of both stages, appearances drawn later.

One folder a case. At 0.5 mm the heart's region is kept as fractions (``fine.npy``), to be rendered anew for every
patch; at 1 mm the whole field is kept as a few rendered looks (``coarse_look_<n>.npy``, int16 HU) with its target
(``coarse_target.npy``, uint8 with a bit for each structure of ``COARSE_CHANNELS``).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from ..phantom.anatomy import Anatomy, make_anatomy
from ..phantom.appearance import Appearance, add_noise, render
from ..phantom.raster import VoxelAnatomy, rasterise
from ..phantom.scanner import add_artefacts
from ..phantom.tree import TreeBuild
from ..preparation import grown
from ..volume import Geometry
from .stages import CORRIDOR_MM

FINE_MM, COARSE_MM = 0.5, 1.0
FINE_CHANNELS = ("tissue", "lumen", "calcium", "vein", "wall", "side", "distal")
COARSE_CHANNELS = ("heart", "left", "right", "vein")
FIELD_ORIGIN_MM, FIELD_SHAPE_ZYX = (-112.0, -112.0, -98.0), (196, 224, 224)
MARGIN_MM = 12.0
# What bringing a scan of fine voxels to 1 mm adds to its blur (FWHM), beyond the voxel itself.
RESAMPLING_FWHM_MM = 0.7
# And the share of the scan's noise it leaves.
NOISE_LEFT = (0.4, 1.0)


@dataclass(frozen=True)
class CaseCard:
    """Where the arrays of a case lie (LPS mm) and what they were made from."""

    seed: int
    looks: int
    fine_origin_lps_mm: tuple[float, float, float]
    coarse_origin_lps_mm: tuple[float, float, float]


def prepare_case(seed: int, folder: Path, *, looks: int = 5) -> Path:
    """Make one case folder ``case_<seed>`` unless it is complete already; about 350 MB and half a minute on one
    core. How wide and rich its trees are, and how wide its veins, is drawn (``TreeBuild.draw``)."""
    case = Path(folder) / f"case_{seed:06d}"
    if (case / "card.json").exists():
        return case
    case.mkdir(parents=True, exist_ok=True)
    anatomy = make_anatomy(seed, build=TreeBuild.draw(np.random.default_rng([seed, 7202])))
    voxels = rasterise(anatomy, Geometry(FIELD_SHAPE_ZYX, (COARSE_MM,) * 3, FIELD_ORIGIN_MM))
    np.save(case / "coarse_target.npy", _coarse_target(voxels))
    for look_index in range(looks):
        np.save(case / f"coarse_look_{look_index}.npy", _coarse_look(anatomy, voxels, look_index))
    inside = np.argwhere(voxels.heart)
    low = np.maximum(inside.min(axis=0) - MARGIN_MM, 0)
    high = np.minimum(inside.max(axis=0) + MARGIN_MM, np.asarray(voxels.heart.shape) - 1)
    origin = np.asarray(FIELD_ORIGIN_MM) + low[::-1]
    shape = tuple(int(n) for n in ((high - low) / FINE_MM).astype(int))
    fine = rasterise(anatomy, Geometry(shape, (FINE_MM,) * 3, tuple(origin)))
    np.save(case / "fine.npy", np.stack([getattr(fine, name) for name in FINE_CHANNELS]))
    card = CaseCard(seed, looks, tuple(map(float, origin)), FIELD_ORIGIN_MM)
    (case / "card.json").write_text(json.dumps(asdict(card), indent=1), encoding="utf-8")
    return case


def look_of(seed: int, look_index: int) -> tuple[Appearance, np.random.Generator]:
    """The appearance of a case's look, and the generator that renders it."""
    rng = np.random.default_rng([seed, 7201, look_index])
    return Appearance.draw(rng, wide=True), rng


def read_card(case: Path) -> CaseCard:
    """The card of one case folder."""
    values = json.loads((case / "card.json").read_text(encoding="utf-8"))
    return CaseCard(
        values["seed"], values["looks"], tuple(values["fine_origin_lps_mm"]), tuple(values["coarse_origin_lps_mm"])
    )


def _coarse_look(anatomy: Anatomy, voxels: VoxelAnatomy, look_index: int) -> np.ndarray:
    """One look as resampling a scan to 1 mm shows it: int16 HU (z, y, x)."""
    look, rng = look_of(anatomy.seed, look_index)
    seen = replace(
        look, noise_hu=look.noise_hu * float(rng.uniform(*NOISE_LEFT)),
        psf_fwhm_xy_mm=float(np.hypot(look.psf_fwhm_xy_mm, RESAMPLING_FWHM_MM)),
        psf_fwhm_z_mm=float(np.hypot(look.psf_fwhm_z_mm, RESAMPLING_FWHM_MM)),
    )
    image = render(voxels, seen, rng, noise=False)
    add_artefacts(image, voxels, anatomy.tree, seen, rng)
    add_noise(image, seen, rng, np.full(3, COARSE_MM))
    return np.rint(image).astype(np.int16)


def _coarse_target(voxels: VoxelAnatomy) -> np.ndarray:
    """uint8 (z, y, x), bits of ``COARSE_CHANNELS``: heart, left and right tree widened by 2 mm, vein.

    Widened, because a course of single voxels is too little to learn from, and a corridor is what the next stage needs.
    """
    target = voxels.heart.astype(np.uint8)
    for bit, side in ((1, 1), (2, 2)):
        tree = (voxels.side == side) & (voxels.lumen > 64)
        target |= grown(tree, CORRIDOR_MM, COARSE_MM).astype(np.uint8) << bit
    return target | (voxels.vein > 96).astype(np.uint8) << 3
