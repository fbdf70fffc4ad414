"""From trees to surfaces: the story of reconstruction. One closed surface for each tree, and one for calcium."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from vtkmodules.vtkCommonDataModel import vtkPolyData

from ..errors import EmptyResultError
from ..postprocessing.trees import LABELS, Trees
from ..progress import Progress, ProgressCallback, as_progress
from ..volume import Volume
from .from_labels import surface_from_labels
from .from_probability import surface_from_probability
from .mesh import polydata_of, with_normals
from .options import SurfaceOptions
from .paper import surface_as_published
from .quality import SurfaceReport

if TYPE_CHECKING:
    from ..inference import Prediction

DEFAULT = SurfaceOptions()


@dataclass(frozen=True)
class Surface:
    """Triangles in LPS mm with outward point normals.

    ``name``: "left", "right" or "calcium". ``method``: how it was made. ``axis_points_lps_mm`` (n, 3): points on the
    vessels' axes at which the report's diameters were taken.
    """

    name: str
    polydata: vtkPolyData
    report: SurfaceReport
    method: str
    axis_points_lps_mm: np.ndarray = field(repr=False)


def reconstruct(
    trees: Trees, prediction: Prediction | None = None, options: SurfaceOptions = DEFAULT, *,
    progress: Progress | ProgressCallback | None = None,
) -> dict[str, Surface]:
    """Surfaces of what was found: keys "left", "right" and, when present and wanted, "calcium".

    All that is needed travels with ``trees``; ``prediction`` is accepted so that every step is called alike.
    Raises EmptyResultError when the trees hold no voxel.
    """
    progress = as_progress(progress)
    names = list(trees.sides)
    if not names:
        raise EmptyResultError("There is no coronary tree to make a surface of. Segment again or draw one first.")
    if options.calcium and (trees.labels.array == LABELS["calcium"]).any():
        names.append("calcium")
    surfaces = {}
    for step, name in enumerate(names):
        progress(step / len(names), f"Surface of {_spoken(name)}")
        if options.method == "probability" and name != "calcium":
            made = surface_from_probability(trees, name, options)
        else:
            made = _from_voxels(trees.labels, LABELS[name], name, options)
        surfaces[name] = _surface(name, options.method, *made)
    progress(1.0, "Surfaces ready")
    return surfaces


def reconstruct_labels(
    labels: Volume, options: SurfaceOptions = SurfaceOptions(method="labels"), *,  # noqa: B008 (frozen)
    values: dict[str, int] | None = None, progress: Progress | ProgressCallback | None = None,
) -> dict[str, Surface]:
    """Surfaces of label voxels alone, on any grid: a corrected segmentation, somebody else's mask.

    ``values``: name to label value, by default left 1, right 2, calcium 3. Method "probability" needs a probability and
    is taken as "labels". Raises EmptyResultError when none of the values occurs.
    """
    progress = as_progress(progress)
    values = LABELS if values is None else values
    present = [name for name in values if (labels.array == values[name]).any()]
    if not options.calcium and "calcium" in present:
        present.remove("calcium")
    if not present:
        wanted = ", ".join(f"{name} = {value}" for name, value in values.items())
        raise EmptyResultError(f"The segmentation holds none of the labels {wanted}. Choose another segmentation.")
    method = "paper" if options.method == "paper" else "labels"
    surfaces = {}
    for step, name in enumerate(present):
        progress(step / len(present), f"Surface of {_spoken(name)}")
        surfaces[name] = _surface(name, method, *_from_voxels(labels, values[name], name, options))
    progress(1.0, "Surfaces ready")
    return surfaces


def _from_voxels(labels: Volume, value: int, name: str, options: SurfaceOptions):
    # Calcium is many pieces by nature: the paper's largest component would lose all but one.
    if options.method == "paper" and name != "calcium":
        return surface_as_published(labels, value, options)
    return surface_from_labels(labels, value, options)


def _surface(name: str, method: str, points, triangles, removed, ledger) -> Surface:
    report = ledger.report(points, triangles, removed)
    return Surface(name, with_normals(polydata_of(points, triangles)), report, method, ledger.axis_points_lps_mm)


def _spoken(name: str) -> str:
    return name if name == "calcium" else f"the {name} tree"
