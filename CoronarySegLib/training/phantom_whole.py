"""Whole phantoms squeezed into the 128x128x64 voxels of the paper's profile, for its one stage."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..phantom.anatomy import make_anatomy
from ..phantom.appearance import Appearance, add_noise, render
from ..phantom.raster import rasterise
from ..phantom.scanner import add_artefacts
from ..preparation import hu_window
from ..volume import Geometry
from .sources import Patch
from .stages import STAGES

# Clinical reconstruction fields; the paper resizes each to the same voxels, so the scale of a heart varies as they do.
FIELD_MM, HEIGHT_MM = (150.0, 210.0), (110.0, 160.0)


def prepare_whole(seed: int, folder: Path, *, looks: int = 4) -> Path:
    """Make ``whole_<seed>`` unless it is complete: ``look_<n>.npy`` int16 HU and ``target_<n>.npy`` uint8 (z, y, x).

    Each look has a field of view of its own. The target is 255 where a voxel is lumen altogether.
    """
    case = Path(folder) / f"whole_{seed:06d}"
    if (case / "card.json").exists():
        return case
    case.mkdir(parents=True, exist_ok=True)
    anatomy = make_anatomy(seed)
    for number in range(looks):
        rng = np.random.default_rng([seed, 7203, number])
        voxels = rasterise(anatomy, _field(rng))
        look = Appearance.draw(rng, wide=True)
        image = render(voxels, look, rng, noise=False)
        step = add_artefacts(image, voxels, anatomy.tree, look, rng)
        lumen = voxels.lumen if step is None else step.labels(voxels.lumen)
        add_noise(image, look, rng, np.asarray(voxels.geometry.spacing_xyz_mm[::-1]))
        np.save(case / f"look_{number}.npy", np.rint(_halved(image)).clip(-32768, 32767).astype(np.int16))
        np.save(case / f"target_{number}.npy", np.rint(_halved(lumen.astype(np.float32))).astype(np.uint8))
    (case / "card.json").write_text(json.dumps({"seed": seed, "looks": looks}), encoding="utf-8")
    return case


class WholeSource:
    """A PatchSource of whole phantoms: input the CT window, target lumen."""

    def __init__(self, cases: Sequence[Path], patch_zyx: tuple[int, int, int] = STAGES["whole"].patch_zyx):
        self.cases, self.patch_zyx = [Path(case) for case in cases], patch_zyx

    def sample(self, rng: np.random.Generator) -> Patch:
        """One look of one phantom, with the small gain and offset by which scanners differ."""
        case = self.cases[int(rng.integers(len(self.cases)))]
        number = int(rng.integers(json.loads((case / "card.json").read_text(encoding="utf-8"))["looks"]))
        image = np.load(case / f"look_{number}.npy").astype(np.float32)
        image = image * np.float32(rng.uniform(0.94, 1.06)) + np.float32(rng.normal(0.0, 12.0))
        target = np.load(case / f"target_{number}.npy").astype(np.float32) / 255.0
        return Patch(hu_window(image, *STAGES["whole"].hu_window)[None], target[None])


def _field(rng: np.random.Generator) -> Geometry:
    """A field of view about the heart, sampled twice as finely as the stage's voxels."""
    shape = tuple(2 * n for n in STAGES["whole"].patch_zyx)
    width, height = rng.uniform(*FIELD_MM), rng.uniform(*HEIGHT_MM)
    spacing = (width / shape[2], width / shape[1], height / shape[0])
    centre = rng.normal(0.0, 8.0, 3)
    origin = centre - 0.5 * np.asarray(spacing) * (np.asarray(shape[::-1]) - 1)
    return Geometry(shape, spacing, tuple(origin.tolist()))


def _halved(array: np.ndarray) -> np.ndarray:
    z, y, x = (n // 2 for n in array.shape)
    return array.reshape(z, 2, y, 2, x, 2).mean(axis=(1, 3, 5))
