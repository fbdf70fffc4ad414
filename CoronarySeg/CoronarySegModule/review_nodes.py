"""The review of a result in the scene: its suspicious places and what was decided about each.

Both are the text of one node beside the segmentation, so that a scene saved half-way through a review opens where it
was left. Places are LPS mm of the world at the time of the search; :func:`place_ras` gives them as the views count.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
import slicer

from CoronarySegLib.review import ReviewCase, Suspect

from .conversion import RAS_TO_LPS, volume_from_node, world_geometry
from .nodes import SEGMENTATION_ROLE, VOLUME_ROLE
from .result_values import labels_of, probability_of, trees_of, volume_of
from .scene import nodes_of_class, parent_item_of, place_beside

REVIEW_ATTRIBUTE = "CoronarySeg.Review"
VERSION = "1"
SAME_MM = 3.0
"""A place found again within this distance is the one that was decided about."""


class Decision(Enum):
    """What a person said about a place. ``fixed``: it was wrong and has been corrected."""

    open = "open"
    accepted = "accepted"
    fixed = "fixed"
    ignored = "ignored"


@dataclass(frozen=True)
class Entry:
    suspect: Suspect
    decision: Decision = Decision.open


@dataclass(frozen=True)
class Review:
    """The queue of a result, the most suspicious place first."""

    entries: tuple[Entry, ...] = ()

    @property
    def decided(self) -> int:
        """How many places were looked at."""
        return sum(entry.decision is not Decision.open for entry in self.entries)

    def with_decision(self, index: int, decision: Decision) -> Review:
        entries = list(self.entries)
        entries[index] = replace(entries[index], decision=decision)
        return Review(tuple(entries))

    def next_open(self, index: int) -> int:
        """The first open place behind ``index``, then from the top; -1 when every place was decided about."""
        order = (*range(index + 1, len(self.entries)), *range(index + 1))
        return next((one for one in order if self.entries[one].decision is Decision.open), -1)

    def renewed(self, suspects: Iterable[Suspect]) -> Review:
        """A new search with the decisions that still apply: same kind, same place. What was fixed and is found again is
        open again."""
        kept = [entry for entry in self.entries if entry.decision not in (Decision.open, Decision.fixed)]
        return Review(tuple(Entry(suspect, _decided(suspect, kept)) for suspect in suspects))


def review_case_of(segmentation_node) -> ReviewCase:
    """A result as it is now, as the library reviews it; with the variance of several models where that is in the scene.

    Raises ValueError when the CT is gone, InputError when centrelines cannot be read.
    """
    volume_node = volume_of(segmentation_node)
    return ReviewCase(
        labels_of(segmentation_node), trees_of(segmentation_node), probability_of(segmentation_node),
        volume_from_node(volume_node), variance=variance_of(segmentation_node),
    )


def variance_of(segmentation_node):
    """The variance that ``coronaryseg uncertainty`` has written as ``variance.nii.gz``, when it was loaded and lies on
    the voxels of the CT; None otherwise."""
    grid = world_geometry(volume_of(segmentation_node))
    for node in nodes_of_class(segmentation_node.GetScene(), "vtkMRMLScalarVolumeNode"):
        if node.GetName().lower().startswith("variance") and node.GetImageData() is not None:
            volume = volume_from_node(node)
            if volume.geometry.same_grid(grid, tolerance_mm=1e-2):
                return volume
    return None


def find_review(segmentation_node):
    """The node that holds the review of a result, None before the first search."""
    for node in nodes_of_class(segmentation_node.GetScene(), "vtkMRMLTextNode"):
        owner = node.GetNodeReferenceID(SEGMENTATION_ROLE)
        if node.GetAttribute(REVIEW_ATTRIBUTE) and owner == segmentation_node.GetID():
            return node
    return None


def read_review(segmentation_node) -> Review | None:
    """The review of a result, None where there is none that this version can read."""
    node = find_review(segmentation_node)
    if node is None:
        return None
    try:
        entries = json.loads(node.GetText())["entries"]
        return Review(tuple(
            Entry(Suspect.of_dict(one["suspect"]), Decision(one["decision"])) for one in entries
        ))
    except (ValueError, KeyError, TypeError):
        return None


def write_review(segmentation_node, review: Review, folder: int = 0):
    """Keep a review beside its result, in place of the one that was there; returns its node."""
    node = find_review(segmentation_node)
    if node is None:
        scene, volume_node = segmentation_node.GetScene(), volume_of(segmentation_node)
        name = scene.GetUniqueNameByString(f"{volume_node.GetName()} review")
        node = scene.AddNewNodeByClass("vtkMRMLTextNode", name)
        node.SetAttribute(REVIEW_ATTRIBUTE, VERSION)
        node.SetNodeReferenceID(SEGMENTATION_ROLE, segmentation_node.GetID())
        node.SetNodeReferenceID(VOLUME_ROLE, volume_node.GetID())
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
        place_beside(volume_node, node, folder or parent_item_of(hierarchy, segmentation_node))
    entries = [{"suspect": one.suspect.as_dict(), "decision": one.decision.value} for one in review.entries]
    node.SetText(json.dumps({"version": VERSION, "entries": entries}, ensure_ascii=False))
    return node


def place_ras(suspect: Suspect) -> np.ndarray:
    """Where the views show a place, RAS mm (3,)."""
    return RAS_TO_LPS[:3, :3] @ np.asarray(suspect.place_lps_mm)


def _decided(suspect: Suspect, kept: list[Entry]) -> Decision:
    for entry in kept:
        near = np.linalg.norm(np.subtract(entry.suspect.place_lps_mm, suspect.place_lps_mm)) <= SAME_MM
        if near and entry.suspect.kind is suspect.kind:
            return entry.decision
    return Decision.open
