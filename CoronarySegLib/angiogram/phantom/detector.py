"""From attenuation to the picture a screen shows: scatter, display processing, shutters, noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage


@dataclass(frozen=True)
class Look:
    """How one run appears. Shares are 0..1, lengths in pixels of a 512 px picture.

    ``contrast_per_mm`` is what 1 mm of full contrast takes off the logarithm of the beam. ``wide`` and ``narrow`` are
    the shares of the body's wide and narrow shades that display processing and scatter leave; ``grey`` is the level of
    the middle of the picture.
    """

    contrast_per_mm: float
    wide: float
    narrow: float
    gamma: float
    grey: float
    scatter: float
    noise: float
    noise_blur_px: float
    blur_px: float
    sharpened: float
    texture: float
    shutter_px: tuple[float, float, float, float]
    shutter_corner_px: float
    shutter_edge_px: float
    shutter_level: float

    @staticmethod
    def drawn(rng: np.random.Generator, clean: bool = False) -> Look:
        shuttered = rng.random(4) < 0.65
        shutter = np.where(shuttered, rng.choice([1.0, 3.0], p=[0.8, 0.2]) * rng.uniform(2.0, 16.0, 4), -40.0)
        corner = rng.uniform(15.0, 45.0) if rng.random() < 0.15 else 0.0
        values = dict(
            contrast_per_mm=rng.uniform(0.085, 0.19), wide=rng.uniform(0.05, 0.28), narrow=rng.uniform(0.2, 0.7),
            gamma=rng.uniform(0.7, 1.15),
            grey=rng.uniform(0.30, 0.62), scatter=rng.uniform(0.05, 0.30), noise=float(np.exp(rng.uniform(-4.9, -3.5))),
            noise_blur_px=rng.uniform(0.3, 0.9), blur_px=rng.uniform(0.5, 1.0),
            sharpened=rng.uniform(0.0, 1.0) if rng.random() < 0.6 else 0.0, texture=rng.uniform(0.02, 0.06),
            shutter_px=tuple(shutter.tolist()), shutter_corner_px=corner, shutter_edge_px=rng.uniform(1.0, 5.0),
            shutter_level=rng.uniform(0.0, 0.35),
        )
        if clean:
            values |= dict(
                noise=0.0, texture=0.0, scatter=0.0, sharpened=0.0, shutter_px=(-40.0,) * 4, shutter_corner_px=0.0
            )
        return Look(**values)


def texture_of(size: int, rng: np.random.Generator, amount: float) -> np.ndarray:
    """Small structure of the body that the lattice is too coarse for: noise whose power falls with frequency."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    weight = 1.0 / np.maximum(frequency, 3.0 / size) ** 1.4 * np.exp(-((frequency / 0.12) ** 2))
    noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((size, size))) * weight, s=(size, size))
    return (amount * noise / noise.std()).astype(np.float32)


def picture(
    body: np.ndarray, contrast_mm: np.ndarray, look: Look, rng: np.random.Generator
) -> np.ndarray:
    """The picture (y, x) float32 0..1, vessels dark.

    ``body`` is the body's attenuation (natural logarithm of the beam), ``contrast_mm`` the way through full contrast.
    """
    size = body.shape[0]
    scale = size / 512.0
    shades = ndimage.gaussian_filter(body, 45.0 * scale)
    attenuation = look.narrow * (body - shades) + look.wide * shades + look.contrast_per_mm * contrast_mm
    attenuation -= np.median(attenuation)
    beam = np.exp(-attenuation)
    if look.scatter:
        beam = (1.0 - look.scatter) * beam + look.scatter * ndimage.gaussian_filter(beam, 30.0 * scale)
    beam = ndimage.gaussian_filter(beam, look.blur_px)
    if look.noise:
        # Counting noise: relative to the beam it grows where little comes through.
        grain = ndimage.gaussian_filter(rng.standard_normal(body.shape), look.noise_blur_px)
        beam = beam + look.noise / max(grain.std(), 1e-6) * grain * np.sqrt(np.maximum(beam, 0.02))
    grey = look.grey * np.maximum(beam, 1e-3) ** look.gamma
    if look.sharpened:
        grey += look.sharpened * (grey - ndimage.gaussian_filter(grey, 2.0))
    # A soft shoulder, as display curves have, in place of clipped lungs.
    grey = np.where(grey > 0.65, 0.65 + 0.35 * np.tanh((grey - 0.65) / 0.35), grey)
    covered = _shutter(size, look)
    return np.clip(grey * (1.0 - covered) + covered * look.shutter_level * look.grey * 0.5, 0.0, 1.0).astype(np.float32)


def _shutter(size: int, look: Look) -> np.ndarray:
    """Share (0..1) of each pixel behind the shutters."""
    scale = size / 512.0
    y, x = np.arange(size, dtype=np.float32)[:, None], np.arange(size, dtype=np.float32)[None, :]
    top, bottom, left, right = (px * scale for px in look.shutter_px)
    inside = np.minimum(np.minimum(y - top, size - 1 - bottom - y), np.minimum(x - left, size - 1 - right - x))
    if look.shutter_corner_px:
        reach = 0.7 * (size - 1) - look.shutter_corner_px * scale
        middle = 0.5 * (size - 1)
        inside = np.minimum(inside, reach - 0.7071 * (np.abs(y - middle) + np.abs(x - middle)))
    return 1.0 / (1.0 + np.exp(np.clip(inside / (look.shutter_edge_px * scale), -30.0, 30.0)))
