"""The labels of a corrected result in its segmentation: one layer that all parts share, changed where they changed.

As long as the layer is the one written here, a correction changes the voxels of its box and nothing else is copied;
after an edit by the Segment Editor, which may take parts into layers of their own, the layer is made anew.
"""

from __future__ import annotations

import numpy as np
import slicer
from vtk.util.numpy_support import vtk_to_numpy

from CoronarySegLib.correction.record import VoxelChange
from CoronarySegLib.volume import Volume
from CoronarySegLib.writing.segments import CORRECTED_SEGMENTS, VEIN, Segment

from .conversion import ijk_to_ras, oriented_labelmap
from .nodes import labelmap_name, segment_of
from .result_values import part_of

ALIGNED_MM = 1e-4


def write_labels(segmentation_node, volume_node, labels: Volume, change: VoxelChange | None) -> None:
    """Make the parts of ``segmentation_node`` what ``labels`` (on the grid of ``volume_node``) say.

    ``change`` says where they differ from what the segmentation holds; None when that is not known. A segment for
    veins comes with the first vein and goes with the last one.
    """
    ids = part_segments(segmentation_node)
    if VEIN.key not in ids and _holds_vein(labels, change):
        ids[VEIN.key] = _add_segment(segmentation_node, VEIN)
    image = _shared_layer(segmentation_node, volume_node, ids)
    with slicer.util.NodeModify(segmentation_node):
        if change is None or image is None or not _write_in_place(image, labels, change):
            _write_anew(segmentation_node, volume_node, labels, ids)
        if VEIN.key in ids and not _holds_vein(labels, None):
            segmentation_node.GetSegmentation().RemoveSegment(ids[VEIN.key])


def part_segments(segmentation_node) -> dict[str, str]:
    """Ids of the segments of a result by part; of two with the same part the first."""
    segmentation = segmentation_node.GetSegmentation()
    ids: dict[str, str] = {}
    for segment_id in segmentation.GetSegmentIDs():
        part = part_of(segmentation.GetSegment(segment_id))
        if part:
            ids.setdefault(part, segment_id)
    return ids


def layer_stamp(segmentation_node) -> tuple:
    """Changes whenever somebody edits a part of the segmentation."""
    segmentation = segmentation_node.GetSegmentation()
    stamp = []
    for part, segment_id in sorted(part_segments(segmentation_node).items()):
        image = segmentation.GetSegment(segment_id).GetRepresentation(labelmap_name())
        stamp.append((part, segment_id, None if image is None else (image.GetAddressAsString(""), image.GetMTime())))
    return tuple(stamp)


def _holds_vein(labels: Volume, change: VoxelChange | None) -> bool:
    where = labels.array if change is None else labels.array[change.box]
    return bool((where == VEIN.value).any())


def _shared_layer(segmentation_node, volume_node, ids: dict[str, str]):
    """The one image of all parts on the volume's voxels, with the library's label values; None when it is not so."""
    segmentation = segmentation_node.GetSegmentation()
    values = {part.key: part.value for part in CORRECTED_SEGMENTS}
    shared = None
    for part, segment_id in ids.items():
        segment = segmentation.GetSegment(segment_id)
        image = segment.GetRepresentation(labelmap_name())
        if image is None or segment.GetLabelValue() != values[part] or (shared is not None and image is not shared):
            return None
        shared = image
    if shared is None:
        return None
    matrix = slicer.util.arrayFromVTKMatrix(_to_world(shared))
    return shared if np.abs(matrix - ijk_to_ras(volume_node)).max() < ALIGNED_MM else None


def _to_world(image):
    import vtk

    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    return matrix


def _write_in_place(image, labels: Volume, change: VoxelChange) -> bool:
    """Set the box of the change in ``image``; False when the box reaches beyond it or its voxels are no bytes."""
    extent = image.GetExtent()
    first, last = extent[4::-2], extent[5::-2]
    inside = all(
        low <= part.start and part.stop - 1 <= high
        for part, low, high in zip(change.box, first, last, strict=True)
    )
    scalars = image.GetPointData().GetScalars()
    if not inside or scalars is None or scalars.GetDataTypeAsString() != "unsigned char":
        return False
    voxels = vtk_to_numpy(scalars).reshape([high - low + 1 for low, high in zip(first, last, strict=True)])
    box = tuple(slice(p.start - low, p.stop - low) for p, low in zip(change.box, first, strict=True))
    voxels[box] = labels.array[change.box]
    scalars.Modified()
    image.Modified()
    return True


def _write_anew(segmentation_node, volume_node, labels: Volume, ids: dict[str, str]) -> None:
    segmentation = segmentation_node.GetSegmentation()
    image = oriented_labelmap(labels.array, volume_node)
    parts = {part.key: part for part in CORRECTED_SEGMENTS}
    segmentation.SetSourceRepresentationName(labelmap_name())
    for part, segment_id in ids.items():
        segment = segmentation.GetSegment(segment_id)
        segment.SetLabelValue(parts[part].value)
        segment.AddRepresentation(labelmap_name(), image)
    segmentation.InvalidateNonSourceRepresentations()


def _add_segment(segmentation_node, part: Segment) -> str:
    segmentation_node.GetSegmentation().AddSegment(segment_of(part), part.key)
    return part.key
