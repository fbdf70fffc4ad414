"""The figures of one case as values that can be saved, compared and averaged."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from itertools import pairwise

import numpy as np

from .centreline import Centreline

RADIUS_EDGES_MM = (0.0, 0.75, 1.0, 1.5, math.inf)

DEFINITIONS = {
    "lumen": "labels 1 (left tree) and 2 (right tree); calcium (3) is not part of the lumen",
    "hausdorff_mm, hd95_mm, average_surface_distance_mm": (
        "between border voxels (6-neighbourhood); hd95 is the larger of the two directed percentiles, the average is "
        "over both directions; inf (null in JSON) when the prediction is empty"
    ),
    "cldice": "Shit et al. 2021; skeleton points weighted by their length in mm",
    "betti0_error": "absolute difference of the numbers of 26-connected components",
    "centreline_found": (
        "share of the truth's centreline length with a predicted voxel centre within max(lumen radius, longest voxel "
        "edge)"
    ),
    "centreline_true": (
        "share of the predicted skeleton's length with a true voxel centre within max(lumen radius, longest voxel edge)"
    ),
    "by_region": (
        "position: thirds of the longest way from the ostium of the same system; branch: names without their numbers; "
        "voxels belong to the nearest point of the truth's centreline, predicted ones that are more than 3 mm outside "
        "of its lumen to no region"
    ),
    "roc_auc": "probability of the lumen against the truth's lumen over all voxels of the volume",
}


@dataclass(frozen=True)
class RadiusShare:
    """Share of the centreline length with lumen radius in [``from_mm``, ``to_mm``) that was hit; nan for length 0."""

    from_mm: float
    to_mm: float
    length_mm: float
    share: float

    @property
    def name(self) -> str:
        return radius_name(self.from_mm, self.to_mm)


@dataclass(frozen=True)
class TreeScores:
    """Figures of one tree ("left", "right") or of both together ("total"). Shares are 0..1; see ``DEFINITIONS``."""

    tree: str
    dice: float
    sensitivity: float
    precision: float
    cldice: float
    hausdorff_mm: float
    hd95_mm: float
    average_surface_distance_mm: float
    components_predicted: int
    components_truth: int
    betti0_error: int
    centreline_found: float
    centreline_true: float
    volume_predicted_mm3: float
    volume_truth_mm3: float
    found_by_radius: tuple[RadiusShare, ...] = ()
    true_by_radius: tuple[RadiusShare, ...] = ()


FIGURES = tuple(f.name for f in fields(TreeScores) if f.type in ("float", "int"))
"""Names of the plain numbers of :class:`TreeScores`, in order."""


@dataclass(frozen=True)
class RegionScore:
    """Figures of one part of both trees together; see ``regions``. ``kind`` is "position" ("proximal", "mid",
    "distal"), "branch" (LM, LAD, D, ...) or "radius"; ``length_mm`` is the truth's centreline there. Shares are 0..1,
    nan where there is nothing to count."""

    kind: str
    name: str
    length_mm: float
    found: float
    dice: float
    sensitivity: float


@dataclass(frozen=True)
class Scores:
    """All figures of one case. ``left`` and ``right`` are None when the truth does not tell the trees apart.

    ``centreline_source`` is "given" or "skeleton" (of the truth mask); ``roc_auc`` is None without a probability map
    and ``calcium_dice`` without calcium in both label maps.
    """

    total: TreeScores
    left: TreeScores | None = None
    right: TreeScores | None = None
    roc_auc: float | None = None
    calcium_dice: float | None = None
    centreline_source: str = "skeleton"
    warnings: tuple[str, ...] = ()
    by_region: tuple[RegionScore, ...] = ()

    @property
    def trees(self) -> tuple[TreeScores, ...]:
        """Left, right and total, as far as they exist."""
        return tuple(t for t in (self.left, self.right, self.total) if t is not None)

    @property
    def dice(self) -> float:
        return self.total.dice

    def as_dict(self) -> dict:
        """Plain values for JSON; numbers that are not finite become None."""
        return {"schema": 1, **plain(asdict(self)), "definitions": DEFINITIONS}


def radius_name(from_mm: float, to_mm: float) -> str:
    """A bin of the lumen radius in words: "<0.75", "0.75–1", "≥1.5"."""
    if math.isinf(to_mm):
        return f"≥{from_mm:g}"
    return f"<{to_mm:g}" if from_mm == 0 else f"{from_mm:g}–{to_mm:g}"


def share_by_radius(line: Centreline, hit: np.ndarray) -> tuple[float, tuple[RadiusShare, ...]]:
    """Share of the length of ``line`` whose points are ``hit`` (n,) bool: overall, and by lumen radius."""
    bins = []
    for low, high in pairwise(RADIUS_EDGES_MM):
        inside = (line.radius_mm >= low) & (line.radius_mm < high)
        length = float(line.length_mm[inside].sum())
        bins.append(RadiusShare(low, high, length, _share(line.length_mm, inside & hit, length)))
    return _share(line.length_mm, hit, float(line.length_mm.sum())), tuple(bins)


def plain(value):
    """Nested dataclass dictionaries to what JSON knows: tuples to lists, numpy to Python, nan and inf to None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _share(length_mm: np.ndarray, chosen: np.ndarray, whole_mm: float) -> float:
    return float(length_mm[chosen].sum() / whole_mm) if whole_mm > 0 else float("nan")
