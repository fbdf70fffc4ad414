"""A case of the library put into the scene as the result of a run."""

from __future__ import annotations

from CoronarySegModule.centreline_nodes import write_centrelines
from CoronarySegModule.conversion import node_from_volume
from CoronarySegModule.nodes import write_result
from CoronarySegModule.result_values import remember_labels
from slicer_samples import result_of

from CoronarySegLib.correction import CaseState


def result_in_scene(case: CaseState, name: str = "patient"):
    """The segmentation node of a result with its CT, surfaces and centrelines."""
    volume = node_from_volume(case.ct, name)
    written = write_result(volume, result_of(case.labels), attributes={"CoronarySeg.Version": "0"})
    remember_labels(written.segmentation, case.labels)
    write_centrelines(volume, case.trees, segmentation_node=written.segmentation)
    return written.segmentation
