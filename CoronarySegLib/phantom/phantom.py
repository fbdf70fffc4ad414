"""The story of one phantom: anatomy, voxels, appearance, artefacts, truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..progress import Progress, ProgressCallback, as_progress
from ..volume import Volume
from .anatomy import make_anatomy
from .appearance import Appearance, add_noise, render
from .raster import VoxelAnatomy, rasterise
from .scanner import add_artefacts
from .settings import PhantomSettings
from .tissues import Tissue
from .tree import CoronaryTree


@dataclass(frozen=True)
class Phantom:
    """A synthetic heart CT with its truth, all on one grid.

    ``ct`` int16 HU; ``labels`` uint8 1 left lumen, 2 right lumen, 3 calcium; ``vein`` and ``heart`` uint8 masks;
    ``tissue`` uint8 of :class:`Tissue`; ``tree`` carries centrelines, radii, names and ostia in LPS mm. All of it lies
    where the image shows it: where a slab of slices is displaced, the truth is displaced with it.
    """

    settings: PhantomSettings
    ct: Volume
    labels: Volume
    vein: Volume
    heart: Volume
    tissue: Volume
    tree: CoronaryTree
    appearance: Appearance


def make_phantom(settings: PhantomSettings, progress: Progress | ProgressCallback | None = None) -> Phantom:
    """Make one phantom. The same settings give the same voxels; under a minute for the clinical grid on two cores."""
    report = as_progress(progress)
    anatomy = make_anatomy(
        settings.seed,
        dominance=settings.dominance,
        stenoses_per_trunk=settings.stenoses_per_trunk,
        build=settings.build,
        progress=report.part(0.0, 0.2),
    )
    voxels = rasterise(anatomy, settings.grid(), report.part(0.2, 0.7))
    look_seed = settings.seed if settings.appearance_seed is None else settings.appearance_seed
    rng = np.random.default_rng([look_seed, 7102])
    look = Appearance.draw(rng, artefacts=settings.artefacts)
    report(0.7, "Rendering the image")
    image = render(voxels, look, rng, noise=False)
    report(0.85, "Adding artefacts and noise")
    step = add_artefacts(image, voxels, anatomy.tree, look, rng)
    add_noise(image, look, rng, np.asarray(voxels.geometry.spacing_xyz_mm[::-1]))
    ct = np.clip(np.rint(image), -1024, 3071).astype(np.int16)
    report(1.0, "Phantom ready")
    grid = voxels.geometry
    masks = (
        truth_labels(voxels), (voxels.vein >= 128).astype(np.uint8), voxels.heart.astype(np.uint8), voxels.tissue
    )
    if step is not None:
        masks = [step.labels(mask) for mask in masks]
    return Phantom(
        settings,
        Volume(ct, grid, f"phantom seed {settings.seed}"),
        *(Volume(mask, grid) for mask in masks),
        anatomy.tree if step is None else step.tree(anatomy.tree, grid),
        look,
    )


def truth_labels(voxels: VoxelAnatomy) -> np.ndarray:
    """1 left lumen, 2 right lumen, 3 calcium: a voxel belongs to what fills at least half of it; the aorta is not
    coronary."""
    labels = np.where((voxels.lumen >= 128) & (voxels.tissue != Tissue.AORTA), voxels.side, 0).astype(np.uint8)
    labels[voxels.calcium >= 128] = 3
    return labels
