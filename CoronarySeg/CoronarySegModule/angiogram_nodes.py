"""X-ray angiograms in the scene: a volume of one slice or a sequence of them, and the vessels found on them.

A single frame gives a segmentation node. A sequence gives a sequence of segmentations with the same index, put beside
it into every browser that plays it; frames in which nothing was found hold an empty segment, so that both run alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import slicer

from CoronarySegLib.errors import InputError
from CoronarySegLib.inference import DEVICES
from CoronarySegLib.worker import AngiogramJob
from CoronarySegLib.worker.angiograms import AngiogramOutcome
from CoronarySegLib.writing.segments import PROJECTED

from .conversion import oriented_labelmap
from .nodes import PART_ATTRIBUTE, VOLUME_ROLE, labelmap_name, segment_of
from .run import Run
from .scene import added_nodes_removed_on_error, nodes_of_class, place_beside

SEQUENCE_CLASS, BROWSER_CLASS = "vtkMRMLSequenceNode", "vtkMRMLSequenceBrowserNode"
MADE_FROM_ROLE = "CoronarySegAngiogram"  # sequence of segmentations -> the sequence of angiograms
MEASURED_ATTRIBUTE = "CoronarySeg.Angiogram"


@dataclass(frozen=True)
class AngiogramNodes:
    """What a run put into the scene: a ``segmentation`` of the frame with most vessel (of a sequence the one that a
    browser shows, None without a browser) and, of a sequence, the ``sequence`` of segmentations."""

    segmentation: object
    sequence: object = None
    warnings: tuple[str, ...] = ()


def is_angiogram(node) -> bool:
    """True for a scalar volume of one slice, and for a sequence whose first item is one."""
    if node is None:
        return False
    if node.IsA(SEQUENCE_CLASS):
        return node.GetNumberOfDataNodes() > 0 and is_angiogram(node.GetNthDataNode(0))
    if not node.IsA("vtkMRMLScalarVolumeNode") or node.IsA("vtkMRMLLabelMapVolumeNode"):
        return False
    image = node.GetImageData()
    return image is not None and image.GetDimensions()[2] == 1 and image.GetNumberOfPoints() > 1


def angiogram_run(
    node, *, model=None, device: str = "auto", spacing_mm: float | None = None, progress: Callable | None = None,
    ended: Callable | None = None,
) -> Run:
    """Start finding the vessels on a volume of one slice or on every frame of a sequence of such volumes.

    The run's result is an :class:`AngiogramNodes`. ``spacing_mm`` is the size of a pixel in the plane of the heart; the
    scene's own spacing is that of the detector more often than not, so without it lengths are in pixels. Raises
    ValueError for arguments that do not fit, InputError for a node that is no angiogram.
    """
    if device not in DEVICES:
        raise ValueError(f"Unknown device '{device}'. Choose one of: {', '.join(DEVICES)}.")
    frames = frames_of(node)
    job = AngiogramJob(
        frames, node.GetName() or "angiogram", spacing_mm, "all" if node.IsA(SEQUENCE_CLASS) else 0,
        None if model is None else str(model), device,
    )
    return Run(job, lambda outcome: write_angiogram(node, outcome), node=node, progress=progress, ended=ended)


def frames_of(node) -> np.ndarray:
    """Raw grey values (t, y, x) of a node. Raises InputError when it is no angiogram or its frames differ in size."""
    if not is_angiogram(node):
        name = "" if node is None else f"'{node.GetName()}' "
        raise InputError(
            f"The node {name}is no X-ray angiogram. Choose a volume of one slice, or a sequence of such volumes."
        )
    items = [node.GetNthDataNode(i) for i in range(node.GetNumberOfDataNodes())] if node.IsA(SEQUENCE_CLASS) else [node]
    frames = []
    for item in items:
        if not is_angiogram(item):
            raise InputError(f"The sequence '{node.GetName()}' holds '{item.GetName()}', which is no single frame.")
        array = slicer.util.arrayFromVolume(item)
        if array.ndim == 4:
            from CoronarySegLib.angiogram.reading.checks import grey_of

            array = grey_of(array[0], f"'{item.GetName()}'")[None]
        frames.append(np.array(array[0]))
    if len({frame.shape for frame in frames}) > 1:
        raise InputError(f"The frames of '{node.GetName()}' have different sizes. Load one run as one sequence.")
    return np.stack(frames)


def write_angiogram(node, outcome: AngiogramOutcome) -> AngiogramNodes:
    """Put the outcome beside ``node``. An earlier result of the node gives way. Raises ValueError when the node is gone
    or its frames have changed; the scene is then as it was."""
    if node.GetScene() is None:
        raise ValueError(f"'{node.GetName()}' was removed from the scene during the run. Nothing was written.")
    wanted = node.GetNumberOfDataNodes() if node.IsA(SEQUENCE_CLASS) else 1
    if len(outcome.masks) != wanted or frames_of(node).shape[1:] != outcome.masks.shape[1:]:
        raise ValueError(f"'{node.GetName()}' changed since the run started. Run the segmentation again.")
    with added_nodes_removed_on_error(node.GetScene()):
        if node.IsA(SEQUENCE_CLASS):
            return _write_sequence(node, outcome)
        segmentation = _earlier(node, "vtkMRMLSegmentationNode", VOLUME_ROLE) or _added(node, "vtkMRMLSegmentationNode")
        _fill(segmentation, node, outcome.masks[0])
        segmentation.SetNodeReferenceID(VOLUME_ROLE, node.GetID())
        _describe(segmentation, outcome)
        return AngiogramNodes(segmentation, None, outcome.warnings)


def _write_sequence(node, outcome: AngiogramOutcome) -> AngiogramNodes:
    scene = node.GetScene()
    sequence = _earlier(node, SEQUENCE_CLASS, MADE_FROM_ROLE) or _added(node, SEQUENCE_CLASS)
    sequence.RemoveAllDataNodes()
    sequence.SetIndexName(node.GetIndexName())
    sequence.SetIndexUnit(node.GetIndexUnit())
    sequence.SetIndexType(node.GetIndexType())
    # One node in the scene is filled again and again: a sequence keeps a deep copy of what it is given.
    pattern = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{node.GetName()} coronaries frame")
    try:
        for number, mask in enumerate(outcome.masks):
            _fill(pattern, node.GetNthDataNode(number), mask)
            sequence.SetDataNodeAtValue(pattern, node.GetNthIndexValue(number))
    finally:
        scene.RemoveNode(pattern)
    sequence.SetNodeReferenceID(MADE_FROM_ROLE, node.GetID())
    _describe(sequence, outcome)
    shown = None
    for browser in nodes_of_class(scene, BROWSER_CLASS):
        if browser.IsSynchronizedSequenceNode(node, True):
            if not browser.IsSynchronizedSequenceNode(sequence, True):
                browser.AddSynchronizedSequenceNode(sequence)
            browser.SetSelectedItemNumber(node.GetItemNumberFromIndexValue(node.GetNthIndexValue(outcome.best)))
            if _has_sequences():
                slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
            shown = browser.GetProxyNode(sequence)
    return AngiogramNodes(shown, sequence, outcome.warnings)


def _fill(segmentation, volume_node, mask: np.ndarray) -> None:
    """One segment with ``mask`` (y, x) on the voxels of ``volume_node``, in place of an earlier one."""
    holder = segmentation.GetSegmentation()
    with slicer.util.NodeModify(segmentation):
        for segment_id in list(holder.GetSegmentIDs()):
            if holder.GetSegment(segment_id).HasTag(PART_ATTRIBUTE):
                holder.RemoveSegment(segment_id)
        segmentation.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
        segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
        representation = labelmap_name()
        holder.SetSourceRepresentationName(representation)
        segment = segment_of(PROJECTED)
        segment.AddRepresentation(representation, oriented_labelmap(mask[None].astype(np.uint8), volume_node))
        holder.AddSegment(segment, PROJECTED.key)


def _describe(node, outcome: AngiogramOutcome) -> None:
    """Figures and provenance stay with the node as text, and so with a saved scene."""
    about = {
        "unit": outcome.unit, "best_frame": outcome.best + 1, "vessels": outcome.vessels, "stenoses": outcome.stenoses,
        "provenance": asdict(outcome.provenance),
    }
    node.SetAttribute(MEASURED_ATTRIBUTE, json.dumps(about, ensure_ascii=False))


def _added(node, class_name: str):
    scene = node.GetScene()
    made = scene.AddNewNodeByClass(class_name, scene.GetUniqueNameByString(f"{node.GetName()} coronaries"))
    if made.IsA("vtkMRMLDisplayableNode"):
        made.CreateDefaultDisplayNodes()
    place_beside(node, made)
    return made


def _earlier(node, class_name: str, role: str):
    """The result that an earlier run made of ``node``, or None."""
    for one in reversed(nodes_of_class(node.GetScene(), class_name)):
        if one.GetNodeReferenceID(role) == node.GetID() and one.GetAttribute(MEASURED_ATTRIBUTE):
            return one
    return None


def _has_sequences() -> bool:
    """The module of sequences is there in the desktop application, not in the core alone."""
    return hasattr(getattr(slicer, "modules", None), "sequences")
