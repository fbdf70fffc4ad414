"""The case folder as a whole: what it is made of, what flows through it, and the script that runs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.spatial import cKDTree

from ...centreline.tree import CentrelineTree
from ..model import WALL, CfdModel
from .flow import write_flow_dictionaries
from .mesh import Grading, write_mesh_dictionaries

REST_AORTA_M3_S, WIDEST_CORONARY_M = 5e-3 / 60.0, 12e-3

RUN = """#!/bin/sh
# Mesh and solve. With a number, the solver runs on that many processes: ./Allrun 4
cd "$(dirname "$0")" || exit 1
# Debian's package sets no environment; elsewhere OpenFOAM's own is kept.
: "${WM_PROJECT_DIR:=/usr/share/openfoam}"
export WM_PROJECT_DIR
step() {
    echo "$1"
    "$@" > "log.$1" 2>&1 || { echo "$1 failed; see log.$1" >&2; exit 1; }
}
step blockMesh
step surfaceFeatureExtract
step snappyHexMesh -overwrite
step checkMesh
if [ "${1:-1}" -gt 1 ]; then
    foamDictionary -entry numberOfSubdomains -set "$1" system/decomposeParDict > log.foamDictionary 2>&1
    step decomposePar -force
    echo simpleFoam
    mpirun -np "$1" simpleFoam -parallel > log.simpleFoam 2>&1 || { echo "simpleFoam failed" >&2; exit 1; }
    step reconstructPar -latestTime
else
    step simpleFoam
fi
"""

CLEAN = """#!/bin/sh
cd "$(dirname "$0")" || exit 1
rm -rf constant/polyMesh constant/extendedFeatureEdgeMesh constant/triSurface/*.eMesh postProcessing processor* log.* \\
    [1-9]*
"""


@dataclass(frozen=True)
class FlowOptions:
    """What flows. ``inlet_flow_ml_s`` by inlet name, or one number for all; None takes the mean flow that goes with the
    inlet's diameter at rest. ``cells_across`` is the aim for the number of cells across the lumen. The solver stops
    when the initial residual of the pressure is below ``residual`` and those of the velocity below a tenth of it."""

    inlet_flow_ml_s: float | tuple[tuple[str, float], ...] | None = None
    profile: Literal["parabolic", "flat"] = "parabolic"
    outlet_pressure_mmhg: float = 0.0
    density_kg_m3: float = 1060.0
    viscosity_pa_s: float = 0.0035
    cells_across: float = 12.0
    iterations: int = 600
    residual: float = 1e-5

    def __post_init__(self) -> None:
        if self.profile not in ("parabolic", "flat"):
            raise ValueError(f"the inlet profile is parabolic or flat, not {self.profile!r}")
        numbers = self.density_kg_m3, self.viscosity_pa_s, self.cells_across, self.iterations, self.residual
        if min(numbers) <= 0:
            raise ValueError("density, viscosity, cells across, iterations and residual are greater than 0")


def write_case(model: CfdModel, trees: tuple[CentrelineTree, ...], folder: Path, options: FlowOptions) -> Grading:
    """A case that ``./Allrun`` meshes and solves, in SI units. Returns the cell sizes chosen.

    ``trees`` give the local radius and a point inside; the frame stays LPS.
    """
    radius = wall_radius(model, trees)
    grade = write_mesh_dictionaries(folder, model, radius, inside(trees, model), options.cells_across)
    write_flow_dictionaries(folder, model, inlet_flows(model, options), options)
    for name, text in (("Allrun", RUN), ("Allclean", CLEAN)):
        script = folder / name
        script.write_text(text, encoding="ascii", newline="\n")
        script.chmod(0o755)
    (folder / "lumen.foam").touch()  # ParaView opens the case by it
    return grade


def inlet_flows(model: CfdModel, options: FlowOptions) -> dict[str, float]:
    """m³/s for each inlet.

    Source of the default: flow over diameter in human coronaries at rest, q = 1.43 d^2.55 (SI), van der Giessen et al.,
    J Biomech 2011, from the Doppler measurements of Doriot et al. 2000. An aorta gets a cardiac output of 5 l/min.
    """
    given = options.inlet_flow_ml_s
    flows = {}
    for patch in model.inlets:
        stated = given if isinstance(given, int | float) else dict(given or ()).get(patch.name)
        diameter_m = 2.0 * patch.radius_mm * 1e-3
        usual = REST_AORTA_M3_S if diameter_m > WIDEST_CORONARY_M else 1.43 * diameter_m**2.55
        flows[patch.name] = stated * 1e-6 if stated is not None else usual
    return flows


def wall_radius(model: CfdModel, trees: tuple[CentrelineTree, ...]) -> np.ndarray:
    """Local lumen radius in mm at each triangle of the wall (m,); on extensions that of the opening."""
    branches = [branch for tree in trees for branch in tree.branches]
    points = [branch.points_lps_mm for branch in branches]
    radii = [branch.radius_mm for branch in branches]
    for patch in model.openings:
        steps = np.arange(0.0, patch.extension_mm, max(0.5 * patch.radius_mm, 0.1))
        home = patch.centroid_lps_mm - patch.extension_mm * patch.cut.normal
        points.append(home + steps[:, None] * patch.cut.normal)
        radii.append(np.full(len(steps), patch.radius_mm))
    middle = model.points_lps_mm[model.triangles_of(WALL)].mean(axis=1)
    _, nearest = cKDTree(np.concatenate(points)).query(middle)
    return np.maximum(np.concatenate(radii)[nearest], 0.1)


def inside(trees: tuple[CentrelineTree, ...], model: CfdModel) -> np.ndarray:
    """A point well inside the lumen: the widest place of the curve away from every opening. LPS mm (3,)."""
    root = max((tree.branches[0] for tree in trees), key=lambda branch: branch.length_mm)
    openings = np.array([patch.centroid_lps_mm for patch in model.openings])
    cut = model.inlets[0].cut
    behind = (root.points_lps_mm - cut.position_lps_mm) @ cut.normal < 0
    clear = np.linalg.norm(root.points_lps_mm[:, None] - openings[None], axis=2).min(axis=1)
    score = np.where(behind, np.minimum(clear, 3.0 * root.radius_mm) + root.radius_mm, -np.inf)
    place = root.points_lps_mm[int(np.argmax(score))]
    # Off the planes in which cell faces may lie.
    return place + 0.0137 * root.radius_mm.mean() * np.array([1.0, 1.7, -1.3])
