"""One coronary system from mask and centreline to the model of its flow: every step in its order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from ..centreline.tree import CentrelineTree
from ..errors import SurfaceError
from ..progress import Progress, ProgressCallback, as_progress
from ..volume import Volume
from .caps import capped
from .cuts import Cut, CutOptions, propose_cuts
from .ends import OpenedSurface, open_ends, with_wall
from .extensions import ExtensionOptions, extended
from .intersections import without_self_intersections
from .ledger import LumenLedger, LumenStep
from .model import CfdModel
from .quality import QualityReport, quality_of_model
from .remesh import LARGEST_TRIANGLE_BUDGET, LENGTH_OF_RADIUS, length_along, remeshed
from .surface import LumenSurfaceOptions, lumen_surface, part_of
from .trim import trimmed

FATAL = ("closed", "manifold", "outward", "components", "self_intersections")


@dataclass(frozen=True)
class BuildOptions:
    """How a model is made. ``edge_of_radius``: edge length of the wall as a share of the local radius.
    ``loft_when_refused``: where the mask's own surface cannot be made into a model, one lofted from centreline and
    radius takes its place, and the model's notes say so."""

    surface: LumenSurfaceOptions = field(default_factory=LumenSurfaceOptions)
    cuts: CutOptions = field(default_factory=CutOptions)
    extensions: ExtensionOptions = field(default_factory=ExtensionOptions)
    edge_of_radius: float = LENGTH_OF_RADIUS
    triangle_budget: int = LARGEST_TRIANGLE_BUDGET
    loft_when_refused: bool = True

    def __post_init__(self) -> None:
        if not 0.05 <= self.edge_of_radius <= 1.0:
            raise ValueError(f"edges are 0.05 to 1 times the radius, not {self.edge_of_radius}")
        if self.triangle_budget < 1000:
            raise ValueError("fewer than 1000 triangles are no coronary tree")


@dataclass(frozen=True)
class BuiltModel:
    """A finished model of one system. ``core`` is the same without extensions: what was segmented.

    ``steps``: what each step from the voxels to the closed surface did to each branch; ``bridged_mm`` of centreline ran
    outside of the voxels. ``final``: diameters of the core against the mask between the cuts. ``notes``: what is not as
    asked for, a sentence each.
    """

    tree: CentrelineTree
    model: CfdModel
    core: CfdModel
    steps: tuple[LumenStep, ...]
    bridged_mm: float
    final: LumenStep
    quality: QualityReport
    notes: tuple[str, ...] = ()


def build_model(
    lumen: Volume, tree: CentrelineTree, options: BuildOptions = BuildOptions(), *,
    progress: Progress | ProgressCallback | None = None,
) -> BuiltModel:
    """The closed model with named openings of the system that ``tree`` follows through ``lumen`` (mask or probability).

    Raises EmptyResultError without lumen and SurfaceError, naming the place, when the surface, and the lofted one in
    its place, cannot be opened or would be refused by a mesher.
    """
    report = as_progress(progress)
    return or_lofted(lambda chosen: _built(lumen, tree, chosen, report), options)


def or_lofted(build: Callable[[BuildOptions], BuiltModel], options: BuildOptions) -> BuiltModel:
    """What ``build`` makes with ``options``; where it raises SurfaceError, with the lofted surface, if allowed."""
    try:
        return build(options)
    except SurfaceError as error:
        if options.surface.method == "loft" or not options.loft_when_refused:
            raise
        refusal = error
    try:
        built = build(replace(options, surface=replace(options.surface, method="loft")))
    except SurfaceError as error:
        raise SurfaceError(f"{refusal} A surface lofted from the centreline fails as well: {error}") from refusal
    note = f"lofted from centreline and radius, all sections round, as the mask's own surface was refused: {refusal}"
    return replace(built, notes=(note, *built.notes))


def _built(lumen: Volume, tree: CentrelineTree, options: BuildOptions, report: Progress) -> BuiltModel:
    closed = lumen_surface(lumen, tree, options.surface, progress=report.part(0.0, 0.3))
    report(0.3, "Cutting the ends")
    proposal = propose_cuts(tree, options.cuts)
    mended = without_self_intersections(closed.points_mm, closed.triangles, or_refuse=False)
    opened = open_ends(
        mended.points_mm, mended.triangles, tree, proposal.cuts, edge_per_radius=options.edge_of_radius
    )

    def measured(core: CfdModel) -> LumenStep:
        made = core.points_lps_mm, core.triangles
        return against_mask(lumen, tree, opened.cuts, options, (closed.points_mm, closed.triangles), made)

    notes = (*opened.skipped, *said_of_closed(tree, proposal.closed))
    length = length_along(tree, share_of_radius=options.edge_of_radius)
    built = finished(tree, opened, options, length, measured, closed.steps, report.part(0.35, 1.0))
    return replace(built, bridged_mm=closed.bridged_mm, notes=(*notes, *built.notes))


def finished(
    tree: CentrelineTree, opened: OpenedSurface, options: BuildOptions, length_mm: Callable[[np.ndarray], np.ndarray],
    measured: Callable[[CfdModel], LumenStep], steps: tuple[LumenStep, ...], report: Progress,
) -> BuiltModel:
    """From a wall with open ends to the model: meshed, closed by lids, extended, measured and checked.

    ``length_mm`` of edges at points; ``measured`` says what of the lumen is left in the core. Raises
    SurfaceError for what a mesher would refuse.
    """
    opened = _meshed(opened, length_mm, options, report.part(0.0, 0.7))
    core = capped(opened)
    report(0.75, "Flow extensions")
    longer, notes = extended(opened, options.extensions)
    model = capped(longer) if any(longer.extensions_mm) else core
    report(0.85, "Measuring against the mask")
    final = measured(core)
    report(0.92, "Checking the model")
    quality = quality_of_model(model, final)
    _refuse_unfit(quality)
    return BuiltModel(tree, model, core, steps, 0.0, final, quality, (*notes, *_doubts(quality)))


def against_mask(
    lumen: Volume, tree: CentrelineTree, cuts: tuple[Cut, ...], options: BuildOptions,
    closed: tuple[np.ndarray, np.ndarray], made: tuple[np.ndarray, np.ndarray],
) -> LumenStep:
    """The account over what lies between the cuts: voxels, the ``closed`` surface (points, triangles), and the wall
    that was ``made`` of it."""
    part, is_mask, _ = part_of(lumen, tree, options.surface)
    ledger = LumenLedger(part, 0.5 if is_mask else options.surface.threshold, trimmed(tree, cuts))
    ledger.add("closed surface", *closed)
    return ledger.add("cut and meshed", *made)


def said_of_closed(tree: CentrelineTree, closed: tuple[int, ...]) -> tuple[str, ...]:
    """A sentence for each branch that no cut was proposed for."""
    return tuple(
        f"{tree.branches[index].name or 'an unnamed branch'} is too short to be cut and stays closed"
        for index in closed
    )


def _meshed(
    opened: OpenedSurface, length_mm: Callable[[np.ndarray], np.ndarray], options: BuildOptions, report: Progress
) -> OpenedSurface:
    points, triangles = remeshed(
        opened.points_lps_mm, opened.triangles, length_mm, triangle_budget=options.triangle_budget, progress=report
    )
    meshed = with_wall(opened, points, triangles)
    fixed = np.concatenate(meshed.rims)
    mended = without_self_intersections(meshed.points_lps_mm, meshed.triangles, fixed_points=fixed)
    return with_wall(meshed, mended.points_mm, mended.triangles)


def _refuse_unfit(quality: QualityReport) -> None:
    """Raise SurfaceError for what every mesher refuses; the rest is a matter of judgement and is told instead."""
    fatal = [line for line in quality.failures if line.key in FATAL]
    if fatal:
        found = "; ".join(f"{line.question}: {line.text}" for line in fatal)
        raise SurfaceError(
            f"The flow model failed its check and is not written ({found}). Correct the segmentation at that place, or "
            "loft the surface from the centreline."
        )


def _doubts(quality: QualityReport) -> tuple[str, ...]:
    return tuple(f"check failed: {line.question}: {line.text}" for line in quality.failures)
