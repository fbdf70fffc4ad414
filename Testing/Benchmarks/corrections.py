"""Corrections on a real tree: a branch cut out and bridged back by two clicks, a branch removed or marked as a vein.

    python Testing/Benchmarks/corrections.py FOLDER …

FOLDER holds ``ct.nii.gz`` (HU) and ``truth.nii.gz`` (1 left, 2 right). The truth stands for the result of a run; there
is no probability, so that bridges have the CT alone to go by. Every end branch of at least 10 mm is

- removed by one click on its middle: no voxel inside of another vessel's inscribed spheres may change (``bitten``);
- bridged back by two clicks, on the junction and on its end: share of its centreline within 1 mm of one (``back``),
  Dice of its voxels;
- cut in the middle over 8 mm, with the distal piece out of the tree, and bridged by two clicks beside it (``gap``);
- marked as a vein by one click; and a point of it is set to three quarters of its radius.

``--nodes`` makes the same clicks on nodes of a Slicer scene, so that writing voxels, curves, table and log counts, and
says how long a removal, a bridge and an undo take there; the first click, which reads the scene, apart.

After each correction undo must give the case bit for bit. ``cpu s`` are seconds of processor, which other load does not
change, and ``wall s`` those of the clock. Ends with 1 when an aim is missed: 95 % of all cut centreline back, nothing
bitten, every undo exact, median of all corrections below 1 s of processor.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from CoronarySegLib.centreline import extract_centrelines
from CoronarySegLib.centreline.naming import name_trees
from CoronarySegLib.correction import CaseState, bridge, mark_vein, remove_branch, set_radius, undone
from CoronarySegLib.correction.grafting import ending_at
from CoronarySegLib.errors import CoronarySegError
from CoronarySegLib.postprocessing.boxes import points_of
from CoronarySegLib.reading.volume_files import read_volume_file

SHORTEST_MM, WITHIN_MM, GAP_MM, BESIDE_MM = 10.0, 1.0, 8.0, 1.5
BACK, SECONDS = 0.95, 1.0
HEAD = (f"{'case':<16}{'system':>7}{'branch':>8}{'mm':>6}{'radius':>8}{'bitten':>8}{'back':>7}{'dice':>6}{'gap':>7}"
        f"{'undo':>6}{'remove s':>10}{'bridge s':>10}{'gap s':>7}  remarks")


@dataclass
class Totals:
    length_mm: float = 0.0
    back_mm: float = 0.0
    gap_mm: float = 0.0
    gap_back_mm: float = 0.0
    bitten: int = 0
    inexact: int = 0
    cpu_s: dict[str, list[float]] = field(default_factory=dict)
    wall_s: dict[str, list[float]] = field(default_factory=dict)

    def timed(self, kind: str, correct, state, *arguments):
        """The corrected state; its time is kept and its undo is compared."""
        cpu, wall = time.process_time(), time.perf_counter()
        new, made = correct(state, *arguments)
        self.cpu_s.setdefault(kind, []).append(time.process_time() - cpu)
        self.wall_s.setdefault(kind, []).append(time.perf_counter() - wall)
        back = undone(new, made)
        exact = np.array_equal(back.labels.array, state.labels.array) and back.trees == state.trees
        self.inexact += not exact
        return new


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--branches", type=int, default=None, help="at most so many a case")
    parser.add_argument("--nodes", action="store_true", help="on nodes of a Slicer scene (needs slicer-core)")
    given = parser.parse_args()
    if given.nodes:
        return _on_nodes(given.folders, given.branches)
    totals = Totals()
    print(HEAD)
    for folder in given.folders:
        state = _case(folder)
        for count, (system, number) in enumerate(_end_branches(state)):
            if given.branches is None or count < given.branches:
                print(_row(folder.name, state, system, number, totals), flush=True)
    return _judged(totals)


def _on_nodes(folders: list[Path], branches: int | None) -> int:
    """Times of clicks on nodes. Ends with 1 when their median is a second of processor or more, or an undo inexact."""
    testing = Path(__file__).resolve().parents[1]
    sys.path[:0] = [str(testing / name) for name in ("slicer_desktop", "slicer_nodes")]
    sys.path.insert(0, str(testing.parent / "CoronarySeg"))
    import desktop

    with tempfile.TemporaryDirectory() as scratch:
        running = desktop.start(Path(scratch))
        from CoronarySegModule.correction_session import session_of
        from CoronarySegModule.result_values import labels_of
        from correction_nodes_samples import result_in_scene

        inexact, times = 0, {"first": [], "remove": [], "bridge": [], "undo": []}
        for folder in folders:
            running.scene.Clear(0)
            state = _case(folder)
            node = result_in_scene(state, folder.name)
            session = session_of(node)
            _timed_on_nodes(times["first"], session.state)
            for count, (system, number) in enumerate(_end_branches(state)):
                if branches is not None and count >= branches:
                    break
                course = state.trees[system].branches[number].points_lps_mm * (-1, -1, 1)
                _timed_on_nodes(times["remove"], session.remove_branch, course[len(course) // 2])
                _timed_on_nodes(times["bridge"], session.bridge, course[0], course[-1])
                for _ in range(2):
                    _timed_on_nodes(times["undo"], session.undo)
                inexact += not np.array_equal(session.state().labels.array, state.labels.array)
            inexact += not np.array_equal(labels_of(node).array, state.labels.array)
    for kind, found in times.items():
        cpu, wall = np.array(found).T
        print(f"{kind:<8}{len(found):>4} on nodes, median {np.median(cpu):.2f} s, longest {cpu.max():.2f} s of "
              f"processor, median {np.median(wall):.2f} s by the clock")
    clicks = np.array(times["remove"] + times["bridge"])[:, 0]
    print(f"clicks: median {np.median(clicks):.2f} s of processor; undo not exact: {inexact}")
    return int(np.median(clicks) >= SECONDS or inexact > 0)


def _timed_on_nodes(times: list, action, *arguments) -> None:
    cpu, wall = time.process_time(), time.perf_counter()
    action(*arguments)
    times.append((time.process_time() - cpu, time.perf_counter() - wall))


def _case(folder: Path) -> CaseState:
    labels = read_volume_file(folder / "truth.nii.gz")
    labels = labels.with_array(labels.array.astype(np.uint8))
    return CaseState(labels, name_trees(extract_centrelines(labels)), ct=read_volume_file(folder / "ct.nii.gz"))


def _end_branches(state: CaseState) -> list[tuple[str, int]]:
    return [
        (system, number) for system, tree in state.trees.items() for number in tree.leaves
        if number > 0 and tree.branches[number].length_mm >= SHORTEST_MM
    ]


def _row(case: str, state: CaseState, system: str, number: int, totals: Totals) -> str:
    branch = state.trees[system].branches[number]
    remarks, back, dice, gap, bitten = "", np.nan, np.nan, np.nan, -1
    before = totals.inexact
    try:
        middle = branch.points_lps_mm[len(branch.points_lps_mm) // 2]
        without = totals.timed("remove", remove_branch, state, middle)
        bitten = _bitten(state, without, system, number)
        again = totals.timed("bridge", bridge, without, branch.points_lps_mm[0], branch.points_lps_mm[-1])
        near = _near_line(again, system, branch.points_lps_mm)
        back, dice = float(near.mean()), _dice(state, without, again)
        totals.timed("vein", mark_vein, state, middle)
        totals.timed("radius", set_radius, state, middle, max(0.75 * float(_radius(branch)), 0.3))
    except CoronarySegError as error:
        remarks = str(error)
    totals.length_mm += branch.length_mm
    totals.back_mm += branch.length_mm * (0.0 if np.isnan(back) else back)
    totals.bitten += max(bitten, 0)
    if branch.length_mm >= GAP_MM + 8.0:
        gap, remarks = _gap(state, system, number, totals, remarks)
    return (
        f"{case:<16}{system:>7}{branch.name or number:>8}{branch.length_mm:>6.0f}{np.median(branch.radius_mm):>8.2f}"
        f"{bitten:>8}{back:>7.3f}{dice:>6.2f}{gap:>7.3f}{'exact' if before == totals.inexact else 'NOT':>6}"
        f"{_last(totals, 'remove'):>10.2f}{_last(totals, 'bridge'):>10.2f}{_last(totals, 'gap'):>7.2f}  {remarks}"
    )


def _gap(state: CaseState, system: str, number: int, totals: Totals, remarks: str) -> tuple[float, str]:
    """Share of the centreline distal of a gap that is back after two clicks beside it."""
    tree = state.trees[system]
    branch = tree.branches[number]
    start, stop = (0.5 * (branch.length_mm + sign * GAP_MM) for sign in (-1, 1))
    torn = _without_stretch(state, system, number, start, stop)
    shorter = ending_at(tree, number, int(np.argmax(branch.arc_mm >= start)))
    torn = torn.with_trees({**torn.trees, system: shorter})
    clicks = [branch.points_lps_mm[int(np.argmax(branch.arc_mm >= at))] for at in (start - BESIDE_MM, stop + BESIDE_MM)]
    course = branch.points_lps_mm[branch.arc_mm >= start]
    length = branch.length_mm - start
    totals.gap_mm += length
    try:
        whole = totals.timed("gap", bridge, torn, *clicks)
    except CoronarySegError as error:
        return 0.0, f"{remarks} gap: {error}"
    share = float(_near_line(whole, system, course).mean())
    totals.gap_back_mm += length * share
    return share, remarks


def _without_stretch(state: CaseState, system: str, number: int, start: float, stop: float) -> CaseState:
    tree = state.trees[system]
    owner = np.concatenate([np.full(len(b.points_lps_mm), i) for i, b in enumerate(tree.branches)])
    arc = np.concatenate([b.arc_mm for b in tree.branches])
    index = np.argwhere(state.labels.array == {"left": 1, "right": 2}[system])
    near = cKDTree(np.concatenate([b.points_lps_mm for b in tree.branches])).query(points_of(state.geometry, index))[1]
    gone = (owner[near] == number) & (arc[near] > start) & (arc[near] < stop)
    labels = state.labels.array.copy()
    labels[tuple(index[gone].T)] = 0
    return CaseState(state.labels.with_array(labels), state.trees, ct=state.ct)


def _bitten(state: CaseState, new: CaseState, system: str, number: int) -> int:
    """Voxels that changed inside of the inscribed spheres of any other branch."""
    others = [
        branch for key, tree in state.trees.items() for i, branch in enumerate(tree.branches)
        if (key, i) != (system, number)
    ]
    points = points_of(state.geometry, np.argwhere(state.labels.array != new.labels.array))
    radius = np.concatenate([b.radius_mm for b in others])
    away, near = cKDTree(np.concatenate([b.points_lps_mm for b in others])).query(points, k=12)
    return int((away < radius[near]).any(axis=1).sum())


def _near_line(state: CaseState, system: str, course: np.ndarray) -> np.ndarray:
    line = np.concatenate([b.points_lps_mm for b in state.trees[system].branches])
    return cKDTree(line).query(course)[0] <= WITHIN_MM


def _dice(whole: CaseState, without: CaseState, again: CaseState) -> float:
    lost = (whole.labels.array > 0) & (without.labels.array == 0)
    found = (again.labels.array > 0) & (without.labels.array == 0)
    return float(2.0 * np.count_nonzero(lost & found) / max(np.count_nonzero(lost) + np.count_nonzero(found), 1))


def _radius(branch) -> float:
    return branch.radius_mm[len(branch.radius_mm) // 2]


def _last(totals: Totals, kind: str) -> float:
    return totals.cpu_s[kind][-1] if totals.cpu_s.get(kind) else float("nan")


def _judged(totals: Totals) -> int:
    cpu, wall = (np.concatenate([np.zeros(0), *times.values()]) for times in (totals.cpu_s, totals.wall_s))
    back = totals.back_mm / max(totals.length_mm, 1e-9)
    gap = totals.gap_back_mm / max(totals.gap_mm, 1e-9)
    print(f"\nbranches cut out and bridged: {100 * back:.1f} % of {totals.length_mm:.0f} mm back within "
          f"{WITHIN_MM:g} mm")
    print(f"gaps of {GAP_MM:g} mm: {100 * gap:.1f} % of {totals.gap_mm:.0f} mm beyond them back in the tree")
    print(f"voxels of other vessels changed: {totals.bitten}; undo not exact: {totals.inexact} of {len(cpu)}")
    for kind, times in totals.cpu_s.items():
        print(f"{kind:<8}{len(times):>4} corrections, median {np.median(times):.2f} s, longest {max(times):.2f} s of "
              f"processor, median {np.median(totals.wall_s[kind]):.2f} s by the clock")
    print(f"all: median {np.median(cpu):.2f} s of processor, {np.median(wall):.2f} s by the clock")
    good = min(back, gap) >= BACK and not totals.bitten and not totals.inexact and np.median(cpu) < SECONDS
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
