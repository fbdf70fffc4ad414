"""Phantoms prepared for training: anatomy once on the grids of both stages, appearances drawn later.

One folder a case. At 0.5 mm the heart's region is kept as fractions (``fine.npy``), to be rendered anew for every
patch; at 2 mm the whole field is kept as a few rendered looks (``coarse_look_<n>.npy``) with its target
(``coarse_target.npy``).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from ..phantom.anatomy import make_anatomy
from ..phantom.appearance import Appearance, add_noise, render
from ..phantom.raster import VoxelAnatomy, rasterise
from ..phantom.scanner import add_artefacts
from ..volume import Geometry

FINE_MM, COARSE_MM = 0.5, 2.0
FINE_CHANNELS = ("tissue", "lumen", "calcium", "vein", "wall", "side", "distal")
COARSE_CHANNELS = ("heart", "left", "right")
FIELD_ORIGIN_MM, FIELD_SHAPE_ZYX = (-112.0, -112.0, -98.0), (196, 224, 224)
MARGIN_MM = 12.0


@dataclass(frozen=True)
class CaseCard:
    """Where the arrays of a case lie (LPS mm) and what they were made from."""

    seed: int
    looks: int
    fine_origin_lps_mm: tuple[float, float, float]
    coarse_origin_lps_mm: tuple[float, float, float]


def prepare_case(seed: int, folder: Path, *, looks: int = 5) -> Path:
    """Make one case folder ``case_<seed>`` unless it is complete already; about 400 MB and half a minute on one
    core."""
    case = Path(folder) / f"case_{seed:06d}"
    if (case / "card.json").exists():
        return case
    case.mkdir(parents=True, exist_ok=True)
    anatomy = make_anatomy(seed)
    voxels = rasterise(anatomy, Geometry(FIELD_SHAPE_ZYX, (1.0,) * 3, FIELD_ORIGIN_MM))
    np.save(case / "coarse_target.npy", _coarse_target(voxels))
    for look_index in range(looks):
        rng = np.random.default_rng([seed, 7201, look_index])
        look = Appearance.draw(rng, wide=True)
        image = render(voxels, look, rng, noise=False)
        add_artefacts(image, voxels, anatomy.tree, look, rng)
        add_noise(image, look, rng, np.ones(3))
        np.save(case / f"coarse_look_{look_index}.npy", np.rint(_halved(image)).astype(np.int16))
    inside = np.argwhere(voxels.heart)
    low = np.maximum(inside.min(axis=0) - MARGIN_MM, 0)
    high = np.minimum(inside.max(axis=0) + MARGIN_MM, np.asarray(voxels.heart.shape) - 1)
    origin = np.asarray(FIELD_ORIGIN_MM) + low[::-1]
    shape = tuple(int(n) for n in ((high - low) / FINE_MM).astype(int))
    fine = rasterise(anatomy, Geometry(shape, (FINE_MM,) * 3, tuple(origin)))
    np.save(case / "fine.npy", np.stack([getattr(fine, name) for name in FINE_CHANNELS]))
    card = CaseCard(seed, looks, tuple(map(float, origin)), tuple(c + 0.5 for c in FIELD_ORIGIN_MM))
    (case / "card.json").write_text(json.dumps(asdict(card), indent=1), encoding="utf-8")
    return case


def read_card(case: Path) -> CaseCard:
    """The card of one case folder."""
    values = json.loads((case / "card.json").read_text(encoding="utf-8"))
    return CaseCard(
        values["seed"], values["looks"], tuple(values["fine_origin_lps_mm"]), tuple(values["coarse_origin_lps_mm"])
    )


def _coarse_target(voxels: VoxelAnatomy) -> np.ndarray:
    """uint8 (3, z, y, x) at 2 mm: share of heart, and left and right tree widened by about one voxel."""
    heart = _halved(voxels.heart.astype("f4")) * 255.0
    trees = []
    for side in (1, 2):
        lumen = torch.from_numpy(np.where(voxels.side == side, voxels.lumen, 0).astype("f4"))[None, None]
        wide = torch.nn.functional.max_pool3d(lumen, 3, stride=1, padding=1)
        trees.append(torch.nn.functional.max_pool3d(wide, 2)[0, 0].numpy() > 96)
    return np.stack([heart.astype(np.uint8), *[t.astype(np.uint8) * 255 for t in trees]])


def _halved(array: np.ndarray) -> np.ndarray:
    """Half the sampling by block means."""
    return torch.nn.functional.avg_pool3d(torch.from_numpy(array)[None, None], 2)[0, 0].numpy()
