"""Axes across a curve that do not spin round it."""

from __future__ import annotations

import numpy as np


def parallel_frames(
    points_lps_mm: np.ndarray, tangents: np.ndarray, first: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors (n, 3) each across ``tangents`` (n, 3) with the least rotation from point to point.

    Unlike the Frenet frame they neither flip at inflections nor fail on straight stretches. Double reflection method
    (Wang, Jüttler, Zheng and Liu, ACM Transactions on Graphics 27, 2008): error of fourth order in the step.
    ``first`` is a wish for the first vector at the start, made perpendicular; without it, any.
    """
    points, tangents = np.asarray(points_lps_mm, float), np.asarray(tangents, float)
    wish = np.eye(3)[np.argmin(np.abs(tangents[0]))] if first is None else np.asarray(first, float)
    normal = wish - (wish @ tangents[0]) * tangents[0]
    if np.linalg.norm(normal) < 1e-9:  # the wish runs along the curve
        return parallel_frames(points, tangents)
    normals = np.empty_like(points)
    normals[0] = normal / np.linalg.norm(normal)
    for i in range(len(points) - 1):
        normals[i + 1] = _carried(normals[i], points[i + 1] - points[i], tangents[i], tangents[i + 1])
    return normals, np.cross(tangents, normals)


def _carried(normal: np.ndarray, step: np.ndarray, here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Reflect in the bisecting plane of the step, then in that of the reflected and the next tangent."""
    normal, here = _reflected(normal, step), _reflected(here, step)
    normal = _reflected(normal, there - here)
    normal = normal - (normal @ there) * there
    return normal / np.linalg.norm(normal)


def _reflected(vector: np.ndarray, across: np.ndarray) -> np.ndarray:
    square = across @ across
    return vector if square < 1e-18 else vector - 2.0 * (across @ vector) / square * across
