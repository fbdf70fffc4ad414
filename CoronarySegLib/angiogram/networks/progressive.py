"""The progressive looks of TPRNet and how they are joined, whatever takes the looks.

Places are found by numpy without gradient; what was seen there is put back differentiably, so that the joined answer
teaches all three networks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from ...networks.branch import Branch
from .crops import corners, points_along, square_round

MERGINGS = ("overlap", "sequential")
Look = Callable[[torch.Tensor], torch.Tensor]
"""Images (M, C, y, x) to logits (M, 1, y, x)."""
TYPICAL_POINTS = 30
"""Small squares counted for tensors without values: some 2000 pixels of centreline at 64 a square."""
_SURE = 1e-4
"""Probabilities are kept this far from 0 and 1 when they become logits again."""


@dataclass(frozen=True)
class Looks:
    """Side of the local and of the focal squares, centreline pixels for one of the latter, and how all is joined."""

    local_size: int = 448
    focal_size: int = 64
    pixels_per_point: int = 64
    merging: str = "overlap"


@dataclass(frozen=True)
class _Squares:
    """Squares of one side in a batch: the ``image`` each lies in and its first ``corner`` (y, x)."""

    image: list[int]
    corner: list[tuple[int, int]]
    side: int

    def places(self):
        """(number of the image, rows, columns) of every square."""
        for image, (y, x) in zip(self.image, self.corner, strict=True):
            yield image, slice(y, y + self.side), slice(x, x + self.side)

    def cut(self, x: torch.Tensor) -> torch.Tensor:
        """The squares out of (M, C, y, x), as a batch."""
        return torch.stack([x[image, :, rows, columns] for image, rows, columns in self.places()])


def look_closer(x: torch.Tensor, first: Look, local: Look | None, focal: Look | None, looks: Looks
                ) -> tuple[torch.Tensor, tuple[Branch, ...]]:
    """Joined logits (M, 1, y, x) of images (M, C, y, x), and the branches that took part.

    Images in which the first look finds nothing keep its answer; so do those without a centreline for the closer one.
    """
    whole = first(x).float()
    if local is None:
        return whole, ()
    branches = [Branch(whole, torch.ones_like(whole))]
    side = min(looks.local_size, *x.shape[2:])
    squares = _local_squares(whole, side)
    if not squares.image:
        return whole, tuple(branches)
    near = _put_back(local(squares.cut(x)).float(), squares, whole)
    branches.append(near)
    patches = _focal_squares(near, looks) if focal is not None else _Squares([], [], looks.focal_size)
    seen = focal(patches.cut(x)).float() if patches.image else None
    if seen is not None:
        branches.append(_put_back(seen, patches, whole))
    if looks.merging == "sequential":
        return _one_after_the_other(branches, seen, patches), tuple(branches)
    return _joined(branches), tuple(branches)


def _local_squares(whole: torch.Tensor, side: int) -> _Squares:
    if whole.is_meta:  # operations are counted as if there was a vessel
        return _Squares(list(range(len(whole))), [(0, 0)] * len(whole), side)
    masks = (whole.detach()[:, 0] > 0).cpu().numpy()
    found = [(image, square_round(mask, side)) for image, mask in enumerate(masks)]
    found = [(image, corner) for image, corner in found if corner is not None]
    return _Squares([image for image, _ in found], [corner for _, corner in found], side)


def _focal_squares(near: Branch, looks: Looks) -> _Squares:
    side = min(looks.focal_size, *near.logits.shape[2:])
    if near.logits.is_meta:
        return _Squares([0] * TYPICAL_POINTS, [(0, 0)] * TYPICAL_POINTS, side)
    masks = ((near.logits.detach() > 0) & (near.region > 0))[:, 0].cpu().numpy()
    squares = _Squares([], [], side)
    for image, mask in enumerate(masks):
        points = points_along(mask, looks.pixels_per_point)
        for corner in np.unique(corners(points, side, mask.shape), axis=0) if len(points) else ():
            squares.image.append(image)
            squares.corner.append((int(corner[0]), int(corner[1])))
    return squares


def _put_back(seen: torch.Tensor, squares: _Squares, like: torch.Tensor) -> Branch:
    """Logits of squares (S, 1, side, side) at their places; the mean probability where they overlap (Eq. 6)."""
    alone = len(set(squares.image)) == len(squares.image)
    values = seen if alone else torch.sigmoid(seen)
    total, count = torch.zeros_like(like), torch.zeros_like(like)
    for value, (image, rows, columns) in zip(values, squares.places(), strict=True):
        total[image, :, rows, columns] += value
        count[image, :, rows, columns] += 1
    mean = total / count.clamp(min=1.0)
    region = (count > 0).to(like.dtype)
    return Branch(mean if alone else _logit(mean) * region, region)


def _joined(branches: list[Branch]) -> torch.Tensor:
    """Section II.D: what is seen closest with what is seen less closely, mean probabilities, up to the whole."""
    answer, seen = torch.sigmoid(branches[-1].logits), branches[-1].region
    for branch in reversed(branches[:-1]):
        wider = torch.sigmoid(branch.logits)
        answer = torch.where(seen > 0, torch.where(branch.region > 0, 0.5 * (answer + wider), answer), wider)
        seen = torch.maximum(seen, branch.region)
    return _logit(answer)


def _one_after_the_other(branches: list[Branch], seen: torch.Tensor | None, patches: _Squares) -> torch.Tensor:
    """Logits: the mean of global and local where both looked, then every small square half and half, in turn."""
    whole, near = branches[0], branches[1]
    answer = torch.where(near.region > 0, 0.5 * (whole.logits + near.logits), whole.logits)
    if seen is not None:
        for value, (image, rows, columns) in zip(seen, patches.places(), strict=True):
            answer[image, :, rows, columns] = 0.5 * (answer[image, :, rows, columns] + value)
    return answer


def _logit(probability: torch.Tensor) -> torch.Tensor:
    return torch.logit(probability.clamp(_SURE, 1.0 - _SURE))
