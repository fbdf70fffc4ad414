"""A tree of points made smooth as one piece: vessels run straight through their junctions, branches hinge on them."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array, diags_array
from scipy.sparse.linalg import splu

from .nodes import NodeTree


def smoothed(nodes: NodeTree, target_lps_mm: np.ndarray, weight: np.ndarray, wavelength_mm: float) -> NodeTree:
    """The smooth tree closest to ``target_lps_mm`` (n, 3), each node pulled with ``weight`` (n,).

    Minimises sum w |x - target|^2 + sum lambda |x_before - 2 x + x_after|^2 (a discrete smoothing spline, Whittaker and
    Henderson). lambda is chosen so that at weight 1 a wave of ``wavelength_mm`` keeps half of its height.
    """
    before, node, after = _triples(nodes)
    step_mm = float(np.mean(nodes.step_mm[1:]))
    bend = 2.0 - 2.0 * np.cos(min(2.0 * np.pi * step_mm / wavelength_mm, np.pi))
    rows = np.arange(len(node))
    second = coo_array(
        (
            np.r_[np.ones(len(rows)), np.full(len(rows), -2.0), np.ones(len(rows))],
            (np.r_[rows, rows, rows], np.r_[before, node, after]),
        ),
        shape=(len(rows), len(nodes)),
    ).tocsr()
    # The smallest weight holds ends that nothing else would hold.
    weight = np.maximum(weight, 1e-4)
    system = diags_array(weight) + second.T @ second / bend**2
    return nodes.with_values(points_lps_mm=splu(system.tocsc()).solve(weight[:, None] * target_lps_mm))


def along_chains(nodes: NodeTree, values: np.ndarray, sigma_mm: float) -> np.ndarray:
    """``values`` (n, ...) smoothed along each vessel by a Gaussian; NaN are filled from their neighbours, and a node
    takes its value from the vessel it belongs to."""
    result = np.array(values, float)
    for chain in nodes.chains():
        arc = np.r_[0.0, np.cumsum(nodes.step_mm[chain][1:])]
        part = values[chain].reshape(len(chain), -1)
        kernel = np.exp(-0.5 * ((arc[:, None] - arc[None, :]) / max(sigma_mm, 1e-3)) ** 2)
        known = np.isfinite(part)
        total = kernel @ known
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(total > 1e-3, (kernel @ np.where(known, part, 0.0)) / total, np.nan)
        mean = _filled(arc, mean)
        own = slice(0 if chain[0] == 0 else 1, None)
        result[chain[own]] = mean[own].reshape(-1, *values.shape[1:])
    return result


def _filled(arc: np.ndarray, columns: np.ndarray) -> np.ndarray:
    for column in columns.T[np.isnan(columns).any(axis=0)]:
        known = np.isfinite(column)
        if known.any():
            column[~known] = np.interp(arc[~known], arc[known], column[known])
    return columns


def _triples(nodes: NodeTree) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    node = np.flatnonzero((nodes.parent >= 0) & (nodes.main_child >= 0))
    return nodes.parent[node], node, nodes.main_child[node]
