"""A frame with what was found drawn over it: outline, centreline, stenoses."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..segmentation import FrameResult

ENLARGED = 2
OUTLINE, COURSE, LESION = (92, 196, 255), (255, 214, 92), (255, 72, 72)
TEXT_PX = 18
MOST_MARKS = 6


def overlay(frame: FrameResult, *, marks: bool = True) -> np.ndarray:
    """RGB (2y, 2x, 3) uint8: the frame twice as large, the mask's outline blue, centrelines yellow, and the deepest
    evaluable stenoses as red rings with their percentage."""
    from PIL import Image, ImageDraw, ImageFont

    grey = np.rint(255.0 * frame.image.array).astype(np.uint8)
    size = (grey.shape[1] * ENLARGED, grey.shape[0] * ENLARGED)
    picture = np.repeat(np.array(Image.fromarray(grey).resize(size, Image.Resampling.BICUBIC))[..., None], 3, axis=2)
    mask = np.kron(frame.mask, np.ones((ENLARGED, ENLARGED), bool))
    picture[mask & ~ndimage.binary_erosion(mask)] = OUTLINE
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    measured = frame.measurements
    for tree in measured.trees.values():
        for branch in tree.branches:
            points = (measured.pixels(branch.points_lps_mm)[:, ::-1] + 0.5) * ENLARGED
            draw.line([tuple(p) for p in points], fill=COURSE, width=1)
    if marks:
        _mark(draw, ImageFont.load_default(TEXT_PX), frame)
    return np.asarray(image)


def _mark(draw, font, frame: FrameResult) -> None:
    measured = frame.measurements
    found = [s for system in measured.systems.values() for s in system.stenoses if s.evaluable]
    for stenosis in sorted(found, key=lambda s: -s.diameter_percent)[:MOST_MARKS]:
        (y, x), = (measured.pixels([stenosis.position_lps_mm]) + 0.5) * ENLARGED
        radius = ENLARGED * max(5.0, stenosis.reference_diameter_mm / measured.scale_mm)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=LESION, width=2)
        draw.text((x + radius + 2, y - TEXT_PX // 2), f"{stenosis.diameter_percent:.0f} %", LESION, font)
