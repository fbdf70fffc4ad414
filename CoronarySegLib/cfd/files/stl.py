"""ASCII STL with one named solid a patch: what OpenFOAM, ANSYS and most meshers read names from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..model import CfdModel
from ..units import header, per_mm


def write_solids(model: CfdModel, path: Path, unit: str, *, only: str | None = None) -> None:
    """Every patch as a solid of its name; ``only`` takes one of them.

    Coordinates are LPS in ``unit``, and ``SPACE=LPS UNIT=...`` stands on the last line of each solid: OpenFOAM and Gmsh
    take all of the first line for the name. Nine digits: a vertex that two solids share is the same text in both.
    """
    scaled = model.points_lps_mm * per_mm(unit)
    with path.open("w", encoding="ascii", newline="\n") as file:
        for index, patch in enumerate(model.patches):
            if only is None or patch.name == only:
                write_solid(file, patch.name, scaled, model.triangles[model.patch == index], header(unit))


def write_solid(file, name: str, points: np.ndarray, triangles: np.ndarray, note: str = "") -> None:
    """One solid to an open text file; ``note`` ends its last line."""
    corners = points[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
    facet = (
        "facet normal %.6g %.6g %.6g\n outer loop\n" + "  vertex %.9g %.9g %.9g\n" * 3 + " endloop\nendfacet\n"
    )
    file.write(f"solid {name}\n")
    table = np.concatenate([normals, corners.reshape(-1, 9)], axis=1)
    for start in range(0, len(table), 20_000):
        block = table[start : start + 20_000]
        file.write((facet * len(block)) % tuple(block.ravel().tolist()))
    file.write(f"endsolid {name} {note}".rstrip() + "\n")
