"""A tree of points: what lies between voxels and finished branches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class NodeTree:
    """``points_lps_mm`` (n, 3) with the number of the ``parent`` of each (n,), -1 at the root; parents come first.
    ``radius_mm`` (n,) is as good as is known so far."""

    points_lps_mm: np.ndarray
    parent: np.ndarray
    radius_mm: np.ndarray

    def __len__(self) -> int:
        return len(self.parent)

    @cached_property
    def child_count(self) -> np.ndarray:
        return np.bincount(self.parent[1:], minlength=len(self))

    @cached_property
    def step_mm(self) -> np.ndarray:
        """Distance to the parent (n,), 0 at the root."""
        return np.linalg.norm(self.points_lps_mm - self.points_lps_mm[np.maximum(self.parent, 0)], axis=1)

    @cached_property
    def arc_mm(self) -> np.ndarray:
        """Way from the root (n,)."""
        arc = np.zeros(len(self))
        for i in range(1, len(self)):
            arc[i] = arc[self.parent[i]] + self.step_mm[i]
        return arc

    @cached_property
    def main_child(self) -> np.ndarray:
        """The child in which the vessel goes on (n,), -1 at ends: of the daughters the one with the larger squared
        radius times length downstream, so that the trunk runs on into the vessel that supplies most."""
        reach = np.zeros(len(self))
        best = np.full(len(self), -1)
        for i in range(len(self) - 1, 0, -1):
            reach[i] += self.radius_mm[i] ** 2 * self.step_mm[i]
            above = self.parent[i]
            if best[above] < 0 or reach[i] > reach[best[above]]:
                best[above] = i
            reach[above] += reach[i]
        return best

    def branches(self) -> list[np.ndarray]:
        """Node numbers from each junction (or the root) to the next junction or end, both included; parents first."""
        found = []
        starts = [(0, int(c)) for c in np.flatnonzero(self.parent == 0)]
        children = self._children()
        while starts:
            above, node = starts.pop(0)
            run = [above, node]
            while len(children[node]) == 1:
                node = children[node][0]
                run.append(node)
            found.append(np.array(run))
            starts += [(node, c) for c in children[node]]
        return found

    def chains(self) -> list[np.ndarray]:
        """Node numbers of each vessel as it goes on through its junctions, from where it leaves its parent vessel (that
        node included, but for the first chain) to its end."""
        runs = []
        side = self.parent >= 0
        side[self.main_child[self.main_child >= 0]] = False
        for start in (0, *np.flatnonzero(side)):
            run = [start] if start == 0 else [int(self.parent[start]), int(start)]
            while self.main_child[run[-1]] >= 0:
                run.append(int(self.main_child[run[-1]]))
            runs.append(np.array(run))
        return runs

    def path_to_root(self, node: int) -> np.ndarray:
        path = [int(node)]
        while self.parent[path[-1]] >= 0:
            path.append(int(self.parent[path[-1]]))
        return np.array(path)

    def with_values(self, points_lps_mm: np.ndarray | None = None, radius_mm: np.ndarray | None = None) -> NodeTree:
        return NodeTree(
            self.points_lps_mm if points_lps_mm is None else points_lps_mm, self.parent,
            self.radius_mm if radius_mm is None else radius_mm,
        )

    def keeping(self, keep: np.ndarray) -> NodeTree:
        """Only the nodes marked in ``keep`` (n,) bool: without ends, or without the first stretch from the root."""
        number = np.where(keep, np.cumsum(keep) - 1, -1)
        parent = self.parent[keep]
        return NodeTree(
            self.points_lps_mm[keep], np.where(parent < 0, -1, number[np.maximum(parent, 0)]), self.radius_mm[keep]
        )

    def resampled(self, step_mm: float) -> NodeTree:
        """Every branch at even steps of about ``step_mm``; junctions and ends stay where they are."""
        points, radius, parent = [self.points_lps_mm[:1]], [self.radius_mm[:1]], [np.array([-1])]
        last = {0: 0}
        count = 1
        for run in self.branches():
            course = self.points_lps_mm[run]
            arc = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(course, axis=0), axis=1))]
            even = np.linspace(0.0, arc[-1], max(round(arc[-1] / step_mm), 1) + 1)[1:]
            points.append(np.stack([np.interp(even, arc, course[:, k]) for k in range(3)], axis=1))
            radius.append(np.interp(even, arc, self.radius_mm[run]))
            parent.append(np.r_[last[int(run[0])], np.arange(count, count + len(even) - 1)])
            count += len(even)
            last[int(run[-1])] = count - 1
        return NodeTree(np.concatenate(points), np.concatenate(parent), np.concatenate(radius))

    def _children(self) -> list[list[int]]:
        children: list[list[int]] = [[] for _ in range(len(self))]
        for i in range(1, len(self)):
            children[self.parent[i]].append(i)
        return children
