"""From a mask or probability to one rooted centreline tree per coronary system."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from scipy.spatial import cKDTree

from ..errors import EmptyResultError, InputError
from ..progress import Progress, ProgressCallback, as_progress
from ..side_by_side import side_by_side
from ..volume import Volume
from .fitting import FittedTree, fitted
from .fragments import Gap, joined_fragments
from .loops import OpenedLoop, trace_without_loops
from .options import CentrelineOptions
from .systems import System, systems_of
from .tracing import find_root
from .tree import CentrelineBranch, CentrelineTree
from .voxel_graph import VoxelGraph, voxel_graph

DEFAULTS = CentrelineOptions()
SHORTEST_TREE_MM = 3.0
OSTIUM_AWAY_MM = 10.0


def extract_centrelines(
    labels: Volume, *, values: dict[str, int] | None = None, probability: Volume | None = None,
    options: CentrelineOptions = DEFAULTS, ostia_lps_mm: dict[str, np.ndarray] | None = None,
    progress: Progress | ProgressCallback | None = None,
) -> dict[str, CentrelineTree]:
    """One :class:`CentrelineTree` per coronary system in ``labels``, by key.

    ``values`` says which label is which system: ``{"left": 1, "right": 2}`` is taken when there is a label 2,
    otherwise ``{"tree": 1}``. Under any other key than left and right the mask may hold both systems; they are told
    apart by anatomy and come back as "left" and "right". ``probability`` on the same grid makes the wall finer than a
    voxel. ``ostia_lps_mm`` gives the ostium of a key (3,); without it the thickest free end is taken.

    Raises InputError (a chamber in the mask, grids that differ, an ostium far from the mask) and EmptyResultError
    (no voxel of any wanted label, or too few for a vessel).
    """
    report = as_progress(progress)
    report(0.0, "Separating the coronary systems")
    systems = systems_of(labels, values, probability, options)
    trees: dict[str, CentrelineTree] = {}
    short: list[str] = []
    work = {
        str(number): partial(_tree_of, system, (ostia_lps_mm or {}).get(system.key), options)
        for number, system in enumerate(systems)
    }
    for system, tree in zip(systems, side_by_side(work, report).values(), strict=True):
        if tree.length_mm >= SHORTEST_TREE_MM:
            trees[system.key] = tree
        else:
            short.append(f"What is labelled {system.key} is {tree.length_mm:.1f} mm long and no vessel tree: left out.")
    if not trees:
        raise EmptyResultError(
            f"No vessel in this mask is as long as {SHORTEST_TREE_MM:.0f} mm. Check that it is a coronary mask in mm."
        )
    report(1.0, "Centrelines are ready")
    return {key: replace(tree, warnings=(*tree.warnings, *short)) for key, tree in trees.items()}


def _tree_of(
    system: System, ostium_lps_mm: np.ndarray | None, options: CentrelineOptions, report: Progress
) -> CentrelineTree:
    report(0.0, f"Following the {system.key} vessels")
    graph = voxel_graph(system.mask, system.field)
    graph, gaps, warnings = joined_fragments(graph, options.gap_mm)
    root = find_root(graph, options) if ostium_lps_mm is None else _voxel_at(graph, ostium_lps_mm, system.key)
    traced, _, opened, closed = trace_without_loops(graph, root, options)
    report(0.6, f"Measuring the {system.key} vessels")
    tree = fitted(traced.nodes, system.field, options, keep_root=ostium_lps_mm is not None)
    return CentrelineTree(
        system.side, branches_of(tree, gaps),
        warnings=(*system.warnings, *warnings, *map(_loop_warning, opened), *_closed_warnings(closed)),
    )


def _voxel_at(graph: VoxelGraph, ostium_lps_mm: np.ndarray, key: str) -> int:
    distance, voxel = cKDTree(graph.points_lps_mm).query(np.asarray(ostium_lps_mm, float))
    if distance > OSTIUM_AWAY_MM:
        raise InputError(
            f"The ostium given for {key} lies {distance:.0f} mm away from its vessels. "
            "Give it in LPS mm, close to where the vessel begins."
        )
    return int(voxel)


def branches_of(tree: FittedTree, gaps: tuple[Gap, ...]) -> tuple[CentrelineBranch, ...]:
    """The branches of a fitted tree, parents first, with a warning where a gap was bridged."""
    nodes = tree.nodes
    runs = nodes.branches()
    number_of_end = {int(run[-1]): number for number, run in enumerate(runs)}
    warnings: dict[int, list[str]] = {}
    owner = np.concatenate([np.full(len(run), number) for number, run in enumerate(runs)])
    places = cKDTree(nodes.points_lps_mm[np.concatenate(runs)])
    for gap in gaps:
        at = int(owner[places.query(gap.place_lps_mm)[1]])
        text = f"A gap of {gap.length_mm:.1f} mm in the mask was bridged at {_place(gap.place_lps_mm)}."
        warnings.setdefault(at, []).append(text)
    return tuple(
        CentrelineBranch(
            number_of_end.get(int(run[0]), -1), nodes.points_lps_mm[run], nodes.radius_mm[run], tree.area_mm2[run],
            warnings=tuple(warnings.get(number, ())),
        )
        for number, run in enumerate(runs)
    )


def _loop_warning(loop: OpenedLoop) -> str:
    return (
        f"Two branches touch at {_place(loop.place_lps_mm)} and closed a loop; it was opened there, where the mask is "
        f"{2.0 * loop.radius_mm:.1f} mm wide."
    )


def _closed_warnings(places: tuple[np.ndarray, ...]) -> tuple[str, ...]:
    if not places:
        return ()
    many = len(places) > 1
    return (
        f"{len(places)} loop{'s' if many else ''} of touching branches could not be opened, the first near "
        f"{_place(places[0])}: branches may hang on the wrong vessel there. Separate them in the mask.",
    )


def _place(point: np.ndarray) -> str:
    return "LPS ({:.0f}, {:.0f}, {:.0f})".format(*point)
