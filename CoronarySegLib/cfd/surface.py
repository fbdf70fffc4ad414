"""The lumen as a closed surface for flow: between the voxels, in one piece, and with an account of every diameter.

The default iso-surface is that of :mod:`CoronarySegLib.reconstruction`: twice the sampling, manifold by construction.
For flow three things are added. The centreline is threaded through the field, so that a vessel thinner than its voxels
stays joined to its tree instead of falling off; loops are opened; and every step is measured a branch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy import ndimage

from ..centreline.tree import CentrelineTree
from ..errors import EmptyResultError, InputError
from ..postprocessing.boxes import blocks, bounding_box, cropped, grown
from ..progress import Progress, ProgressCallback, as_progress
from ..reconstruction.fields import FACTOR, padded
from ..reconstruction.from_labels import inside_score
from ..reconstruction.from_probability import sharpened
from ..reconstruction.lattice import twice_sampled
from ..reconstruction.smoothing import laplacian, windowed_sinc
from ..volume import Volume
from .creases import without_creases
from .field_surface import LOST_MM3, surface_in
from .keep import diameters_kept
from .ledger import LumenLedger, LumenStep
from .loft import lofted
from .loops import Unlooped, without_loops
from .ruler import Ruler
from .thread import threaded

Method = Literal["voxels", "loft"]
Smoothing = Literal["windowed sinc", "Laplacian", "none"]
MARGIN = 4
THREAD_OF_VOXEL = 0.7


@dataclass(frozen=True)
class LumenSurfaceOptions:
    """Choices of :func:`lumen_surface`.

    ``method``: "voxels" (default, where mask or probability put the wall) or "loft" (round sections along the
    centreline, the way out when the mask's surface cannot be mended; nothing is smoothed then).
    ``smoothing``: "windowed sinc" (default, keeps diameters), "Laplacian" (the paper's; takes a third of a 1 mm vessel,
    see the steps) or "none". ``keep_diameters`` puts back what the windowed sinc took; the Laplacian's price stays.
    ``threshold``: of a probability. ``thread_radius_mm``: the least radius at which the centreline keeps a vessel
    joined; None is 0.7 of the smallest voxel side, 0 leaves breaks as they are (and their distal part is lost).
    ``open_loops``: pinholes are filled and vessels that touch are cut apart, so that blood has one way to each place.
    """

    method: Method = "voxels"
    smoothing: Smoothing = "windowed sinc"
    pass_band: float = 0.015
    iterations: int = 80
    keep_diameters: bool = True
    laplacian_iterations: int = 100
    relaxation: float = 0.1
    threshold: float = 0.5
    thread_radius_mm: float | None = None
    open_loops: bool = True

    def __post_init__(self) -> None:
        if self.method not in ("voxels", "loft"):
            raise ValueError(f'method must be "voxels" or "loft", not {self.method!r}')
        if self.smoothing not in ("windowed sinc", "Laplacian", "none"):
            raise ValueError(f'smoothing must be "windowed sinc", "Laplacian" or "none", not {self.smoothing!r}')
        if not 0.0 < self.pass_band < 2.0:
            raise ValueError(f"pass_band must lie between 0 and 2, not {self.pass_band}")
        if not 0.0 < self.threshold < 1.0:
            raise ValueError(f"threshold must lie between 0 and 1, not {self.threshold}")


@dataclass(frozen=True)
class LumenSurface:
    """A closed surface: ``points_mm`` (n, 3) LPS mm, ``triangles`` (m, 3) outward, one component.

    ``steps``: what each step did a branch. ``bridged_mm``: length of centreline that ran outside of the voxels and was
    joined by a thread. ``left_out_mm3``: voxels that the tree does not reach and that are not in the surface.
    ``filled_mm3`` and ``cut_mm3``: pinholes filled and contacts cut, to open loops.
    ``ledger`` takes further steps (remeshing, mending) into the same account.
    """

    points_mm: np.ndarray
    triangles: np.ndarray
    steps: tuple[LumenStep, ...]
    bridged_mm: float
    left_out_mm3: float
    filled_mm3: float
    cut_mm3: float
    ledger: LumenLedger = field(repr=False, compare=False)

    def summary(self) -> str:
        """A line a step, and what was joined or left out."""
        lines = [step.summary() for step in self.steps]
        if self.bridged_mm > 0:
            lines.append(f"joined by a thread along the centreline: {self.bridged_mm:.1f} mm")
        if self.filled_mm3 > 0 or self.cut_mm3 > 0:
            lines.append(f"loops opened: {self.filled_mm3:.2f} mm³ filled, {self.cut_mm3:.2f} mm³ of contact cut")
        if self.left_out_mm3 > 0:
            lines.append(f"not reached by the tree and left out: {self.left_out_mm3:.1f} mm³")
        return "\n".join(lines)


def lumen_surface(
    lumen: Volume, tree: CentrelineTree, options: LumenSurfaceOptions = LumenSurfaceOptions(), *,
    progress: Progress | ProgressCallback | None = None,
) -> LumenSurface:
    """The closed surface of one coronary system.

    ``lumen``: a mask (bool or integer, not 0 is lumen) or a probability (float, 0..1) that holds this system; what
    ``tree`` does not reach is left out. Raises EmptyResultError when the tree meets no lumen, InputError when a float
    field leaves 0..1.
    """
    progress = as_progress(progress)
    progress(0.0, "Field of the lumen")
    part, is_mask, left_out_mm3 = part_of(lumen, tree, options)
    threshold = 0.5 if is_mask else options.threshold
    ledger = LumenLedger(part, threshold, tree)
    if options.method == "loft":
        points, triangles = lofted(tree)
        ledger.add("loft", points, triangles)
        return LumenSurface(points, triangles, tuple(ledger.steps), 0.0, left_out_mm3, 0.0, 0.0, ledger)
    loops = without_loops(part.array >= threshold, part.geometry, ledger.ruler) if options.open_loops else None
    array, geometry = padded(part.array if loops is None else _unlooped(part.array, threshold, loops), part.geometry)
    score = inside_score(array > 0, geometry) if is_mask else sharpened(array)
    radius_mm = options.thread_radius_mm
    if radius_mm is None:
        radius_mm = THREAD_OF_VOXEL * min(geometry.spacing_xyz_mm)
    ruler = ledger.ruler if options.open_loops else None
    joined, bridged_mm = threaded(score, geometry, threshold, tree, radius_mm)
    progress(0.3, "Surface between the voxels")
    # Loops need not be opened in a surface that is made again.
    found = _extracted(joined, threshold, geometry, ruler, LOST_MM3 if radius_mm > 0 else np.inf)
    if found[2] > LOST_MM3 and radius_mm > 0:
        by_faces, other_bridged_mm = threaded(score, geometry, threshold, tree, radius_mm, by_faces=True)
        other = _extracted(by_faces, threshold, geometry, ruler)
        if other[2] < found[2]:
            found, bridged_mm = other, other_bridged_mm
        else:
            found = _extracted(joined, threshold, geometry, ruler)
    points, triangles, lost_mm3 = found
    left_out_mm3 += lost_mm3
    ledger.add("iso-surface", points, triangles)
    progress(0.6, "Smoothing")
    if options.smoothing == "windowed sinc":
        points = windowed_sinc(points, triangles, options.pass_band, options.iterations)
        ledger.add("windowed sinc", points, triangles)
        points, moved = without_creases(points, triangles)
        if moved:
            ledger.add("creases smoothed", points, triangles)
        if options.keep_diameters:
            # Voxels counted are an unbiased section of a mask; a probability's own wall lies finer than its voxels.
            wanted = (ledger.mask_profile if is_mask else ledger.profiles[0]).area_mm
            points = diameters_kept(points, triangles, ledger.ruler, wanted, ledger.profiles[-1].area_mm)
            ledger.add("diameters kept", points, triangles)
    elif options.smoothing == "Laplacian":
        points = laplacian(points, triangles, options.laplacian_iterations, options.relaxation)
        ledger.add("Laplacian", points, triangles)
    progress(1.0, "Surface of the lumen")
    voxel_mm3 = part.geometry.voxel_mm3
    filled, cut = (0, 0) if loops is None else (int(loops.filled.sum()), int(loops.cut.sum()))
    return LumenSurface(
        points, triangles, tuple(ledger.steps), bridged_mm, left_out_mm3, filled * voxel_mm3, cut * voxel_mm3, ledger
    )


def part_of(lumen: Volume, tree: CentrelineTree, options: LumenSurfaceOptions) -> tuple[Volume, bool, float]:
    """The voxels the tree reaches, cropped; whether they are a mask; and the volume of those it does not reach."""
    is_mask = not np.issubdtype(lumen.array.dtype, np.floating)
    if not is_mask and lumen.array.size and (lumen.array.min() < -1e-3 or lumen.array.max() > 1.0 + 1e-3):
        raise InputError(
            f"A probability lies between 0 and 1, this one from {lumen.array.min():.3g} to {lumen.array.max():.3g}. "
            "Give a probability map, or a mask of whole numbers."
        )
    inside = lumen.array != 0 if is_mask else lumen.array >= options.threshold
    box = bounding_box(inside, MARGIN)
    if box is None:
        raise EmptyResultError("The mask holds no lumen. Choose another segmentation or draw one first.")
    part, inside = cropped(lumen, box), inside[box]
    components, count = ndimage.label(inside, np.ones((3, 3, 3)))
    places = np.concatenate([b.points_lps_mm for b in tree.branches])
    index = np.rint(part.geometry.index_of(places)[:, ::-1]).astype(int)
    index = index[((index >= 0) & (index < inside.shape)).all(1)]
    reached = np.zeros(count + 1, bool)
    reached[components[tuple(index.T)]] = True
    reached[0] = False
    if not reached.any():
        raise EmptyResultError(
            "The centreline does not run through the mask. Give the centreline that was made from this mask."
        )
    kept = reached[components]
    left_out = float((np.count_nonzero(inside) - np.count_nonzero(kept)) * lumen.geometry.voxel_mm3)
    box = bounding_box(kept, MARGIN)
    part, kept, inside = cropped(part, box), kept[box], inside[box]
    if is_mask:
        return part.with_array(kept.astype(np.uint8)), True, left_out
    # Below the threshold the field still says where between two voxels the wall is; beyond two voxels it says nothing.
    other = inside & ~kept
    array = np.where(grown(kept, 2) & ~grown(other, 1) | kept, part.array, 0.0).astype(np.float32)
    return part.with_array(array), False, left_out


def _unlooped(array: np.ndarray, threshold: float, loops: Unlooped) -> np.ndarray:
    """The field with pinholes at the highest and contacts at the lowest value; a mask stays a mask."""
    return np.where(loops.cut, 0, np.where(loops.filled, np.maximum(array, 1), array)).astype(array.dtype)


def _extracted(
    score, threshold: float, geometry, ruler: Ruler | None, most_lost_mm3: float = np.inf
) -> tuple[np.ndarray, np.ndarray, float]:
    """Surface of the score at twice its sampling: points, triangles and the volume of what is not in it, mm³."""
    active = score > 0
    fine = twice_sampled(score, active)
    fine_blocks = [
        tuple(slice(FACTOR * s.start, min(FACTOR * s.stop, n)) for s, n in zip(block, fine.shape, strict=True))
        for block in blocks(active)
    ]
    return surface_in(fine, threshold, geometry, FACTOR, fine_blocks, ruler, most_lost_mm3)
