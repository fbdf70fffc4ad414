"""How a scanner and a contrast protocol show an anatomy: HU per tissue, sharpness, noise, artefacts.

One anatomy can be rendered in many appearances (domain randomisation). :func:`render` also works on a small cut-out,
which is how training draws a new appearance for every patch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .raster import VoxelAnatomy
from .tissues import Tissue


@dataclass(frozen=True)
class Appearance:
    """One look. HU values are means; ``*_mm`` are Gaussian widths as FWHM; ``noise_hu`` is the SD of the band-limited
    noise."""

    tissue_hu: np.ndarray
    lumen_hu: float
    distal_drop: float
    vein_hu: float
    calcium_hu: float
    wall_hu: float
    mixing_hu: float
    texture_hu: float
    psf_fwhm_xy_mm: float
    psf_fwhm_z_mm: float
    noise_hu: float
    noise_fwhm_mm: float
    blooming: float
    beam_hardening_hu: float
    streak_hu: float
    slab_step_mm: float
    slab_step_hu: float
    motion_mm: float
    lung_texture_hu: float

    @staticmethod
    def draw(rng: np.random.Generator, *, artefacts: bool = True, wide: bool = False) -> Appearance:
        """A random look within the clinical ranges.

        ``wide`` exceeds them on purpose, for training: faint arteries, veins nearly as bright as arteries and a right
        heart brighter than the left are rarer in the clinic and hard, so they are drawn far more often.
        """
        lumen = _lumen_hu(rng, wide)
        aorta = lumen + rng.uniform(0, 30)
        right = _right_heart_hu(rng, wide)
        cava = float(rng.uniform(400, 1500)) if rng.random() < 0.5 else right + rng.uniform(0, 150)
        muscle, fat = rng.normal(50, 10), rng.normal(-90, 12)
        myocardium = float(np.clip(rng.normal(108, 14), 80, 140))
        hu = np.zeros(len(Tissue), "f4")
        for tissue, value in {
            Tissue.AIR: -1000,
            Tissue.FAT: rng.normal(-105, 8),
            Tissue.MUSCLE: muscle,
            Tissue.LUNG: rng.normal(-850, 45),
            Tissue.MEDIASTINUM: rng.normal(-85, 20) if rng.random() < 0.7 else rng.normal(0, 30),
            Tissue.LIVER: rng.normal(75, 18),
            Tissue.STOMACH_GAS: -950,
            Tissue.BONE_CORTEX: rng.uniform(450, 1000),
            Tissue.BONE_MARROW: rng.uniform(120, 300),
            Tissue.OESOPHAGUS: muscle - 5,
            Tissue.BRONCHIAL_WALL: rng.normal(-60, 80),
            Tissue.BRONCHIAL_AIR: -980,
            Tissue.LUNG_ARTERY: max(right, 120) + rng.normal(0, 20),
            Tissue.LUNG_VEIN: aorta + rng.normal(0, 20),
            Tissue.PERICARDIUM: rng.normal(15, 20),
            Tissue.EPICARDIAL_FAT: fat,
            Tissue.VESSEL_WALL: rng.normal(45, 15),
            Tissue.MYOCARDIUM: myocardium,
            Tissue.ATRIAL_WALL: myocardium - 20,
            Tissue.RIGHT_ATRIUM: right + rng.normal(0, 20),
            Tissue.RIGHT_VENTRICLE: right,
            Tissue.PULMONARY_ARTERY: right + rng.uniform(-20, 60),
            Tissue.LEFT_ATRIUM: aorta + rng.normal(0, 12),
            Tissue.LEFT_VENTRICLE: aorta + rng.normal(0, 12),
            Tissue.AORTA: aorta,
            Tissue.SUPERIOR_CAVA: cava,
            Tissue.INFERIOR_CAVA: rng.uniform(60, 180),
            Tissue.TRABECULA: myocardium + 20,
            Tissue.VALVE: 0.5 * (aorta + myocardium),
            Tissue.MAMMARY_ARTERY: lumen * rng.uniform(0.5, 0.9),
            Tissue.LEAD: rng.uniform(1500, 2600),
        }.items():
            hu[tissue] = value
        on = 1.0 if artefacts else 0.0
        sharp = rng.uniform(0.5, 0.7) if not wide else rng.uniform(0.35, 1.0)
        return Appearance(
            tissue_hu=hu,
            lumen_hu=lumen,
            distal_drop=float(rng.uniform(0.10, 0.25) if not wide else rng.uniform(0.05, 0.35)),
            vein_hu=_vein_hu(rng, lumen, wide),
            calcium_hu=float(rng.uniform(600, 1300)),
            wall_hu=float(rng.uniform(30, 80)),
            mixing_hu=float(rng.uniform(0.05, 0.35) * right),
            texture_hu=float(rng.uniform(3, 12)),
            psf_fwhm_xy_mm=float(sharp),
            psf_fwhm_z_mm=float(sharp * rng.uniform(1.0, 1.25)),
            noise_hu=float(rng.uniform(15, 60)),
            noise_fwhm_mm=float(rng.uniform(0.5, 1.1)),
            blooming=float(rng.uniform(0.0, 0.8)) * on,
            beam_hardening_hu=float(rng.uniform(0, 40)) * on,
            streak_hu=float(rng.uniform(0, 60) * (cava > 600)) * on,
            slab_step_mm=float(rng.uniform(0.5, 3.0)) * on * float(rng.random() < 0.3),
            slab_step_hu=float(rng.uniform(-20, 20)) * on,
            motion_mm=float(rng.uniform(1.0, 4.0)) * on * float(rng.random() < 0.3),
            lung_texture_hu=float(rng.uniform(20, 60)),
        )


def _lumen_hu(rng: np.random.Generator, wide: bool) -> float:
    if not wide:
        return float(rng.uniform(280, 600))
    return float(rng.uniform(220, 340) if rng.random() < 0.3 else rng.uniform(230, 720))


def _right_heart_hu(rng: np.random.Generator, wide: bool) -> float:
    """Without saline after the contrast, or early after it, the right heart outshines the left."""
    hu = float(rng.uniform(80, 450))
    return 330 + 5.0 * (hu - 330) if wide and hu > 330 else hu


def _vein_hu(rng: np.random.Generator, lumen_hu: float, wide: bool) -> float:
    if wide and rng.random() < 0.45:
        return float(rng.uniform(0.4, 0.95) * lumen_hu)
    return float(np.clip(rng.uniform(80, 250), 80, lumen_hu - 60))


def render(voxels: VoxelAnatomy, look: Appearance, rng: np.random.Generator, *, noise: bool = True) -> np.ndarray:
    """HU (z, y, x) float32 of one anatomy in one appearance: tissues, texture, fractions, PSF, noise."""
    spacing = np.asarray(voxels.geometry.spacing_xyz_mm[::-1])
    tissue = voxels.tissue
    image = look.tissue_hu[tissue]
    _textures(image, tissue, look, rng, spacing)
    lumen_hu = look.lumen_hu * (1.0 - look.distal_drop * voxels.distal.astype("f4") / 255.0)
    _mix(image, voxels.wall, look.wall_hu, only=tissue <= Tissue.ATRIAL_WALL)
    _mix(image, voxels.vein, look.vein_hu)
    _mix(image, voxels.lumen, lumen_hu)
    _mix(image, voxels.calcium, look.calcium_hu)
    sigma = np.array([look.psf_fwhm_z_mm, look.psf_fwhm_xy_mm, look.psf_fwhm_xy_mm]) / 2.355 / spacing
    image = ndimage.gaussian_filter(image, sigma, truncate=3.0)
    if look.blooming > 0 and voxels.calcium.any():
        _bloom(image, voxels.calcium, look, sigma)
    if noise:
        add_noise(image, look, rng, spacing)
    return image


def add_noise(image: np.ndarray, look: Appearance, rng: np.random.Generator, spacing_zyx: np.ndarray) -> None:
    """Band-limited noise of SD ``look.noise_hu`` added in place: smoothed white noise less its own low frequencies."""
    white = rng.standard_normal(image.shape, dtype="f4")
    sigma = look.noise_fwhm_mm / 2.355 / np.asarray(spacing_zyx)
    fine = ndimage.gaussian_filter(white, sigma, truncate=3.0)
    fine -= 0.6 * ndimage.gaussian_filter(fine, (0.0, 3.0 * sigma[1], 3.0 * sigma[2]), truncate=2.0)
    fine *= look.noise_hu / max(float(fine.std()), 1e-6)
    image += fine


def _mix(image: np.ndarray, fraction: np.ndarray, hu, only: np.ndarray | None = None) -> None:
    where = fraction > 0 if only is None else (fraction > 0) & only
    share = fraction[where].astype("f4") / 255.0
    value = hu[where] if isinstance(hu, np.ndarray) else hu
    image[where] += share * (value - image[where])


def _textures(
    image: np.ndarray, tissue: np.ndarray, look: Appearance, rng: np.random.Generator, spacing: np.ndarray
) -> None:
    """Slow variation in soft tissue, strong mixing of contrast in the right heart and the caval veins, mottled lung."""
    slow = _low_frequency(image.shape, rng, 9.0 / spacing)
    image += look.texture_hu * slow
    right = (
        (tissue == Tissue.RIGHT_ATRIUM)
        | (tissue == Tissue.RIGHT_VENTRICLE)
        | (tissue == Tissue.SUPERIOR_CAVA)
        | (tissue == Tissue.INFERIOR_CAVA)
    )
    if right.any():
        mixing = _low_frequency(image.shape, rng, np.array([3.0, 4.0, 4.0]) / spacing)
        image[right] += look.mixing_hu * mixing[right]
    lung = tissue == Tissue.LUNG
    if lung.any():
        image[lung] += look.lung_texture_hu * _low_frequency(image.shape, rng, 2.0 / spacing)[lung]


def _low_frequency(shape: tuple[int, ...], rng: np.random.Generator, sigma_voxels: np.ndarray) -> np.ndarray:
    """Random field of SD about 1, made small and enlarged trilinearly."""
    import torch

    cells = [max(3, int(np.ceil(n / s)) + 2) for n, s in zip(shape, np.broadcast_to(sigma_voxels, 3), strict=True)]
    coarse = torch.from_numpy(rng.standard_normal(cells, dtype="f4"))[None, None]
    return 1.3 * torch.nn.functional.interpolate(coarse, size=shape, mode="trilinear", align_corners=True)[0, 0].numpy()


def _bloom(image: np.ndarray, calcium: np.ndarray, look: Appearance, sigma: np.ndarray) -> None:
    """Calcium spreads further than the point-spread function: a second, wider share of it is added."""
    found = ndimage.find_objects((calcium > 0).astype(np.uint8))[0]
    box = tuple(slice(max(s.start - 8, 0), s.stop + 8) for s in found)
    wide = ndimage.gaussian_filter(calcium[box].astype("f4") / 255.0, 2.0 * sigma + 0.3, truncate=3.0)
    image[box] += look.blooming * wide * 0.5 * look.calcium_hu * (image[box] < look.calcium_hu)
