"""A result of the library as nodes of the scene: one segmentation, one model per surface, all beside their volume.

New nodes are put under the volume's own parent transform and hold coordinates of that frame, so the result lies right
in the world now and goes on following the volume when the transform is edited. Everything that can fail is prepared
before the scene is touched, and nodes added by an interrupted run are taken out again.

Nodes find each other by node references and segments by a tag, because both survive renaming, saving and reloading.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import slicer

from CoronarySegLib.writing.segments import SEGMENTS, Segment

from .conversion import node_to_world, oriented_labelmap, surface_in_node_frame, world_geometry
from .scene import added_nodes_removed_on_error, nodes_of_class, place_beside, remove_node

VOLUME_ROLE = "CoronarySegVolume"  # segmentation or model -> the CT it was made from
PROVENANCE = tuple(f"CoronarySeg.{name}" for name in (
    "Version", "Model", "ModelChecksum", "Engine", "Quality", "Timings_s", "Warnings",
))
"""Attributes that say what made a result, on each of its nodes."""
SEGMENTATION_ROLE = "CoronarySegSegmentation"  # model -> the segmentation it belongs to
PART_ATTRIBUTE = "CoronarySeg.Part"  # tag of a segment and attribute of a model: "left", "right" or "calcium"

# Slicer's own closed surface loses 13 % of a 1 mm lumen at its default of 0.5; the model nodes carry the exact surface.
CLOSED_SURFACE_SMOOTHING = "0.1"


@dataclass(frozen=True)
class CoronaryNodes:
    """What a run put into the scene. ``models`` by part: "left", "right" and, where the result has one, "calcium"."""

    segmentation: object
    models: dict[str, object] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def write_result(
    volume_node, result, *, output_segmentation=None, replace: bool = True, attributes=None, folder: int = 0
) -> CoronaryNodes:
    """Write labels and surfaces of ``result`` into the scene of ``volume_node``.

    ``result`` needs ``labels`` (a Volume on the node's grid: 1 left, 2 right, 3 calcium), ``surfaces`` (by part name,
    each with ``polydata`` in LPS mm) and ``warnings``. With ``replace`` the earlier result of this volume (or the one
    inside ``output_segmentation``) gives way and its nodes are used again; segments and models drawn by the user stay.
    Without, new segments and nodes are added beside it. ``attributes`` (text by name) are kept on every written node.
    New nodes go into the subject-hierarchy item ``folder``, 0 for where the volume lies.
    Raises ValueError when the result or the output node does not fit the volume; the scene is then as it was.
    """
    scene = volume_node.GetScene()
    if scene is None:
        raise ValueError(f"'{volume_node.GetName()}' was removed from the scene during the run. Nothing was written.")
    segments = _segments_of(volume_node, result)
    surfaces = _surfaces_of(volume_node, result)
    target = output_segmentation or (find_segmentation(volume_node) if replace else None)
    if target is not None:
        _require_fitting_target(target, volume_node, replace)
    with added_nodes_removed_on_error(scene):
        segmentation = target or _add_segmentation(volume_node, folder)
        _fill_segmentation(segmentation, segments, volume_node, replace)
        models = _write_models(surfaces, segmentation, volume_node, replace, folder)
        for node in (segmentation, *models.values()):
            for name, text in (attributes or {}).items():
                node.SetAttribute(name, text)
    return CoronaryNodes(segmentation, models, tuple(result.warnings))


def renew_surfaces(volume_node, segmentation_node, result, folder: int = 0) -> dict[str, object]:
    """Put the surfaces of ``result`` (as in :func:`write_result`) in place of those that a segmentation had."""
    return _write_models(_surfaces_of(volume_node, result), segmentation_node, volume_node, True, folder)


def find_segmentation(volume_node):
    """The segmentation the latest run made for this volume, or None."""
    for node in reversed(nodes_of_class(volume_node.GetScene(), "vtkMRMLSegmentationNode")):
        if node.GetNodeReferenceID(VOLUME_ROLE) == volume_node.GetID():
            return node
    return None


def find_models(segmentation_node) -> dict[str, object]:
    """The models by part that belong to a segmentation; of several runs the latest."""
    return {node.GetAttribute(PART_ATTRIBUTE): node for node in _models_of(segmentation_node)}


def carry_provenance(segmentation_node, nodes) -> None:
    """Let nodes that were made after a run say what made the result they belong to."""
    for name in PROVENANCE:
        text = segmentation_node.GetAttribute(name)
        for node in nodes if text is not None else ():
            node.SetAttribute(name, text)


def belongs_to(node, segmentation_node) -> bool:
    """Whether a node is part of the result of a segmentation, or of none; always, when no segmentation is asked for."""
    owner = node.GetNodeReferenceID(SEGMENTATION_ROLE)
    return segmentation_node is None or not owner or owner == segmentation_node.GetID()


# --- prepared before the scene is touched ---------------------------------------------------------------------------

def _segments_of(volume_node, result) -> list[tuple[Segment, slicer.vtkSegment]]:
    """One segment per part that has voxels; left and right always, so that an empty side is seen and not missing."""
    if not result.labels.geometry.same_grid(world_geometry(volume_node), tolerance_mm=1e-2):
        raise ValueError(
            f"The result does not lie on the voxels of '{volume_node.GetName()}': the volume or its transform changed "
            "since the run started. Run the segmentation again."
        )
    labels = result.labels.array
    image = oriented_labelmap(labels, volume_node)
    segments = []
    for part in SEGMENTS:
        if part.optional and not (labels == part.value).any():
            continue
        segment = segment_of(part)
        # One image object shared by all parts is one layer in Slicer: they do not overlap and save as one volume.
        segment.AddRepresentation(labelmap_name(), image)
        segments.append((part, segment))
    return segments


def segment_of(part: Segment) -> slicer.vtkSegment:
    """A segment with the name, colour, label value and coded meaning of a part, without voxels."""
    segment = slicer.vtkSegment()
    segment.SetName(part.name)
    segment.SetColor(*part.colour)
    segment.SetLabelValue(part.value)
    segment.SetTag(segment.GetTerminologyEntryTagName(), part.terminology)
    segment.SetTag(PART_ATTRIBUTE, part.key)
    return segment


def _surfaces_of(volume_node, result) -> list[tuple[Segment, object]]:
    to_world = node_to_world(volume_node)
    parts = {part.key: part for part in SEGMENTS}
    unknown = sorted(set(result.surfaces) - set(parts))
    if unknown:
        raise ValueError(f"The result has surfaces of unknown parts: {', '.join(unknown)}. Known: {', '.join(parts)}.")
    surfaces = []
    for key, part in parts.items():
        if key not in result.surfaces:
            continue
        polydata = getattr(result.surfaces[key], "polydata", None)
        if polydata is None or not polydata.IsA("vtkPolyData"):
            raise ValueError(f"The surface '{key}' of the result holds no polygons.")
        surfaces.append((part, surface_in_node_frame(polydata, to_world)))
    return surfaces


def _require_fitting_target(target, volume_node, replace: bool) -> None:
    if not target.IsA("vtkMRMLSegmentationNode"):
        raise ValueError(f"'{target.GetName()}' is not a segmentation. Choose a segmentation node for the result.")
    if target.GetScene() is not volume_node.GetScene():
        raise ValueError(f"The segmentation '{target.GetName()}' is not in the scene of the volume.")
    same_frame = target.GetParentTransformNode() is volume_node.GetParentTransformNode()
    if not same_frame and _kept_segments(target, replace):
        raise ValueError(
            f"The segmentation '{target.GetName()}' holds other segments under another transform than "
            f"'{volume_node.GetName()}'. Choose a new segmentation, or put both under the same transform."
        )


# --- the scene changes from here on ---------------------------------------------------------------------------------

def _add_segmentation(volume_node, folder: int):
    scene = volume_node.GetScene()
    name = scene.GetUniqueNameByString(f"{volume_node.GetName()} coronaries")
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetVisibility3D(False)  # the models show the surface; both at once would flicker
    place_beside(volume_node, node, folder)
    return node


def _fill_segmentation(node, segments, volume_node, replace: bool) -> None:
    segmentation = node.GetSegmentation()
    only_ours = not _kept_segments(node, replace)
    with slicer.util.NodeModify(node):
        if replace:
            for segment_id in _own_segments(node):
                segmentation.RemoveSegment(segment_id)
        if only_ours:  # segments of somebody else keep the grid and the frame they were drawn in
            node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
            node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
            segmentation.SetSourceRepresentationName(labelmap_name())
        rule = slicer.vtkBinaryLabelmapToClosedSurfaceConversionRule
        segmentation.SetConversionParameter(rule.GetSmoothingFactorParameterName(), CLOSED_SURFACE_SMOOTHING)
        run = _free_run_number(segmentation)
        for part, segment in segments:
            if run > 1:
                segment.SetName(f"{part.name} {run}")
            segmentation.AddSegment(segment, _segment_id(part, run))
        node.SetNodeReferenceID(VOLUME_ROLE, volume_node.GetID())


def _write_models(surfaces, segmentation, volume_node, replace: bool, folder: int) -> dict[str, object]:
    earlier = find_models(segmentation) if replace else {}
    models = {}
    for part, polydata in surfaces:
        model = earlier.get(part.key) or _add_model(part, volume_node, folder)
        model.SetAndObservePolyData(polydata)
        model.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
        model.SetNodeReferenceID(VOLUME_ROLE, volume_node.GetID())
        model.SetNodeReferenceID(SEGMENTATION_ROLE, segmentation.GetID())
        models[part.key] = model
    if replace:  # an earlier surface without a successor would show a vessel that the new result does not have
        for model in _models_of(segmentation):
            if model not in models.values():
                remove_node(model)
    return models


def _add_model(part: Segment, volume_node, folder: int):
    scene = volume_node.GetScene()
    name = scene.GetUniqueNameByString(f"{volume_node.GetName()} {part.name[0].lower()}{part.name[1:]}")
    model = scene.AddNewNodeByClass("vtkMRMLModelNode", name)
    model.CreateDefaultDisplayNodes()
    display = model.GetDisplayNode()
    display.SetColor(*part.colour)
    display.SetVisibility2D(False)  # the segments are drawn on the slices
    model.SetAttribute(PART_ATTRIBUTE, part.key)
    place_beside(volume_node, model, folder)
    return model


def _free_run_number(segmentation) -> int:
    """1 where no segment of ours is left in the segmentation, else the next number whose segment ids are free."""
    run = 1
    while any(segmentation.GetSegment(_segment_id(part, run)) for part in SEGMENTS):
        run += 1
    return run


def _segment_id(part: Segment, run: int) -> str:
    return part.key if run == 1 else f"{part.key}_{run}"


def _kept_segments(node, replace: bool) -> list[str]:
    """Segments that stay in ``node`` when the result is written."""
    own = set(_own_segments(node)) if replace else set()
    return [segment_id for segment_id in node.GetSegmentation().GetSegmentIDs() if segment_id not in own]


def _own_segments(node) -> list[str]:
    segmentation = node.GetSegmentation()
    ids = segmentation.GetSegmentIDs()
    return [segment_id for segment_id in ids if segmentation.GetSegment(segment_id).HasTag(PART_ATTRIBUTE)]


def _models_of(segmentation_node) -> list:
    return [
        node for node in nodes_of_class(segmentation_node.GetScene(), "vtkMRMLModelNode")
        if node.GetNodeReferenceID(SEGMENTATION_ROLE) == segmentation_node.GetID() and node.GetAttribute(PART_ATTRIBUTE)
    ]


def labelmap_name() -> str:
    """What Slicer calls the voxels of a segmentation."""
    return slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
