"""The aortic root with the coronary trees on it as one flow model.

Each tree is made as it is alone, with the same account of its lumen, only that it goes on a little into the aorta; the
aorta's wall is made beside it, coarser; and then they are united. Nothing of a 1 mm branch depends on a 30 mm vessel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from ..centreline.tree import CentrelineTree
from ..progress import Progress, ProgressCallback, as_progress
from ..volume import Volume
from .aortic_root import RootOptions, aortic_stretch, joined_tree, led_in
from .aortic_wall import AorticWall, aortic_wall
from .build import BuildOptions, BuiltModel, against_mask, finished, or_lofted, said_of_closed
from .cuts import Cut, cut_at, propose_cuts
from .ends import OpenedSurface, open_ends
from .intersections import without_self_intersections
from .joining import coned, united
from .ledger import LumenStep, added
from .model import CfdModel
from .remesh import length_along
from .surface import lumen_surface

LINE_MM = 0.1
DEFAULTS, DEFAULT_ROOT = BuildOptions(), RootOptions()


@dataclass(frozen=True)
class _Part:
    """One tree on its way. ``tree`` and ``lumen`` go ``lead_mm`` into the aorta; its first branch is number ``first``
    of the joined tree and begins there ``begins_mm`` earlier, on the aorta's centreline."""

    key: str
    tree: CentrelineTree
    lumen: Volume
    lead_mm: float
    first: int
    begins_mm: float

    def owns(self, index: int) -> bool:
        return self.first <= index < self.first + len(self.tree.branches)

    def own(self, cut: Cut) -> Cut:
        """A cut of the joined tree by the numbers of this one."""
        shift = self.begins_mm if cut.branch == self.first else 0.0
        return replace(cut, branch=cut.branch - self.first, arc_mm=cut.arc_mm - shift)

    def joined(self, cut: Cut) -> Cut:
        """A cut of this tree by the numbers of the joined one."""
        shift = self.begins_mm if cut.branch == 0 else 0.0
        return replace(cut, branch=cut.branch + self.first, arc_mm=cut.arc_mm + shift)


@dataclass(frozen=True)
class _Sources:
    """The surfaces that a wall is united of, to ask whose a place of it is."""

    vertices: cKDTree
    source: np.ndarray

    @classmethod
    def of(cls, surfaces: list[tuple[np.ndarray, np.ndarray]]) -> _Sources:
        points = [points for points, _ in surfaces]
        return cls(cKDTree(np.concatenate(points)), np.repeat(np.arange(len(points)), [len(own) for own in points]))

    def at(self, points_mm: np.ndarray) -> np.ndarray:
        """The number of the surface (n,) that each point (n, 3) is nearest to."""
        return self.source[self.vertices.query(points_mm)[1]]


def build_root(
    lumens: Mapping[str, Volume], coronaries: Volume, trees: Mapping[str, CentrelineTree], aorta: Volume,
    options: BuildOptions = DEFAULTS, root: RootOptions = DEFAULT_ROOT, *,
    progress: Progress | ProgressCallback | None = None,
) -> BuiltModel:
    """The closed model of the aorta round the ostia with ``trees`` on it: inlet at the ventricle, outlets at the upper
    aorta and at every end of a tree.

    ``lumens``: mask or probability of each tree; ``coronaries`` and ``aorta``: masks, not 0 is lumen; all on one grid.
    Raises InputError (an aorta that is empty, away from an ostium or too short), MissingPackageError without
    manifold3d, EmptyResultError and SurfaceError as :func:`~.build.build_model`.
    """
    report = as_progress(progress)
    stretch = aortic_stretch(aorta, trees, root)
    report(0.02, "Wall of the aorta")
    wall = aortic_wall(stretch, coronaries, trees, root, options.edge_of_radius)
    longer = {key: led_in(tree, stretch) for key, tree in trees.items()}
    joined, first = joined_tree(stretch, longer)
    parts = []
    for key, tree in longer.items():
        lead_mm = tree.branches[0].length_mm - trees[key].branches[0].length_mm
        begins_mm = joined.branches[first[key]].length_mm - tree.branches[0].length_mm
        parts.append(_Part(key, tree, _reaching(lumens[key], tree, lead_mm), lead_mm, first[key], begins_mm))
    return or_lofted(lambda chosen: _built(parts, joined, wall, chosen, report.part(0.1, 1.0)), options)


def _built(
    parts: list[_Part], joined: CentrelineTree, wall: AorticWall, options: BuildOptions, report: Progress
) -> BuiltModel:
    surfaces = []
    for number, part in enumerate(parts):
        share = report.part(0.4 * number / len(parts), 0.4 * (number + 1) / len(parts))
        surfaces.append(lumen_surface(part.lumen, part.tree, options.surface, progress=share))
    closed = _kept_apart([(surface.points_mm, surface.triangles) for surface in surfaces])
    report(0.42, "Cutting the ends")
    proposal = propose_cuts(joined, options.cuts)
    opened = []
    for part, (points, triangles) in zip(parts, closed, strict=True):
        cuts = tuple(part.own(cut) for cut in proposal.cuts if cut.kind == "outlet" and part.owns(cut.branch))
        opened.append(open_ends(points, triangles, part.tree, cuts, edge_per_radius=options.edge_of_radius))
    report(0.47, "Joining coronaries and aorta")
    inlet, outlet = wall.opened.cuts
    whole = united([wall.opened, *opened], [inlet, *(cut for one in opened for cut in one.cuts), outlet])
    numbers = {cut.name: part.joined(cut) for part, one in zip(parts, opened, strict=True) for cut in one.cuts}
    numbers |= {cut.name: _on_pieces(cut, parts, joined) for cut in (inlet, outlet)}
    whole = replace(whole, cuts=tuple(numbers[cut.name] for cut in whole.cuts))

    sources = _Sources.of([wall.closed, *closed])
    trees = (wall.tree, *(part.tree for part in parts))
    of_radius = [length_along(tree, share_of_radius=options.edge_of_radius) for tree in trees]

    def length_mm(points: np.ndarray) -> np.ndarray:
        # By whose wall it is: a coronary that passes by makes the aorta's edges no shorter.
        source, result = sources.at(points), np.empty(len(points))
        for number, length in enumerate(of_radius):
            result[source == number] = length(points[source == number])
        return result

    def measured(core: CfdModel) -> LumenStep:
        return _measured(core, sources, parts, closed, opened, wall, options)

    steps = tuple(
        replace(step, name=f"{part.key}: {step.name}")
        for part, surface in zip(parts, surfaces, strict=True) for step in surface.steps
    )
    blind = tuple(index for index in proposal.closed if any(part.owns(index) for part in parts))
    built = finished(joined, whole, options, length_mm, measured, steps, report.part(0.5, 1.0))
    notes = (*whole.skipped, *said_of_closed(joined, blind), *built.notes)
    return replace(built, bridged_mm=sum(surface.bridged_mm for surface in surfaces), notes=notes)


def _reaching(lumen: Volume, tree: CentrelineTree, lead_mm: float) -> Volume:
    """The lumen with a round piece along the lead into the aorta."""
    root = tree.branches[0]
    arc = np.linspace(0.0, lead_mm, max(2, int(np.ceil(lead_mm / LINE_MM))))
    line = np.stack([np.interp(arc, root.arc_mm, root.points_lps_mm[:, k]) for k in range(3)], axis=1)
    index = lumen.geometry.index_of(line)[:, ::-1]
    reach = np.ceil(root.radius_mm[0] / np.asarray(lumen.geometry.spacing_xyz_mm[::-1])).astype(int) + 1
    low = np.maximum(np.floor(index.min(0)).astype(int) - reach, 0)
    high = np.minimum(np.ceil(index.max(0)).astype(int) + reach + 1, lumen.array.shape)
    voxels = np.stack(np.meshgrid(*map(np.arange, low, high), indexing="ij"), axis=-1).reshape(-1, 3)
    away_mm, _ = cKDTree(line).query(lumen.geometry.points_lps(voxels[:, ::-1]))
    array = lumen.array.copy()
    array[tuple(voxels[away_mm < root.radius_mm[0]].T)] = 1
    return lumen.with_array(array)


def _kept_apart(surfaces: list[tuple[np.ndarray, np.ndarray]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Closed surfaces without cuts, each in itself and against the others: two trees may touch at their ends."""
    starts = np.cumsum([0, *(len(points) for points, _ in surfaces)])
    triangles = [triangles + start for (_, triangles), start in zip(surfaces, starts[:-1], strict=True)]
    points = np.concatenate([points for points, _ in surfaces])
    mended = without_self_intersections(points, np.concatenate(triangles), or_refuse=False)
    return [
        (mended.points_mm[begin:end], own)
        for (_, own), begin, end in zip(surfaces, starts[:-1], starts[1:], strict=True)
    ]


def _on_pieces(cut: Cut, parts: list[_Part], joined: CentrelineTree) -> Cut:
    """A cut of the aorta as a whole on the pieces that the ostia divide it into."""
    arc, last = cut.arc_mm, len(joined.branches) - 1
    for index, branch in enumerate(joined.branches):
        if any(part.owns(index) for part in parts):
            continue
        if arc <= branch.length_mm or index == last:
            return replace(cut, branch=index, arc_mm=min(arc, branch.length_mm))
        arc -= branch.length_mm
    raise AssertionError("the last branch of a joined tree is the aorta's")


def _measured(
    core: CfdModel, sources: _Sources, parts: list[_Part], closed: list[tuple[np.ndarray, np.ndarray]],
    opened: list[OpenedSurface], wall: AorticWall, options: BuildOptions,
) -> LumenStep:
    """Each tree from its ostium on and the aorta between its cuts, each against its own voxels."""
    source = sources.at(core.points_lps_mm[core.triangles].mean(axis=1))

    def of(number: int) -> tuple[np.ndarray, np.ndarray]:
        return coned(core.points_lps_mm, core.triangles[source == number])

    steps = [against_mask(wall.mask, wall.tree, wall.opened.cuts, options, wall.closed, of(0))]
    for number, (part, one) in enumerate(zip(parts, opened, strict=True), start=1):
        root = part.tree.branches[0]
        alone = replace(root, **{
            name: getattr(root, name)[root.arc_mm >= part.lead_mm - 1e-6]
            for name in ("points_lps_mm", "radius_mm", "area_mm2")
        })
        ostial = propose_cuts(part.tree.with_branches([alone, *part.tree.branches[1:]]), options.cuts).cuts[0]
        ostial = cut_at(root, 0, part.lead_mm + ostial.arc_mm, "inlet", ostial.reason)
        cuts = (ostial, *one.cuts)
        steps.append(against_mask(part.lumen, part.tree, cuts, options, closed[number - 1], of(number)))
    return added(steps)
