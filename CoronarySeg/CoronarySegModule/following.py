"""What follows a correction when it is asked for: surfaces, tables of measurements, and centrelines made anew."""

from __future__ import annotations

import slicer

from CoronarySegLib.errors import CoronarySegError
from CoronarySegLib.volume import Volume
from CoronarySegLib.worker.outcomes import FollowOutcome

from .centreline_nodes import find_centrelines, write_centrelines
from .correction_session import BEHIND_ATTRIBUTE
from .measurement_nodes import find_measurements, write_measurements
from .nodes import carry_provenance, find_models, renew_surfaces
from .result_values import remember_followed, remember_surfaced, trees_of, volume_of
from .results import measured
from .scene import added_nodes_removed_on_error, parent_item_of, remove_node


def follow(segmentation_node, labels: Volume, outcome: FollowOutcome):
    """Put surfaces, centrelines (where the outcome has some) and measurements of ``labels`` into the scene, in place of
    the earlier ones; returns the segmentation node. Where nothing can be measured any more there is no table."""
    volume, scene = volume_of(segmentation_node), segmentation_node.GetScene()
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    folder = parent_item_of(hierarchy, segmentation_node)
    whose = {"segmentation_node": segmentation_node, "folder": folder}
    with added_nodes_removed_on_error(scene):
        renew_surfaces(volume, segmentation_node, outcome, folder)
        if outcome.trees:
            write_centrelines(volume, outcome.trees, **whose)
            remember_followed(segmentation_node, labels)
        try:
            write_measurements(volume, measured(outcome.trees or trees_of(segmentation_node), labels), charts=False,
                               **whose)
        except (CoronarySegError, ValueError):  # figures of a tree that is gone would be worse than none
            for node in find_measurements(volume, segmentation_node):
                remove_node(node)
    made = (*find_models(segmentation_node).values(), *find_centrelines(volume, segmentation_node),
            *find_measurements(volume, segmentation_node))
    carry_provenance(segmentation_node, made)
    remember_surfaced(segmentation_node, labels)
    segmentation_node.RemoveAttribute(BEHIND_ATTRIBUTE)
    return segmentation_node
