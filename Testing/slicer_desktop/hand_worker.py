"""A worker without networks: it takes the parts from the HU of a CT made by hand, or misbehaves as told.

    python hand_worker.py MODE FOLDER

MODE "ok" hands a result back; "slow" starts a process of its own and goes on for minutes; "die" says something and is
killed; "refuse" ends with an error of the library. It speaks through the library's own protocol and files.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from CoronarySegLib.centreline.tree import CentrelineBranch, CentrelineTree
from CoronarySegLib.errors import NotACoronaryCTError
from CoronarySegLib.provenance import Provenance
from CoronarySegLib.review import Kind, Suspect, find_suspects
from CoronarySegLib.volume import Geometry, Volume
from CoronarySegLib.worker.jobs import PhantomJob, ReviewJob, read_job, write_trees, write_volume
from CoronarySegLib.worker.outcomes import finish, write_error
from CoronarySegLib.worker.protocol import say

HU = {"left": 400, "right": 500, "calcium": 900}
VALUES = {"left": 1, "right": 2, "calcium": 3}
PIDS = "pids.txt"


def main(mode: str, folder: Path) -> int:
    job = read_job(folder)
    say(0.1, "Finding the heart")
    if mode == "slow":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        (folder.parent / PIDS).write_text(f"{os.getpid()} {child.pid}", encoding="utf-8")
        say(0.2, "Finding the vessels")
        time.sleep(600)
    if mode == "die":
        sys.stdout.write("a very last word\n")
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    if mode == "refuse":
        write_error(folder, NotACoronaryCTError("This is no contrast CT of the heart. Choose another volume."))
        return NotACoronaryCTError.exit_code
    if isinstance(job, ReviewJob):
        found = [one.as_dict() for one in find_suspects(job.case)]
        finish(folder, {"kind": "ReviewOutcome", "suspects": found})
    elif isinstance(job, PhantomJob):
        grid = Geometry(job.shape_zyx, job.spacing_xyz_mm)
        ct = Volume(np.full(job.shape_zyx, HU["left"], np.int16), grid)
        finish(folder, {"kind": "PhantomOutcome", "ct": write_volume(ct, folder / "phantom.npy")})
    else:
        _hand_back(job.ct, folder)
    say(1.0, "Done")
    return 0


def _hand_back(ct: Volume, folder: Path) -> None:
    labels = np.zeros(ct.array.shape, np.uint8)
    for part, hu in HU.items():
        labels[ct.array == hu] = VALUES[part]
    found = [part for part, value in VALUES.items() if (labels == value).any()]
    for part in found:
        _write_surface(ct.with_array((labels == VALUES[part]).astype(np.uint8)), folder / f"surface_{part}.vtp")
    trees = {side: _tree(ct.with_array(labels), side) for side in ("left", "right") if side in found}
    write_trees(trees, folder)
    lumen = ((labels == 1) | (labels == 2)).astype(np.float32)
    about = Provenance("0", "by hand 1", {"whole": "ab"}, "by hand", {"all": 0.1}, "standard", ("Made by hand.",))
    finish(folder, {
        "kind": "SegmentOutcome", "labels": write_volume(ct.with_array(labels), folder / "labels.npy"),
        "probability": write_volume(ct.with_array(lumen), folder / "probability.npy"), "surfaces": found,
        "trees": list(trees), "provenance": asdict(about), "warnings": ["Made by hand."],
        "suspects": [one.as_dict() for one in _suspects(trees)],
    })


def _suspects(trees: dict) -> list[Suspect]:
    """A place in the middle of every vessel and one at its end."""
    found = []
    for key, tree in trees.items():
        points = tree.branches[0].points_lps_mm
        name = f"the {tree.branches[0].name}"
        for kind, at, score in ((Kind.VEIN, 20, 0.8), (Kind.GAP, 39, 0.6)):
            place = tuple(float(value) for value in points[at])
            found.append(Suspect(kind, place, score, f"Made by hand on {name}.", key, 0, name))
    return sorted(found, key=lambda one: -one.score)


def _tree(labels: Volume, side: str) -> CentrelineTree:
    """A straight line through the middle of a straight vessel, along its longest axis."""
    index = np.argwhere(labels.array == VALUES[side])[:, ::-1].astype(float)
    ends = np.stack([index.min(axis=0), index.max(axis=0)])
    axis = int(np.argmax(ends[1] - ends[0]))
    line = np.repeat(ends.mean(axis=0)[None], 40, axis=0)
    line[:, axis] = np.linspace(*ends[:, axis], 40)
    radius = np.full(40, 1.2)
    branch = CentrelineBranch(
        -1, labels.geometry.points_lps(line), radius, np.pi * radius**2, "LAD" if side == "left" else "RCA", 0.9
    )
    return CentrelineTree(side, (branch,))


def _write_surface(mask: Volume, path: Path) -> None:
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    array = np.ascontiguousarray(np.pad(mask.array, 1))
    image = vtk.vtkImageData()
    image.SetDimensions(*reversed(array.shape))
    image.SetOrigin(-1, -1, -1)
    image.GetPointData().SetScalars(numpy_to_vtk(array.ravel(), deep=True))
    contour = vtk.vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.SetValue(0, 0.5)
    transform = vtk.vtkTransform()
    transform.SetMatrix(mask.geometry.index_to_lps.flatten().tolist())
    placed = vtk.vtkTransformPolyDataFilter()
    placed.SetTransform(transform)
    placed.SetInputConnection(contour.GetOutputPort())
    writer = vtk.vtkXMLPolyDataWriter()
    writer.SetFileName(str(path))
    writer.SetInputConnection(placed.GetOutputPort())
    writer.Write()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
