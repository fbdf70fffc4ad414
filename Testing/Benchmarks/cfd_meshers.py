"""Do meshers and solvers take the exported models, and what do the usual surfaces make of the same masks?

    python Testing/Benchmarks/cfd_meshers.py MASK[:left|:right] ... --labels tree=1 --mesher-python PYTHON

For every coronary system of every mask the exported surface goes through TetGen, Netgen and Gmsh, through OpenFOAM's
surfaceCheck, snappyHexMesh and checkMesh, and through a short laminar simpleFoam run whose flow must balance. The same
mask as most people mesh it (marching cubes with 100 Laplacian iterations; a viewer's default windowed sinc) is measured
and meshed beside it. Last, a straight tube from voxels to pressure drop against Poiseuille, and the same tube drawn
round, which parts the error of the volume mesh from that of the voxels. Without MASK, phantoms.

A tree takes some minutes. With --output FOLDER --resume, trees that are measured already are read from there.

A program that is not installed is skipped and the table says so. TetGen, Netgen and Gmsh are Python packages (tetgen,
netgen-mesher, gmsh) and may live in an environment of their own: --mesher-python names its interpreter. Ends with 1
when a model of ours fails where a program was there.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from CoronarySegLib.centreline import extract_centrelines
from CoronarySegLib.centreline.naming import name_trees
from CoronarySegLib.centreline.tree import CentrelineBranch, CentrelineTree
from CoronarySegLib.cfd.build import BuildOptions, BuiltModel, build_model
from CoronarySegLib.cfd.caps import capped
from CoronarySegLib.cfd.cuts import cut_at
from CoronarySegLib.cfd.ends import OpenedSurface
from CoronarySegLib.cfd.extensions import ExtensionOptions, sewn_rings
from CoronarySegLib.cfd.files.gmsh import write_geo, write_surface_msh
from CoronarySegLib.cfd.files.stl import write_solid, write_solids
from CoronarySegLib.cfd.intersections import self_intersections
from CoronarySegLib.cfd.ledger import LumenLedger, LumenStep
from CoronarySegLib.cfd.model import CfdModel
from CoronarySegLib.cfd.openfoam import FlowOptions, write_case
from CoronarySegLib.cfd.section import plane_axes
from CoronarySegLib.cfd.trim import trimmed
from CoronarySegLib.errors import CoronarySegError
from CoronarySegLib.postprocessing.boxes import bounding_box, cropped
from CoronarySegLib.reading.volume_files import read_volume_file
from CoronarySegLib.reconstruction.fields import padded
from CoronarySegLib.reconstruction.isosurface import isosurface, largest_part
from CoronarySegLib.reconstruction.quality import edge_faults
from CoronarySegLib.reconstruction.smoothing import laplacian, windowed_sinc
from CoronarySegLib.volume import Geometry, Volume

SECONDS = 1800
BALANCE_PERCENT, POISEUILLE_PERCENT = 1.0, 5.0
TUBE_RADIUS_MM, TUBE_LENGTH_MM = 1.5, 40.0
TUBE_AXIS = np.array([0.35, 0.2, 1.0]) / np.linalg.norm([0.35, 0.2, 1.0])
FOAM = {**os.environ, "WM_PROJECT_DIR": os.environ.get("WM_PROJECT_DIR", "/usr/share/openfoam")}

MESHERS = {
    "TetGen": ("tetgen", """
import json, sys, numpy as np, tetgen
d = np.load(sys.argv[1])
mesher = tetgen.TetGen(d["points"], d["triangles"].astype(np.int32))
out = mesher.tetrahedralize(order=1, mindihedral=10.0, minratio=1.5)
print(json.dumps({"cells": len(out[1])}))
"""),
    "Netgen": ("netgen", """
import json, sys, numpy as np
import netgen.meshing as ng
d = np.load(sys.argv[1])
mesh = ng.Mesh()
mesh.dim = 3
face = mesh.Add(ng.FaceDescriptor(surfnr=1, domin=1, domout=0, bc=1))
numbers = [mesh.Add(ng.MeshPoint(ng.Pnt(*map(float, p)))) for p in d["points"]]
for t in d["triangles"]:
    mesh.Add(ng.Element2D(face, [numbers[i] for i in t]))
mesh.GenerateVolumeMesh()
assert mesh.ne > 0
print(json.dumps({"cells": int(mesh.ne)}))
"""),
    "Gmsh": ("gmsh", """
import json, sys, gmsh
gmsh.initialize()
gmsh.option.setNumber("General.Terminal", 0)
gmsh.open(sys.argv[2])
gmsh.model.mesh.generate(3)
cells = sum(len(tags) for tags in gmsh.model.mesh.getElements(3)[1])
assert cells > 0
names = sorted(gmsh.model.getPhysicalName(*g) for g in gmsh.model.getPhysicalGroups())
print(json.dumps({"cells": cells, "names": names}))
"""),
}


@dataclass
class Row:
    """One surface and what became of it: text by column."""

    name: str
    cells: dict[str, str] = field(default_factory=dict)
    failed: bool = False


def main() -> int:
    given = _arguments()
    work = given.output or Path(tempfile.mkdtemp(prefix="cfd_meshers_"))
    work.mkdir(parents=True, exist_ok=True)
    there = {name: _has(given.mesher_python, package) for name, (package, _) in MESHERS.items()}
    foam = shutil.which("snappyHexMesh") is not None
    for name, found in {**there, "OpenFOAM": foam}.items():
        print(f"{name}: {'found' if found else 'not installed, skipped'}")
    rows: list[Row] = []
    for label, lumen, trees in _inputs(given):
        for key, tree in trees.items():
            rows += _case_or_its_record(f"{label} {key}", lumen, tree, work, there, foam, given)
            _table(rows[-3:] if given.peers else rows[-1:])
    print("\nAll models:")
    _table(rows)
    good = not any(row.failed for row in rows if row.name.endswith("ours"))
    if foam and given.solver and given.tube:
        good &= _tubes(work, given)
    if given.output is None:
        shutil.rmtree(work, ignore_errors=True)
    return 0 if good else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("masks", nargs="*", metavar="MASK", help="a mask file, or FILE:left, FILE:right for one tree")
    parser.add_argument("--labels", default="", help="label of each tree, like left=1,right=2 or tree=1")
    parser.add_argument("--phantoms", type=int, default=2, help="generated masks when none is given")
    parser.add_argument("--mesher-python", default=sys.executable, help="interpreter with tetgen, netgen-mesher, gmsh")
    parser.add_argument("--extensions", type=float, default=3.0, help="diameters")
    parser.add_argument("--cells", type=float, default=8.0, help="cells across the lumen")
    parser.add_argument("--iterations", type=int, default=600, help="at most, of the solver")
    parser.add_argument("--residual", type=float, default=1e-4, help="initial residual of p at which a tree converged")
    parser.add_argument("--tube-cells", default="12", help="cells across the tube, like 12,16,24")
    parser.add_argument("--no-peers", dest="peers", action="store_false")
    parser.add_argument("--no-tube", dest="tube", action="store_false")
    parser.add_argument("--no-solver", dest="solver", action="store_false")
    parser.add_argument("--output", type=Path, help="keep meshes and logs here")
    parser.add_argument("--resume", action="store_true", help="read trees that an earlier run left in --output")
    return parser.parse_args()


def _inputs(given):
    """Name, lumen mask and named trees of every case; a lone tree may have no side."""
    values = {name: int(value) for name, value in (part.split("=") for part in given.labels.split(",") if part)}
    for text in given.masks:
        side = text.rpartition(":")[2] if text.endswith((":left", ":right")) else ""
        path = Path(text.removesuffix(f":{side}"))
        volume = read_volume_file(path)
        wanted = list(values.values()) or [1, 2]
        lumen = volume.with_array(np.isin(volume.array, wanted).astype(np.uint8) * volume.array.astype(np.uint8))
        lumen = cropped(lumen, bounding_box(lumen.array > 0, margin=8))
        trees = name_trees(extract_centrelines(lumen, values=values or None))
        trees = {key: tree for key, tree in trees.items() if key == side or not side}
        yield path.name.split(".")[0], lumen.with_array((lumen.array > 0).astype(np.uint8)), trees
    if not given.masks:
        from CoronarySegLib.phantom import PhantomSettings, make_phantom

        for seed in range(given.phantoms):
            labels = make_phantom(PhantomSettings(seed=seed)).labels
            lumen = labels.with_array(np.where(np.isin(labels.array, (1, 2)), labels.array, 0).astype(np.uint8))
            lumen = cropped(lumen, bounding_box(lumen.array > 0, margin=8))
            trees = name_trees(extract_centrelines(lumen))
            yield f"phantom {seed}", lumen.with_array((lumen.array > 0).astype(np.uint8)), trees


def _case_or_its_record(name: str, lumen, tree, work: Path, there, foam: bool, given) -> list[Row]:
    record = work / re.sub(r"\W+", "_", name) / "rows.json"
    if given.resume and record.is_file():
        rows = [Row(**row) for row in json.loads(record.read_text(encoding="utf-8"))]
        if len(rows) > 1 or not given.peers:
            return rows
    rows = _case(name, lumen, tree, work, there, foam, given)
    record.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")
    return rows


def _case(name: str, lumen: Volume, tree: CentrelineTree, work: Path, there, foam: bool, given) -> list[Row]:
    folder = work / re.sub(r"\W+", "_", name)
    folder.mkdir(parents=True, exist_ok=True)
    ours = Row(f"{name}: ours")
    began = time.perf_counter()
    try:
        options = BuildOptions(extensions=ExtensionOptions(given.extensions, given.extensions))
        built = build_model(lumen, tree, options)
    except CoronarySegError as error:
        ours.failed, ours.cells["surface"] = True, str(error)
        return [ours]
    ours.cells["seconds"] = f"{time.perf_counter() - began:.0f}"
    model = built.model
    _describe(ours, built.final)
    _surface(ours, model.points_lps_mm, model.triangles)
    _mesh(ours, model.points_lps_mm, model.triangles, folder / "ours", there, given, built)
    if foam:
        _foam(ours, built, folder / "openfoam", given)
    return [*(_peers(name, lumen, built, folder, there, foam, given) if given.peers else []), ours]


def _peers(name: str, lumen: Volume, built: BuiltModel, folder: Path, there, foam: bool, given) -> list[Row]:
    """The closed surfaces people mesh today, of the component of the mask that this tree follows."""
    part = _component(lumen, built.tree)
    rows = []
    for kind, smooth in (
        ("marching cubes + Laplacian 100", lambda p, t: laplacian(p, t, 100, 0.1)),
        ("marching cubes + windowed sinc", lambda p, t: windowed_sinc(p, t, 10.0**-2, 20)),
    ):
        row = Row(f"{name}: {kind}")
        mask, geometry = padded(part.array > 0, part.geometry, 1)
        points, triangles = isosurface(mask.astype(np.float32), 0.5, geometry, 1)
        points, triangles, _ = largest_part(points, triangles)
        points = smooth(points, triangles)
        ledger = LumenLedger(part, 0.5, trimmed(built.tree, tuple(p.cut for p in built.model.openings)))
        _describe(row, ledger.add(kind, points, triangles))
        _surface(row, points, triangles)
        stem = folder / re.sub(r"\W+", "_", kind)
        _mesh(row, points, triangles, stem, there, given, None)
        if foam:
            with stem.with_suffix(".stl").open("w", encoding="ascii", newline="\n") as file:
                write_solid(file, "lumen", 1e-3 * points, triangles)
            _surface_check(row, stem.with_suffix(".stl"))
        rows.append(row)
    return rows


def _component(lumen: Volume, tree: CentrelineTree) -> Volume:
    from scipy import ndimage

    parts, _ = ndimage.label(lumen.array > 0, np.ones((3, 3, 3)))
    index = np.concatenate([lumen.geometry.index_of(b.points_lps_mm) for b in tree.branches]).round().astype(int)
    index = np.clip(index, 0, np.array(lumen.geometry.size_xyz) - 1)
    reached = np.unique(parts[index[:, 2], index[:, 1], index[:, 0]])
    return lumen.with_array(np.isin(parts, reached[reached > 0]).astype(np.uint8))


def _describe(row: Row, step: LumenStep) -> None:
    changes = np.array([[b.against_mask_percent, b.diameter_mm] for b in step.branches])
    measured = changes[np.isfinite(changes).all(axis=1)]
    for title, low, high in (("d ≥ 2", 2.0, np.inf), ("1.5–2", 1.5, 2.0), ("< 1.5", 0.0, 1.5)):
        before = measured[:, 1] / (1.0 + measured[:, 0] / 100.0)
        chosen = measured[(before >= low) & (before < high), 0]
        row.cells[title] = f"{chosen.mean():+.1f}" if len(chosen) else "–"
    smallest = [b.smallest_change_percent for b in step.branches if np.isfinite(b.smallest_change_percent)]
    row.cells["MLD"] = f"{np.mean(smallest):+.1f}" if smallest else "–"


def _surface(row: Row, points: np.ndarray, triangles: np.ndarray) -> None:
    free, shared = edge_faults(points, triangles)
    pairs = len(self_intersections(points, triangles))
    row.cells["triangles"] = str(len(triangles))
    row.cells["surface"] = "good" if not free + shared + pairs else f"open {free} nonmanifold {shared} cuts {pairs}"
    row.failed |= bool(free + shared + pairs)


def _mesh(row: Row, points, triangles, stem: Path, there, given, built: BuiltModel | None) -> None:
    stem.parent.mkdir(parents=True, exist_ok=True)
    arrays = stem.with_suffix(".npz")
    np.savez(arrays, points=points, triangles=triangles)
    geo = stem.with_suffix(".geo")
    if built is not None:
        write_surface_msh(built.model, stem.with_suffix(".msh"), "mm")
        write_geo(built.model, geo, f"{stem.name}.msh", "mm")
    else:
        _plain_msh(points, triangles, stem.with_suffix(".msh"))
        geo.write_text(f'Merge "{stem.name}.msh";\nSurface Loop(1) = {{1}};\nVolume(1) = {{1}};\n')
    for name, (_, script) in MESHERS.items():
        if not there[name]:
            row.cells[name] = "skipped"
            continue
        answer, seconds = _run([given.mesher_python, "-c", script, str(arrays), str(geo)], stem.parent)
        try:
            cells = json.loads(answer.strip().splitlines()[-1])["cells"]
            row.cells[name] = f"{cells} in {seconds:.0f} s"
        except (ValueError, IndexError, KeyError, TypeError):
            row.cells[name] = "FAILED"
            row.failed = True
            stem.with_suffix(f".{name}.log").write_text(answer)


def _plain_msh(points, triangles, path: Path) -> None:
    nodes = "\n".join(f"{i} {x:.9g} {y:.9g} {z:.9g}" for i, (x, y, z) in enumerate(points, start=1))
    cells = "\n".join(f"{i} 2 2 1 1 {a} {b} {c}" for i, (a, b, c) in enumerate(triangles + 1, start=1))
    path.write_text(
        f"$MeshFormat\n2.2 0 8\n$EndMeshFormat\n$Nodes\n{len(points)}\n{nodes}\n$EndNodes\n"
        f"$Elements\n{len(triangles)}\n{cells}\n$EndElements\n"
    )


def _foam(row: Row, built: BuiltModel, folder: Path, given) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_solids(built.model, folder / "model_m.stl", "m")
    _surface_check(row, folder / "model_m.stl")
    options = FlowOptions(cells_across=given.cells, iterations=given.iterations, residual=given.residual)
    write_case(built.model, (built.tree,), folder, options)
    result = solve(folder, given.solver)
    row.cells |= result.cells
    row.failed |= result.failed


def _surface_check(row: Row, path: Path) -> None:
    """OpenFOAM's word on the surface, self-intersections included."""
    said, _ = _run(["surfaceCheck", "-checkSelfIntersection", path.name], path.parent, path.with_suffix(".log"))
    clean = all(text in said for text in ("no illegal triangles", "Surface is closed", "not self-intersecting"))
    clean = clean and re.search(r"unconnected parts : 1\b", said) is not None
    row.cells["surfaceCheck"] = "clean" if clean else "FAILED"
    row.failed |= not clean


def solve(folder: Path, solver: bool) -> Row:
    """Run a case's steps: snappyHexMesh, checkMesh, and simpleFoam when wanted."""
    row = Row("case")
    for step in (["blockMesh"], ["surfaceFeatureExtract"], ["snappyHexMesh", "-overwrite"], ["checkMesh"]):
        said, seconds = _run(step, folder, folder / f"log.{step[0]}")
        if step[0] == "snappyHexMesh":
            row.cells["snappy s"] = f"{seconds:.0f}"
    cells = re.search(r"cells:\s+(\d+)", said)
    failed = re.search(r"Failed (\d+) mesh checks", said)
    good = "Mesh OK" in said
    row.cells["checkMesh"] = f"OK, {cells.group(1)} cells" if good else f"FAILED {failed.group(1) if failed else ''}"
    row.failed |= not good
    if not solver or not good:
        return row
    said, seconds = _run(["simpleFoam"], folder, folder / "log.simpleFoam")
    flows = final_values(folder, "flow")
    inflow = sum(flow for flow in flows.values() if flow < 0)
    balance = 100.0 * abs(sum(flows.values())) / abs(inflow) if inflow else np.inf
    converged = re.search(r"converged in (\d+) iterations", said)
    finished = "\nEnd" in said
    row.cells["simpleFoam"] = (
        f"{'converged in ' + converged.group(1) if converged else 'not converged' if finished else 'FAILED'}, "
        f"{seconds:.0f} s"
    )
    row.cells["balance %"] = f"{balance:.2g}"
    row.failed |= not converged or balance > BALANCE_PERCENT
    return row


def final_values(folder: Path, quantity: str) -> dict[str, float]:
    """Last value of each function object ``<quantity>_<patch>`` by patch, in the case's units."""
    found = {}
    for path in sorted((folder / "postProcessing").glob(f"{quantity}_*/*/surfaceFieldValue.dat")):
        lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
        found[path.parts[-3].removeprefix(f"{quantity}_")] = float(lines[-1].split()[-1])
    return found


def _tubes(work: Path, given) -> bool:
    """A straight tube against Poiseuille. Judged is the first: the tube of voxels on the first mesh."""
    lumen = tube_of_voxels()
    found = next(iter(extract_centrelines(lumen, values={"tree": 1}).values()))
    of_voxels = build_model(lumen, found, BuildOptions(extensions=ExtensionOptions(0.0, 0.0)))
    tubes = (("of voxels", of_voxels.model, found), ("drawn round", *round_tube()))
    print(f"\nStraight tube, radius {TUBE_RADIUS_MM} mm: pressure drop against Poiseuille")
    good = []
    for cells in (float(text) for text in given.tube_cells.split(",")):
        for name, model, tree in tubes:
            good.append(_tube(name, model, tree, cells, work / f"tube_{name.replace(' ', '_')}_{cells:g}"))
    return good[0]


def _tube(name: str, model: CfdModel, tree: CentrelineTree, cells: float, folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    options = FlowOptions(inlet_flow_ml_s=1.0, cells_across=cells, iterations=600)
    write_case(model, (tree,), folder, options)
    result = solve(folder, True)
    pressures = final_values(folder, "pressure")
    inlet, outlet = model.inlets[0], model.outlets[0]
    if outlet.name not in pressures:
        print(f"  {name}, {cells:g} cells across: {result.cells}; see the logs in {folder}", flush=True)
        return False
    length = 1e-3 * abs((inlet.centroid_lps_mm - outlet.centroid_lps_mm) @ outlet.normal)
    drop = (pressures[inlet.name] - pressures[outlet.name]) * options.density_kg_m3
    truth = 8.0 * options.viscosity_pa_s * length * 1e-6 / (np.pi * (1e-3 * TUBE_RADIUS_MM) ** 4)
    error = 100.0 * (drop / truth - 1.0)
    meshed = float(re.search(r"Total volume = ([-+\d.e]+\d)", (folder / "log.checkMesh").read_text()).group(1))
    lost = 100.0 * (meshed / (np.pi * (1e-3 * TUBE_RADIUS_MM) ** 2 * length) - 1.0)
    print(f"  {name}, {cells:g} cells across: {drop:.2f} Pa over {1e3 * length:.1f} mm, Poiseuille {truth:.2f} Pa, "
          f"{error:+.1f} % ({result.cells.get('checkMesh')}, volume of the mesh {lost:+.1f} %)", flush=True)
    return abs(error) <= POISEUILLE_PERCENT and not result.failed


def round_tube(around: int = 64) -> tuple[CfdModel, CentrelineTree]:
    """The tube of :func:`tube_of_voxels` as even rings of exactly its area, with flat lids: nothing of it is voxels."""
    places = np.linspace(-0.5, 0.5, 161)[:, None] * TUBE_LENGTH_MM * TUBE_AXIS
    radius = np.full(len(places), TUBE_RADIUS_MM)
    branch = CentrelineBranch(-1, places, radius, np.pi * radius**2, "RCA", 1.0)
    step = 2.0 * np.pi / around
    widened = TUBE_RADIUS_MM * np.sqrt(step / np.sin(step))
    count = round(TUBE_LENGTH_MM / (TUBE_RADIUS_MM * step * np.sqrt(0.75)))
    angle = step * (np.arange(around) + 0.5 * (np.arange(count + 1)[:, None] % 2))
    circles = widened * np.stack([np.cos(angle), np.sin(angle)], axis=-1) @ plane_axes(TUBE_AXIS)
    along = np.linspace(-0.5, 0.5, count + 1)[:, None, None] * TUBE_LENGTH_MM * TUBE_AXIS
    rings = np.arange((count + 1) * around).reshape(count + 1, around)
    points = (circles + along).reshape(-1, 3)
    wall = sewn_rings(rings)
    ends = cut_at(branch, 0, 0.0, "inlet", "", "inlet"), cut_at(branch, 0, branch.length_mm, "outlet", "", "outlet")
    opened = OpenedSurface(points, wall, (rings[0][::-1], rings[-1]), ends, (0.0, 0.0))
    return capped(opened), CentrelineTree("right", (branch,))


def tube_of_voxels(spacing_mm: float = 0.35) -> Volume:
    """Oblique, so that the voxels of a section are no fixed pattern: along an axis, 6 % too much area."""
    axis = TUBE_AXIS
    half = 0.5 * TUBE_LENGTH_MM * np.abs(axis) + TUBE_RADIUS_MM + 3.0
    x, y, z = (np.arange(-h, h, spacing_mm) for h in half)
    z_, y_, x_ = np.meshgrid(z, y, x, indexing="ij", sparse=True)
    along = x_ * axis[0] + y_ * axis[1] + z_ * axis[2]
    inside = (x_**2 + y_**2 + z_**2 - along**2 <= TUBE_RADIUS_MM**2) & (np.abs(along) <= TUBE_LENGTH_MM / 2)
    return Volume(inside.astype(np.uint8), Geometry(inside.shape, (spacing_mm,) * 3, (x[0], y[0], z[0])))


def _table(rows: list[Row]) -> None:
    titles = list(dict.fromkeys(title for row in rows for title in row.cells))
    body = [["surface of", *titles], *([row.name, *(row.cells.get(t, "") for t in titles)] for row in rows)]
    widths = [max(len(line[i]) for line in body) for i in range(len(body[0]))]
    for line in body:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    sys.stdout.flush()


def _has(python: str, package: str) -> bool:
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0


def _run(command: list[str], folder: Path, log: Path | None = None) -> tuple[str, float]:
    """What the program said, and its seconds. With ``log``, the text can be read there while it runs."""
    began = time.perf_counter()
    path = log or folder / "log.last"
    with path.open("w+", encoding="utf-8", errors="replace") as file:
        try:
            done = subprocess.run(
                command, cwd=folder, env=FOAM, stdout=file, stderr=subprocess.STDOUT, timeout=SECONDS, check=False
            )
            ending = "" if done.returncode == 0 else f"\nexit {done.returncode}"
        except subprocess.TimeoutExpired:
            ending = f"\nstopped after {SECONDS} s"
        file.write(ending)
    return path.read_text(encoding="utf-8", errors="replace"), time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
