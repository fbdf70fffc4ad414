"""Where TPRNet looks closer: the square round what the first look found, and small squares along its centreline.

All in pixels, (y, x). Eq. 1-4 of the TPRNet paper.
"""

from __future__ import annotations

import numpy as np
from skimage.morphology import skeletonize


def square_round(mask: np.ndarray, side: int) -> tuple[int, int] | None:
    """First corner (y, x) of the square of ``side`` centred on the mask's bounding box and kept inside the image.

    Eq. 1-2; None for an empty ``mask`` (y, x) bool. ``side`` must not exceed the image.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    centre = np.array([[(line[0] + line[-1] + 1) / 2 for line in (rows, columns)]])
    return tuple(int(v) for v in corners(centre, side, mask.shape)[0])


def points_along(mask: np.ndarray, pixels_per_point: int) -> np.ndarray:
    """Centres (n, 2) of the closer looks: one for every ``pixels_per_point`` pixels of the centreline, at least one.

    Spread over the centreline of ``mask`` (y, x) bool by farthest-point sampling; none for an empty mask.
    """
    line = np.argwhere(skeletonize(mask)) if mask.any() else np.zeros((0, 2), int)
    if not len(line):
        # A speck can be thinned away altogether.
        line = np.argwhere(mask)[:1]
    return line[farthest_points(line, max(1, len(line) // pixels_per_point))] if len(line) else line


def farthest_points(points: np.ndarray, count: int) -> np.ndarray:
    """Indices of ``count`` of ``points`` (n, 2), each as far as possible from those before it (Eq. 4), from the first.

    All of them where there are fewer.
    """
    chosen = [0]
    distance = np.full(len(points), np.inf)
    while len(chosen) < min(count, len(points)):
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
        chosen.append(int(distance.argmax()))
    return np.array(chosen[: len(points)], int)


def corners(centres: np.ndarray, side: int, shape: tuple[int, int]) -> np.ndarray:
    """First corners (n, 2) of squares of ``side`` round ``centres`` (n, 2), moved inside an image of ``shape``.

    Eq. 2 and "the same validity check" for the sample points.
    """
    corner = np.round(np.asarray(centres, float) - side / 2).astype(int)
    return np.clip(corner, 0, np.asarray(shape) - side)
