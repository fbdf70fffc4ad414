"""One coronary system from mask and centreline to the model of its flow: every step in its order."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..centreline.tree import CentrelineTree
from ..errors import SurfaceError
from ..progress import Progress, ProgressCallback, as_progress
from ..volume import Volume
from .caps import capped
from .cuts import CutOptions, propose_cuts
from .ends import OpenedSurface, open_ends, with_wall
from .extensions import ExtensionOptions, extended
from .intersections import refuse, self_intersections, without_self_intersections
from .ledger import LumenLedger, LumenStep
from .model import CfdModel
from .remesh import LARGEST_TRIANGLE_BUDGET, LENGTH_OF_RADIUS, length_along, remeshed
from .surface import LumenSurface, LumenSurfaceOptions, lumen_surface
from .trim import trimmed


@dataclass(frozen=True)
class BuildOptions:
    """How a model is made. ``edge_of_radius``: edge length of the wall as a share of the local radius."""

    surface: LumenSurfaceOptions = field(default_factory=LumenSurfaceOptions)
    cuts: CutOptions = field(default_factory=CutOptions)
    extensions: ExtensionOptions = field(default_factory=ExtensionOptions)
    edge_of_radius: float = LENGTH_OF_RADIUS
    triangle_budget: int = LARGEST_TRIANGLE_BUDGET

    def __post_init__(self) -> None:
        if not 0.05 <= self.edge_of_radius <= 1.0:
            raise ValueError(f"edges are 0.05 to 1 times the radius, not {self.edge_of_radius}")
        if self.triangle_budget < 1000:
            raise ValueError("fewer than 1000 triangles are no coronary tree")


@dataclass(frozen=True)
class BuiltModel:
    """A finished model of one system. ``core`` is the same without extensions: what was segmented.

    ``steps``: what smoothing did a branch, on the closed surface. ``final``: diameters of the core against the mask
    between the cuts. ``notes``: what is not as asked for, a sentence each.
    """

    tree: CentrelineTree
    model: CfdModel
    core: CfdModel
    surface: LumenSurface
    final: LumenStep
    notes: tuple[str, ...] = ()
    ledger: LumenLedger | None = field(default=None, repr=False, compare=False)


def build_model(
    lumen: Volume, tree: CentrelineTree, options: BuildOptions = BuildOptions(), *,
    progress: Progress | ProgressCallback | None = None,
) -> BuiltModel:
    """The closed model with named openings of the system that ``tree`` follows through ``lumen`` (mask or probability).

    Raises EmptyResultError without lumen and SurfaceError, naming the place, when the surface cannot be opened or would
    be refused by a mesher.
    """
    report = as_progress(progress)
    closed = lumen_surface(lumen, tree, options.surface, progress=report.part(0.0, 0.3))
    report(0.3, "Cutting the ends")
    proposal = propose_cuts(tree, options.cuts)
    mended = without_self_intersections(closed.points_mm, closed.triangles)
    opened = open_ends(
        mended.points_mm, mended.triangles, tree, proposal.cuts, edge_per_radius=options.edge_of_radius
    )
    opened = _meshed(opened, tree, options, report.part(0.35, 0.8))
    core = capped(opened)
    report(0.85, "Flow extensions")
    longer, notes = extended(opened, options.extensions)
    model = capped(longer) if any(longer.extensions_mm) else core
    report(0.9, "Looking for self-intersections")
    pairs = self_intersections(model.points_lps_mm, model.triangles)
    if len(pairs):
        refuse(model.points_lps_mm, model.triangles, pairs)
    report(0.95, "Measuring against the mask")
    ledger = _measured(lumen, tree, closed, opened, core, options)
    blind = tuple(
        f"{tree.branches[index].name or 'an unnamed branch'} is too short to be cut and stays closed"
        for index in proposal.closed
    )
    return BuiltModel(
        tree, model, core, closed, ledger.steps[-1], (*opened.skipped, *blind, *notes), ledger
    )


def _meshed(opened: OpenedSurface, tree: CentrelineTree, options: BuildOptions, report: Progress) -> OpenedSurface:
    points, triangles = remeshed(
        opened.points_lps_mm, opened.triangles, length_along(tree, share_of_radius=options.edge_of_radius),
        triangle_budget=options.triangle_budget, progress=report,
    )
    meshed = with_wall(opened, points, triangles)
    fixed = np.concatenate(meshed.rims)
    mended = without_self_intersections(meshed.points_lps_mm, meshed.triangles, fixed_points=fixed)
    return with_wall(meshed, mended.points_mm, mended.triangles)


def _measured(
    lumen: Volume, tree: CentrelineTree, closed: LumenSurface, opened: OpenedSurface, core: CfdModel,
    options: BuildOptions,
) -> LumenLedger:
    """The account over what lies between the cuts: mask, closed surface, exported wall."""
    is_mask = not np.issubdtype(lumen.array.dtype, np.floating)
    part = lumen.with_array((lumen.array != 0).astype(np.uint8)) if is_mask else lumen
    ledger = LumenLedger(part, 0.5 if is_mask else options.surface.threshold, trimmed(tree, opened.cuts))
    ledger.add("closed surface", closed.points_mm, closed.triangles)
    step = ledger.add("cut and meshed", core.points_lps_mm, core.triangles)
    if not step.volume_mm3 > 0.0:
        raise SurfaceError("The model encloses no volume. Check the mask and its orientation.")
    return ledger
