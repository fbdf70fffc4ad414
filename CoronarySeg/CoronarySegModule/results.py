"""One run as a folder of the subject hierarchy: segmentation, surfaces, probability, centrelines, tables, provenance.

All or nothing: where any part fails, nodes and folder that were added are taken out again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import slicer
import vtk

from CoronarySegLib.centreline import CentrelineTree
from CoronarySegLib.errors import CoronarySegError
from CoronarySegLib.measurement import TreeMeasurements, measure_tree
from CoronarySegLib.provenance import Provenance
from CoronarySegLib.volume import Volume
from CoronarySegLib.worker.outcomes import SegmentOutcome
from CoronarySegLib.writing.segments import SEGMENTS

from .centreline_nodes import write_centrelines
from .correction_session import forget_corrections
from .measurement_nodes import write_measurements
from .nodes import PROVENANCE, SEGMENTATION_ROLE, VOLUME_ROLE, find_segmentation, write_result
from .result_values import PER_CENT, PROBABILITY_ATTRIBUTE, find_probability, remember_labels
from .review_nodes import Entry, Review, write_review
from .scene import added_nodes_removed_on_error, parent_item_of, place_beside

FOLDER_ATTRIBUTE = "CoronarySeg.Folder"  # on the item of the folder that holds a result


@dataclass(frozen=True)
class ResultNodes:
    """What a run put into the scene. ``models`` by part, ``curves`` and ``tables`` by key of the coronary system.

    ``vessels`` and ``stenoses`` are the tables of measurements, None where there are no centrelines. ``folder`` is the
    item of the subject hierarchy that holds all of it.
    """

    segmentation: object
    models: dict[str, object]
    probability: object
    folder: int
    curves: dict[str, tuple] = field(default_factory=dict)
    tables: dict[str, object] = field(default_factory=dict)
    vessels: object = None
    stenoses: object = None
    warnings: tuple[str, ...] = ()


def write_outcome(
    volume_node, outcome: SegmentOutcome, *, output_segmentation=None, replace: bool = True
) -> ResultNodes:
    """Put the outcome of a run into the scene of ``volume_node``, into a folder beside it.

    ``output_segmentation`` and ``replace`` as in ``nodes.write_result``. Raises ValueError when volume or output do not
    fit the outcome any more; the scene is then as it was.
    """
    scene = volume_node.GetScene()
    if scene is None:
        raise ValueError(f"'{volume_node.GetName()}' was removed from the scene during the run. Nothing was written.")
    attributes = provenance_attributes(outcome.provenance)
    warnings = list(outcome.warnings)
    earlier = output_segmentation or (find_segmentation(volume_node) if replace else None)
    with _folder_of(volume_node, earlier, attributes) as folder, added_nodes_removed_on_error(scene):
        written = write_result(
            volume_node, outcome, output_segmentation=output_segmentation, replace=replace, attributes=attributes,
            folder=folder,
        )
        whose = {"segmentation_node": written.segmentation, "replace": replace, "folder": folder}
        remember_labels(written.segmentation, outcome.labels)
        found = Review(tuple(Entry(suspect) for suspect in outcome.suspects))
        review = write_review(written.segmentation, found, folder)
        probability = _write_probability(volume_node, outcome.probability, **whose)
        lines = write_centrelines(volume_node, outcome.trees, **whose)
        vessels = stenoses = None
        if outcome.trees:
            try:
                tables = write_measurements(volume_node, measured(outcome.trees, outcome.labels), charts=False, **whose)
                vessels, stenoses = tables.vessels, tables.stenoses
            except CoronarySegError as error:  # the trees are worth having without
                warnings.append(f"There is no table of the vessels: {error}")
        curves = [curve for system in lines.curves.values() for curve in system]
        for node in filter(None, (probability, review, vessels, stenoses, *lines.tables.values(), *curves)):
            for name, text in attributes.items():
                node.SetAttribute(name, text)
    forget_corrections(written.segmentation)  # those of an earlier run are no corrections of this one
    return ResultNodes(
        written.segmentation, written.models, probability, folder, lines.curves, lines.tables, vessels, stenoses,
        tuple(warnings),
    )


def provenance_attributes(provenance: Provenance) -> dict[str, str]:
    """What made the result, as node attributes: they stay with the nodes through saving and copying."""
    return dict(zip(PROVENANCE, (
        provenance.version, provenance.model, json.dumps(provenance.model_checksums), provenance.engine,
        provenance.quality, json.dumps(provenance.timings_s), json.dumps(list(provenance.warnings)),
    ), strict=True))


@contextmanager
def _folder_of(volume_node, earlier, attributes: dict[str, str]) -> Iterator[int]:
    """The item of the folder of a result: that of the earlier one, or a new one that goes again on an error."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(volume_node.GetScene())
    item = parent_item_of(hierarchy, earlier) if earlier is not None else 0
    new = not (item and hierarchy.GetItemAttribute(item, FOLDER_ATTRIBUTE))
    if new:
        name = hierarchy.GenerateUniqueItemName(f"{volume_node.GetName()} coronaries")
        item = hierarchy.CreateFolderItem(parent_item_of(hierarchy, volume_node), name)
        hierarchy.SetItemAttribute(item, FOLDER_ATTRIBUTE, "1")
    try:
        yield item
    except BaseException:
        if new:
            hierarchy.RemoveItem(item, False, False)
        raise
    for name, text in attributes.items():
        hierarchy.SetItemAttribute(item, name, text)


def _write_probability(volume_node, probability: Volume, *, segmentation_node, replace: bool, folder: int):
    """Per cent in uint8 on the grid of the CT: a quarter of the memory, and finer than any network's calibration."""
    node = find_probability(segmentation_node) if replace else None
    if node is None:
        scene = volume_node.GetScene()
        name = scene.GetUniqueNameByString(f"{volume_node.GetName()} lumen probability")
        node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
        place_beside(volume_node, node, folder)
    per_cent = np.empty(probability.array.shape, np.uint8)
    for source, target in zip(probability.array, per_cent, strict=True):  # slice by slice: no second float volume
        target[:] = np.clip(np.rint(source * PER_CENT), 0, PER_CENT)
    slicer.util.updateVolumeFromArray(node, per_cent)
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    node.SetIJKToRASMatrix(matrix)
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    node.SetAttribute(PROBABILITY_ATTRIBUTE, "percent")
    node.SetNodeReferenceID(VOLUME_ROLE, volume_node.GetID())
    node.SetNodeReferenceID(SEGMENTATION_ROLE, segmentation_node.GetID())
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetAutoWindowLevel(False)
    node.GetDisplayNode().SetWindowLevelMinMax(0, PER_CENT)
    return node


def measured(trees: Mapping[str, CentrelineTree], labels: Volume) -> dict[str, TreeMeasurements]:
    """Measurements by system; the calcium of ``labels`` is the plaque round the lumen."""
    value = next(part.value for part in SEGMENTS if part.key == "calcium")
    calcium = labels.array == value
    plaque = labels.with_array(calcium.astype(np.uint8)) if calcium.any() else None
    return {key: measure_tree(tree, grid=labels.geometry, calcium=plaque) for key, tree in trees.items()}
