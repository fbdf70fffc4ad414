"""A result in the scene as values of the library again, with everything the user has changed since."""

from __future__ import annotations

import zlib

import numpy as np
import slicer
import vtk

from CoronarySegLib.centreline import CentrelineTree
from CoronarySegLib.volume import Volume
from CoronarySegLib.writing.segments import CORRECTED_SEGMENTS

from .centreline_nodes import read_centrelines
from .conversion import RAS_TO_LPS, node_to_world, volume_from_node, world_geometry
from .nodes import PART_ATTRIBUTE, SEGMENTATION_ROLE, VOLUME_ROLE, find_models
from .scene import nodes_of_class

PROBABILITY_ATTRIBUTE = "CoronarySeg.Probability"  # on the probability volume
LABELS_ATTRIBUTE = "CoronarySeg.LabelsChecksum"  # on the segmentation: what the run wrote
FOLLOWED_ATTRIBUTE = "CoronarySeg.CentrelinesChecksum"  # on the segmentation: what its centrelines were corrected with
SURFACED_ATTRIBUTE = "CoronarySeg.SurfacesChecksum"  # on the segmentation: what its surfaces were made of, after a run
PER_CENT = 100
VALUES = {part.key: part.value for part in CORRECTED_SEGMENTS}


def volume_of(segmentation_node):
    """The CT a segmentation was made from. Raises ValueError when it is gone."""
    node = segmentation_node.GetNodeReference(VOLUME_ROLE)
    if node is None:
        raise ValueError(
            f"The CT that '{segmentation_node.GetName()}' was made from is not in the scene any more. "
            "Load it again and segment it."
        )
    return node


def labels_of(segmentation_node) -> Volume:
    """The parts of a result as they are now: uint8 on the grid of its CT, world LPS mm.

    1 left, 2 right, 3 calcium, 4 vein. Where parts overlap, vein wins over calcium and calcium over the lumen. Raises
    ValueError when the CT is gone.
    """
    volume_node = volume_of(segmentation_node)
    geometry = world_geometry(volume_node)
    labels = np.zeros(geometry.shape_zyx, np.uint8)
    segmentation = segmentation_node.GetSegmentation()
    for segment_id in segmentation.GetSegmentIDs():
        part = part_of(segmentation.GetSegment(segment_id))
        if part in VALUES:
            voxels = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation_node, segment_id, volume_node)
            if voxels is not None:
                np.maximum(labels, np.where(voxels > 0, np.uint8(VALUES[part]), np.uint8(0)), out=labels)
    return Volume(labels, geometry, source=volume_node.GetName() or "")


def remember_labels(segmentation_node, labels: Volume) -> None:
    """Note what the run has written, so that a correction is noticed."""
    segmentation_node.SetAttribute(LABELS_ATTRIBUTE, _checksum(labels))
    segmentation_node.RemoveAttribute(SURFACED_ATTRIBUTE)


def is_corrected(segmentation_node, labels: Volume) -> bool:
    """Whether ``labels``, those of the segmentation now, differ from what the run wrote."""
    return segmentation_node.GetAttribute(LABELS_ATTRIBUTE) != _checksum(labels)


def remember_followed(segmentation_node, labels: Volume) -> None:
    """Note that the centrelines in the scene are those of ``labels``."""
    segmentation_node.SetAttribute(FOLLOWED_ATTRIBUTE, _checksum(labels))


def centrelines_follow(segmentation_node, labels: Volume) -> bool:
    """Whether the centrelines in the scene are those of ``labels``: made with them, or corrected with them."""
    return _checksum(labels) in (
        segmentation_node.GetAttribute(LABELS_ATTRIBUTE), segmentation_node.GetAttribute(FOLLOWED_ATTRIBUTE)
    )


def find_probability(segmentation_node):
    """The probability volume of a result, None when there is none."""
    for node in nodes_of_class(segmentation_node.GetScene(), "vtkMRMLScalarVolumeNode"):
        owner = node.GetNodeReferenceID(SEGMENTATION_ROLE)
        if node.GetAttribute(PROBABILITY_ATTRIBUTE) and owner == segmentation_node.GetID():
            return node
    return None


def remember_surfaced(segmentation_node, labels: Volume) -> None:
    """Note that the surfaces in the scene are those of ``labels``."""
    segmentation_node.SetAttribute(SURFACED_ATTRIBUTE, _checksum(labels))


def surfaces_follow(segmentation_node, labels: Volume) -> bool:
    """Whether the surfaces in the scene are those of ``labels``, by whatever means these were edited."""
    made_of = segmentation_node.GetAttribute(SURFACED_ATTRIBUTE) or segmentation_node.GetAttribute(LABELS_ATTRIBUTE)
    return made_of == _checksum(labels)


def probability_of(segmentation_node) -> Volume | None:
    """The lumen probability 0..1 of a result in world LPS mm, None when it was deleted."""
    node = find_probability(segmentation_node)
    if node is None:
        return None
    volume = volume_from_node(node)
    return volume.with_array(volume.array.astype(np.float32) / PER_CENT)


def trees_of(segmentation_node) -> dict[str, CentrelineTree]:
    """The centrelines of a result by key, in world LPS mm; empty when there are none."""
    return read_centrelines(volume_of(segmentation_node), segmentation_node)


def surfaces_of(segmentation_node) -> dict[str, vtk.vtkPolyData]:
    """The surfaces of a result by part, in world LPS mm."""
    return {part: _in_world(model) for part, model in find_models(segmentation_node).items()}


def _in_world(model) -> vtk.vtkPolyData:
    transform = vtk.vtkTransform()
    transform.SetMatrix((RAS_TO_LPS @ node_to_world(model)).flatten().tolist())
    filter_ = vtk.vtkTransformPolyDataFilter()
    filter_.SetTransform(transform)
    filter_.SetInputData(model.GetPolyData())
    filter_.Update()
    return filter_.GetOutput()


def part_of(segment) -> str:
    """Which part of a result a segment is, "" for a segment of the user's."""
    text = vtk.reference("")
    return str(text) if segment.GetTag(PART_ATTRIBUTE, text) else ""


def _checksum(labels: Volume) -> str:
    return f"{zlib.crc32(np.ascontiguousarray(labels.array)):08x}"
