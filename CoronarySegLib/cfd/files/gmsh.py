"""The way to a volume mesh with Gmsh: the surface as ``.msh`` with named patches, and a ``.geo`` that fills it.

The surface mesh is taken as it is: its triangles are good already and its patches share their vertices, which a merged
STL does not. Gmsh is a program the user has; it is started only when a volume mesh is asked for.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np

from ...errors import MissingPackageError, SurfaceError
from ..model import CfdModel
from ..units import header, per_mm

LUMEN = "lumen"
SECONDS = 1800


def write_surface_msh(model: CfdModel, path: Path, unit: str) -> None:
    """The surface in MSH 2.2 (ASCII): one elementary and one physical surface a patch, named, numbered from 1."""
    points = model.points_lps_mm * per_mm(unit)
    count = len(model.patches)
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write(f"$MeshFormat\n2.2 0 8\n$EndMeshFormat\n$PhysicalNames\n{count + 1}\n")
        for number, patch in enumerate(model.patches, start=1):
            file.write(f'2 {number} "{patch.name}"\n')
        file.write(f'3 {count + 1} "{LUMEN}"\n$EndPhysicalNames\n$Nodes\n{len(points)}\n')
        rows = np.concatenate([np.arange(1, len(points) + 1)[:, None], points], axis=1)
        file.write(("%d %.12g %.12g %.12g\n" * len(rows)) % tuple(rows.ravel().tolist()))
        file.write(f"$EndNodes\n$Elements\n{len(model.triangles)}\n")
        face = model.patch + 1
        cells = np.column_stack([np.arange(1, len(face) + 1), face, face, model.triangles + 1])
        file.write(("%d 2 2 %d %d %d %d %d\n" * len(cells)) % tuple(cells.ravel().tolist()))
        file.write("$EndElements\n")


def write_geo(model: CfdModel, path: Path, surface: str, unit: str) -> None:
    """A script that fills ``surface`` (a name beside it) with tetrahedra: ``gmsh -3 lumen.geo``."""
    count = len(model.patches)
    names = "\n".join(f"//   {number}: {patch.name}" for number, patch in enumerate(model.patches, start=1))
    path.write_text(f"""// Coronary lumen, {header(unit)}. Volume mesh: gmsh -3 {path.name}
// Physical surfaces:
{names}
Merge "{surface}";
Surface Loop(1) = {{1:{count}}};
Volume(1) = {{1}};
Physical Volume("{LUMEN}", {count + 1}) = {{1}};
// Tetrahedra grow from the edge length of the wall, which follows the vessel's radius.
Mesh.MeshSizeExtendFromBoundary = 1;
Mesh.Algorithm3D = 1; // Delaunay
Mesh.Optimize = 1;
Mesh.MshFileVersion = 4.1;
""", encoding="ascii")


def gmsh_program() -> str:
    """Path of Gmsh. Raises MissingPackageError when it is not there: ask before the work, not after."""
    program = shutil.which("gmsh")
    if program is None:
        raise MissingPackageError(
            "Gmsh is not installed, so there is no volume mesh. Install it (gmsh.info, or your system's package gmsh), "
            "or export without the volume mesh: the .geo file beside the surface is ready for it."
        )
    return program


def write_volume_mesh(geo: Path, path: Path) -> None:
    """Run Gmsh on ``geo`` and write the volume mesh to ``path``.

    Raises MissingPackageError when Gmsh is not there and SurfaceError when it cannot fill the surface.
    """
    command = [gmsh_program(), "-3", str(geo.resolve()), "-o", str(path.resolve()), "-v", "2"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, cwd=geo.parent)
    except subprocess.TimeoutExpired as error:
        raise SurfaceError(f"Gmsh did not finish within {SECONDS // 60} minutes. Use a longer edge length.") from error
    if done.returncode != 0 or not path.is_file():
        said = " ".join((done.stderr or done.stdout).split())[-400:]
        raise SurfaceError(f"Gmsh could not fill the surface with tetrahedra: {said}")
