"""Dictionaries of the mesh: a coarse block round the vessel, refined by snappyHexMesh to the local calibre.

The background must be coarse, for a tree fills a hundredth of its box; each part of the wall is then refined until its
own diameter holds the wanted number of cells. The refinement is driven by copies of the wall's thin parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..files.stl import write_solid, write_solids
from ..model import WALL, CfdModel
from ..units import per_mm
from .dictionaries import write_dictionary

SURFACE = "lumen"
BACKGROUND_CELLS = 60_000
FEATURE_ANGLE = 120.0
FINER_BELOW = 0.75
"""Cells are halved where the radius is this share of the widest, and again at each half of it: between 0.75 and 1.5
times the wanted number of cells lie across every vessel."""
METRE = per_mm("m")


@dataclass(frozen=True)
class Grading:
    """``cell_mm`` of the background; ``base`` level of the widest part; ``thin``: for each finer level the radius in mm
    below which the wall gets it."""

    cell_mm: float
    base: int
    thin: tuple[tuple[int, float], ...]

    def level(self, radius_mm: float) -> int:
        return max([self.base, *(level for level, radius in self.thin if radius_mm < radius)])


def grading(model: CfdModel, radius_mm: np.ndarray, cells_across: float) -> Grading:
    """Levels for a wall whose local lumen radius is ``radius_mm`` (one value a wall triangle)."""
    low, high = model.bounds_mm
    coarse = float((np.prod(high - low + 2.0) / BACKGROUND_CELLS) ** (1 / 3))
    wide, narrow = np.percentile(radius_mm, (98, 2))
    fine = 2.0 * wide / cells_across
    base = max(0, int(np.ceil(np.log2(coarse / fine))))
    thin, level, radius = [], base + 1, FINER_BELOW * wide
    while radius > narrow:
        thin.append((level, radius))
        level, radius = level + 1, 0.5 * radius
    return Grading(fine * 2.0**base, base, tuple(thin))


def write_mesh_dictionaries(
    folder: Path, model: CfdModel, radius_mm: np.ndarray, inside_lps_mm: np.ndarray, cells_across: float
) -> Grading:
    """Surfaces in ``constant/triSurface`` and the dictionaries of blockMesh, surfaceFeatureExtract, snappyHexMesh."""
    grade = grading(model, radius_mm, cells_across)
    surfaces = folder / "constant" / "triSurface"
    surfaces.mkdir(parents=True, exist_ok=True)
    write_solids(model, surfaces / f"{SURFACE}.stl", "m")
    wall = model.triangles_of(WALL)
    for level, radius in grade.thin:
        with (surfaces / f"thin_{level}.stl").open("w", encoding="ascii", newline="\n") as file:
            write_solid(file, f"thin_{level}", model.points_lps_mm * METRE, wall[radius_mm < radius])
    _block(folder, model, grade)
    _features(folder)
    _snappy(folder, model, grade, inside_lps_mm)
    return grade


def _block(folder: Path, model: CfdModel, grade: Grading) -> None:
    low, high = model.bounds_mm
    # Not a multiple of the cell beyond the box: a cap must not lie in a plane of cell faces.
    low, high = low - 1.37 * grade.cell_mm, high + 1.61 * grade.cell_mm
    cells = np.maximum(np.ceil((high - low) / grade.cell_mm), 1).astype(int)
    high = low + cells * grade.cell_mm
    x, y, z = np.stack([low, high], axis=1) * METRE
    corners = [(x[i], y[j], z[k]) for k in (0, 1) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))]
    write_dictionary(folder / "system" / "blockMeshDict", {
        "convertToMeters": 1,
        "vertices": [np.array(corner) for corner in corners],
        "blocks": [f"hex (0 1 2 3 4 5 6 7) ({cells[0]} {cells[1]} {cells[2]}) simpleGrading (1 1 1)"],
        "edges": [],
        "boundary": [
            "outside { type patch; faces ((0 3 2 1) (4 5 6 7) (0 1 5 4) (1 2 6 5) (2 3 7 6) (3 0 4 7)); }",
        ],
    }, note=f"Background of {grade.cell_mm:.3f} mm cells; snappyHexMesh keeps what is inside the lumen.")


def _features(folder: Path) -> None:
    write_dictionary(folder / "system" / "surfaceFeatureExtractDict", {
        f"{SURFACE}.stl": {
            "extractionMethod": "extractFromSurface",
            "includedAngle": FEATURE_ANGLE,
            "subsetFeatures": {"nonManifoldEdges": "no", "openEdges": "yes"},
            "writeObj": "no",
        },
    }, note="The rims of the caps.")


def _snappy(folder: Path, model: CfdModel, grade: Grading, inside_lps_mm: np.ndarray) -> None:
    base = f"({grade.base} {grade.base})"
    regions = {WALL: {"level": base, "patchInfo": {"type": "wall"}}}
    for patch in model.openings:
        level = grade.level(patch.radius_mm)
        regions[patch.name] = {"level": f"({level} {level})", "patchInfo": {"type": "patch"}}
    finest = max(grade.level(patch.radius_mm) for patch in model.openings)
    geometry = {f"{SURFACE}.stl": {
        "type": "triSurfaceMesh", "name": SURFACE,
        "regions": {patch.name: {"name": patch.name} for patch in model.patches},
    }}
    refinement = {SURFACE: {"mode": "inside", "levels": f"((1 {grade.base}))"}}
    for level, radius in grade.thin:
        geometry[f"thin_{level}.stl"] = {"type": "triSurfaceMesh", "name": f"thin_{level}"}
        refinement[f"thin_{level}"] = {"mode": "distance", "levels": f"(({1.05 * radius * METRE:.6g} {level}))"}
    write_dictionary(folder / "system" / "snappyHexMeshDict", {
        "castellatedMesh": True, "snap": True, "addLayers": False, "mergeTolerance": 1e-7,
        "geometry": geometry,
        "castellatedMeshControls": {
            "maxLocalCells": 20_000_000, "maxGlobalCells": 40_000_000, "minRefinementCells": 0,
            "maxLoadUnbalance": 0.1, "nCellsBetweenLevels": 2, "resolveFeatureAngle": 30,
            "allowFreeStandingZoneFaces": False,
            "features": [{"file": f'"{SURFACE}.eMesh"', "level": max(grade.base, min(finest, grade.base + 1))}],
            "refinementSurfaces": {SURFACE: {"level": base, "regions": regions}},
            "refinementRegions": refinement,
            "locationInMesh": inside_lps_mm * METRE,
        },
        "snapControls": {
            "nSmoothPatch": 3, "tolerance": 2.0, "nSolveIter": 100, "nRelaxIter": 8, "nFeatureSnapIter": 15,
            "implicitFeatureSnap": False, "explicitFeatureSnap": True, "multiRegionFeatureSnap": True,
        },
        "addLayersControls": {
            "relativeSizes": True, "layers": {}, "expansionRatio": 1.2, "finalLayerThickness": 0.3,
            "minThickness": 0.1, "nGrow": 0, "featureAngle": 60, "nRelaxIter": 5, "nSmoothSurfaceNormals": 1,
            "nSmoothNormals": 3, "nSmoothThickness": 10, "maxFaceThicknessRatio": 0.5,
            "maxThicknessToMedialRatio": 0.3, "minMedialAxisAngle": 90, "nBufferCellsNoExtrude": 0, "nLayerIter": 50,
        },
        "meshQualityControls": {
            "maxNonOrtho": 65, "maxBoundarySkewness": 3.5, "maxInternalSkewness": 3.5, "maxConcave": 80,
            "minVol": 1e-22, "minTetQuality": 1e-9, "minArea": -1, "minTwist": 0.02, "minDeterminant": 0.001,
            "minFaceWeight": 0.05, "minVolRatio": 0.01, "minTriangleTwist": -1, "nSmoothScale": 4,
            "errorReduction": 0.75, "relaxed": {"maxNonOrtho": 70},
        },
    })
