"""Patches out of prepared phantoms, one source a stage. Every patch of the fine stage gets an appearance of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import ndimage

from ..phantom.appearance import Appearance, render
from ..phantom.raster import VoxelAnatomy
from ..phantom.scanner import double_contour, random_shift
from ..preparation.contrast import FAT_HU, artery_hu, relative_contrast, times_contrast
from ..preparation.window import hu_window
from ..volume import Geometry
from .doubts import doubtful_hu, doubtful_priors
from .phantom_cases import COARSE_CHANNELS, COARSE_MM, FINE_MM, look_of, read_card
from .phantom_sizes import enlargement, render_enlarged, resized
from .sources import Patch

RENDER_MARGIN = 6
BENDING_MM, BEND_NODES = 3.0, 5
"""Standard deviation of the bends of a view of the locator, at so many nodes an axis."""
TILT_DEG = 15.0
"""Standard deviation of a view's turn about each axis. A locator that had seen 9 took the RCA of a real heart for a
vein, and found it when the scan was turned by 15."""
SAME_LOOK = 0.7
"""Share of the fine patches in the look of their prior; the others are drawn anew."""


class LocatorSource:
    """Whole-heart patches at 1 mm: input the CT window, targets heart, left tree, right tree, veins."""

    def __init__(self, cases: Sequence[Path], patch_zyx: tuple[int, int, int] = (144, 144, 144)):
        self.cases = [Path(c) for c in cases]
        self.patch_zyx = patch_zyx

    def sample(self, rng: np.random.Generator) -> Patch:
        """One field of view: random offset, scale, tilt, and often cut off as a small reconstruction field would."""
        case = self.cases[int(rng.integers(len(self.cases)))]
        look = int(rng.integers(read_card(case).looks))
        image = np.load(case / f"coarse_look_{look}.npy").astype("f4")
        bits = np.load(case / "coarse_target.npy")
        image, bits = _random_view(image, bits, self.patch_zyx, rng)
        if rng.random() < 0.3:
            image = _low_resolution(image, COARSE_MM, (1.1, 2.0), rng)
        image = hu_window(_scaling(rng)(image))
        if rng.random() < 0.6:
            _cut_field(image, bits, rng)
        target = np.stack([(bits >> bit & 1).astype("f4") for bit in range(len(COARSE_CHANNELS))])
        return Patch(np.ascontiguousarray(image[None]), target)


class VesselSource:
    """Patches at 0.5 mm: inputs CT window, left and right prior, contrast beside the arteries; targets lumen, calcium,
    vein (shares of a voxel).

    The priors are the locator's own answers where they were stored (``prior_<look>.npy``), so that the fine stage
    learns to live with its mistakes; before that the locator's target stands in.
    """

    def __init__(self, cases: Sequence[Path], patch_zyx: tuple[int, int, int] = (64, 64, 64)):
        self.cases = [Path(c) for c in cases]
        self.patch_zyx = np.asarray(patch_zyx)
        self._open: dict[Path, _FineCase] = {}

    def sample(self, rng: np.random.Generator) -> Patch:
        """One patch in a fresh appearance."""
        path = self.cases[int(rng.integers(len(self.cases)))]
        case = self._open.get(path) or self._open.setdefault(path, _FineCase.open(path))
        prior = case.priors[int(rng.integers(len(case.priors)))]
        times = enlargement(rng)
        size = np.rint(self.patch_zyx / times).astype(int)
        start = self._corner(case, prior, size, rng)
        voxels, keep = case.cut(start, size)
        look = self._look(case, prior.look, rng)
        scaled = _scaling(rng)
        image = scaled(self._image(voxels, keep, look, times, rng))
        priors = case.priors_on(prior, start, size, rng)
        targets = np.stack([getattr(voxels, name)[keep] for name in ("lumen", "calcium", "vein")]).astype("f4") / 255.0
        if times > 1.0:
            priors, targets = resized(priors, self.patch_zyx), resized(targets, self.patch_zyx)
        contrast = relative_contrast(image, doubtful_hu(scaled(prior.of_arteries_hu(look)), rng))
        inputs = np.concatenate([hu_window(image)[None], priors, contrast[None]]).astype("f4")
        inputs, targets = _turned(inputs, targets, rng)
        return Patch(inputs, targets)

    def _image(
        self, voxels: VoxelAnatomy, keep: tuple[slice, ...], look: Appearance, times: float, rng: np.random.Generator
    ) -> np.ndarray:
        """HU of the patch, ``times`` enlarged, sometimes moved or of a coarse reconstruction."""
        if times > 1.0:
            image = render_enlarged(voxels, keep, look, times, self.patch_zyx, rng)
            keep = (slice(None),) * 3
        else:
            image = render(voxels, look, rng)
        if look.motion_mm > 0 and rng.random() < 0.5:
            _moved(image, look, rng)
        if rng.random() < 0.2:
            image = _low_resolution(image, FINE_MM, (0.7, 1.7), rng)
        return image[keep]

    def _look(self, case: _FineCase, of_prior: int, rng: np.random.Generator) -> Appearance:
        """Mostly the appearance in which the locator gave this prior.

        Where veins shine like arteries it takes them for arteries. A fine stage that met such priors only in other
        looks, where they are right, would believe them where they are wrong.
        """
        return look_of(case.seed, of_prior)[0] if rng.random() < SAME_LOOK else Appearance.draw(rng, wide=True)

    def _corner(
        self, case: _FineCase, prior: _Prior, patch_zyx: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Lower corner (z, y, x) of a patch of ``patch_zyx`` voxels: on an artery, plaque or vein, in the prior's
        corridor, or anywhere in the heart."""
        kind = rng.random()
        size = np.asarray(case.fine.shape[1:])
        if kind < 0.4:
            centre = case.lumen_points[int(rng.integers(len(case.lumen_points)))]
        elif kind < 0.55 and len(case.calcium_points):
            centre = case.calcium_points[int(rng.integers(len(case.calcium_points)))]
        elif kind < 0.68 and len(case.vein_points):
            centre = case.vein_points[int(rng.integers(len(case.vein_points)))]
        elif kind < 0.9:
            corridor = np.argwhere(prior.array.max(axis=0) > 25)
            if len(corridor):
                centre = case.to_fine(corridor[int(rng.integers(len(corridor)))])
            else:
                centre = case.lumen_points[int(rng.integers(len(case.lumen_points)))]
        else:
            centre = rng.integers(0, size)
        shift = rng.integers(-patch_zyx // 3, patch_zyx // 3 + 1)
        return np.clip(centre + shift - patch_zyx // 2, 0, size - patch_zyx)


@dataclass(frozen=True)
class _Prior:
    """What the locator said in one look: left and right (2, z, y, x) 0..255, and the contrast of the arteries told with
    it, in units of what was injected."""

    look: int
    array: np.ndarray
    artery_share: float

    @staticmethod
    def open(case: Path, seed: int, look: int) -> _Prior:
        array = np.load(case / f"prior_{look}.npy", mmap_mode="r")[:2]
        told = artery_hu(np.load(case / f"coarse_look_{look}.npy"), array.max(axis=0) / np.float32(255.0))
        injected = look_of(seed, look)[0].lumen_hu
        return _Prior(look, array, 1.0 if told is None else (told - FAT_HU) / (injected - FAT_HU))

    def of_arteries_hu(self, look: Appearance) -> float:
        """What :func:`artery_hu` would tell with it, had the case been scanned in ``look``."""
        return times_contrast(look.lumen_hu, self.artery_share)


@dataclass(frozen=True)
class _FineCase:
    seed: int
    fine: np.ndarray
    lumen_points: np.ndarray
    calcium_points: np.ndarray
    vein_points: np.ndarray
    priors: tuple[_Prior, ...]
    offset_zyx: np.ndarray

    @staticmethod
    def open(path: Path) -> _FineCase:
        card = read_card(path)
        fine = np.load(path / "fine.npy", mmap_mode="r")
        lumen = _some(np.argwhere(fine[1] > 128))
        # Apart: a case has a thousand times more vein than plaque, and from one pool plaque would never be drawn.
        calcium, vein = _some(np.argwhere(fine[2] > 100)), _some(np.argwhere(fine[3] > 128))
        stored = [look for look in range(card.looks) if (path / f"prior_{look}.npy").exists()]
        if stored:
            priors = tuple(_Prior.open(path, card.seed, look) for look in stored)
        else:
            bits = np.load(path / "coarse_target.npy")
            vessels = [255.0 * (bits >> COARSE_CHANNELS.index(name) & 1) for name in ("left", "right")]
            soft = np.stack([ndimage.gaussian_filter(vessel, 1.4) for vessel in vessels]).astype(np.uint8)
            priors = (_Prior(0, soft, 1.0),)
        offset = (np.asarray(card.fine_origin_lps_mm) - card.coarse_origin_lps_mm)[::-1]
        return _FineCase(card.seed, fine, lumen, calcium, vein, priors, offset)

    def to_fine(self, coarse_zyx: np.ndarray) -> np.ndarray:
        return np.rint((coarse_zyx * COARSE_MM - self.offset_zyx) / FINE_MM).astype(int)

    def cut(self, start: np.ndarray, size: np.ndarray) -> tuple[VoxelAnatomy, tuple[slice, ...]]:
        """The cut-out with a margin for the point-spread function, and the slices that take the margin away again."""
        low = np.maximum(start - RENDER_MARGIN, 0)
        high = np.minimum(start + size + RENDER_MARGIN, self.fine.shape[1:])
        part = np.asarray(self.fine[:, low[0] : high[0], low[1] : high[1], low[2] : high[2]])
        tissue, lumen, calcium, vein, wall, side, distal = part
        grid = Geometry(tuple(map(int, part.shape[1:])), (FINE_MM,) * 3)
        keep = tuple(slice(int(a - b), int(a - b + n)) for a, b, n in zip(start, low, size, strict=True))
        return VoxelAnatomy(grid, tissue, lumen, calcium, vein, wall, side, distal, tissue > 0), keep

    def priors_on(
        self, prior: _Prior, start: np.ndarray, size: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Left and right prior (2, z, y, x) 0..1 on the patch, as imperfect as :func:`doubtful_priors` makes them."""
        first = (start * FINE_MM + self.offset_zyx) / COARSE_MM
        return doubtful_priors(prior.array, first, FINE_MM / COARSE_MM, tuple(map(int, size)), rng)


def _some(points: np.ndarray, most: int = 20000) -> np.ndarray:
    """Every n-th point, so that a case keeps little memory."""
    return points[:: max(1, len(points) // most)].astype(np.int32)


def _scaling(rng: np.random.Generator) -> Callable[[Any], Any]:
    """Scanners differ: a small gain and offset of HU."""
    gain, offset = np.float32(rng.uniform(0.94, 1.06)), np.float32(rng.normal(0.0, 12.0))
    return lambda hu: hu * gain + offset


def _moved(image: np.ndarray, look: Appearance, rng: np.random.Generator) -> None:
    """The artery of an unquiet heart: a double contour somewhere in the patch; the truth is where it was."""
    shift = random_shift(look.motion_mm, rng)
    double_contour(image, rng.uniform(0, image.shape), shift, np.full(3, FINE_MM))


def _low_resolution(
    image: np.ndarray, spacing_mm: float, between_mm: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """As if reconstructed on voxels of a size ``between_mm``, drawn for every axis: averaged down, interpolated up."""
    tensor = torch.from_numpy(np.ascontiguousarray(image))[None, None]
    size = [max(8, round(n * spacing_mm / rng.uniform(*between_mm))) for n in image.shape]
    small = torch.nn.functional.adaptive_avg_pool3d(tensor, size)
    return torch.nn.functional.interpolate(small, size=image.shape, mode="trilinear", align_corners=False)[0, 0].numpy()


def _turned(inputs: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Random flips and exchanged axes, the same for both; cheap and exact on cubes."""
    order = (0, *(1 + rng.permutation(3))) if rng.random() < 0.5 and len(set(inputs.shape[1:])) == 1 else (0, 1, 2, 3)
    flips = tuple(int(a) for a in np.flatnonzero(rng.random(3) < 0.5) + 1)
    return tuple(np.ascontiguousarray(np.flip(np.transpose(a, order), flips)) for a in (inputs, targets))


def _random_view(
    image: np.ndarray, bits: np.ndarray, patch_zyx: tuple[int, int, int], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A patch of image and target as another heart would lie, edge values outside.

    Hearts lie more upright or more flat, are longer or wider: scale ±12 % (and ±7 % an axis), tilt (about 25°), shear,
    a soft bending of a few mm, and the offset are random.
    """
    from scipy.spatial.transform import Rotation

    tilt = Rotation.from_rotvec(rng.normal(0.0, np.deg2rad(TILT_DEG), 3)).as_matrix() / rng.uniform(0.88, 1.12)
    skew = np.diag(rng.uniform(0.93, 1.07, 3)) + rng.normal(0.0, 0.04, (3, 3)) * (1.0 - np.eye(3))
    matrix = tilt @ skew
    size, patch = np.asarray(image.shape), np.asarray(patch_zyx)
    centre = (size - 1) / 2.0 + rng.uniform(-1.0, 1.0, 3) * np.abs(size - patch) / 2.0
    # Interpolation between nodes is exact for an affine map, so that they carry it together with the bends.
    axes = [np.linspace(-(n - 1) / 2.0, (n - 1) / 2.0, BEND_NODES) for n in patch_zyx]
    nodes = np.stack(np.meshgrid(*axes, indexing="ij"))
    nodes = np.einsum("ij,jzyx->izyx", matrix, nodes) + centre.reshape(3, 1, 1, 1)
    nodes += rng.normal(0.0, BENDING_MM / COARSE_MM, nodes.shape)
    unit = (2.0 * nodes / (size - 1).reshape(3, 1, 1, 1) - 1.0)[::-1].astype("f4")
    grid = torch.nn.functional.interpolate(
        torch.from_numpy(unit)[None], size=tuple(patch_zyx), mode="trilinear", align_corners=True
    ).movedim(1, -1)
    settings = {"padding_mode": "border", "align_corners": True}
    sampled = [
        torch.nn.functional.grid_sample(torch.from_numpy(a.astype("f4"))[None, None], grid, mode=mode, **settings)
        for a, mode in ((image, "bilinear"), (bits, "nearest"))
    ]
    return sampled[0][0, 0].numpy(), sampled[1][0, 0].numpy().astype(np.uint8)


def _cut_field(image: np.ndarray, bits: np.ndarray, rng: np.random.Generator) -> None:
    """Beyond a random box the image repeats its border, as padding does for a small field; no target there."""
    for axis, n in enumerate(image.shape):
        low, high = int(rng.uniform(0.0, 0.16) * n), n - int(rng.uniform(0.0, 0.16) * n)
        view, truth = np.moveaxis(image, axis, 0), np.moveaxis(bits, axis, 0)
        view[:low], view[high:] = view[low], view[high - 1]
        truth[:low], truth[high:] = 0, 0
