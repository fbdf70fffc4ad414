"""Corrections of a result in the scene: one click or two, one undo step each.

The values of the library are kept beside the nodes, so that a click costs the correction and not the reading of the
scene; when somebody else has edited the segmentation or a centreline since (Segment Editor, Markups), they are read
again. Undo and redo are a stack of their own: the scene's undo would copy whole volumes, and the Segment Editor's knows
nothing of centrelines. Surfaces and tables of measurements take seconds and follow when asked for.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import slicer

from CoronarySegLib import correction
from CoronarySegLib.correction import CaseState, Correction, CorrectionLog, redone, undone
from CoronarySegLib.errors import InputError
from CoronarySegLib.volume import Volume

from .centreline_nodes import centrelines_stamp, find_centrelines, update_centrelines
from .conversion import RAS_TO_LPS, world_geometry
from .label_layer import layer_stamp, write_labels
from .nodes import SEGMENTATION_ROLE, carry_provenance
from .result_values import (
    FOLLOWED_ATTRIBUTE,
    centrelines_follow,
    find_probability,
    labels_of,
    remember_followed,
    trees_of,
    volume_of,
)
from .scene import nodes_of_class, parent_item_of, place_beside, remove_node

LOG_ATTRIBUTE = "CoronarySeg.Corrections"  # on the text node that holds the log
BEHIND_ATTRIBUTE = "CoronarySeg.SurfacesBehind"  # on the segmentation: its surfaces and tables are older than it is

_sessions: dict[str, CorrectionSession] = {}


def session_of(segmentation_node) -> CorrectionSession:
    """The corrections of a result; the same object as long as its node is in the scene."""
    for node_id, session in list(_sessions.items()):
        if session.segmentation.GetScene() is None:
            del _sessions[node_id]
    found = _sessions.get(segmentation_node.GetID())
    if found is None or found.segmentation is not segmentation_node:
        found = _sessions[segmentation_node.GetID()] = CorrectionSession(segmentation_node)
    return found


class CorrectionSession:
    """All clicks are world RAS mm. Each correction returns its ``Correction`` and raises InputError, whose text says
    what to do; the scene is then as it was."""

    def __init__(self, segmentation_node):
        self.segmentation = segmentation_node
        self.by = ""
        self._state: CaseState | None = None
        self._stamps: tuple = ()
        self._done: list[Correction] = []
        self._undone: list[Correction] = []

    # --- corrections ------------------------------------------------------------------------------------------------

    def bridge(self, first_ras, second_ras) -> Correction:
        return self._apply(correction.bridge, _lps(first_ras), _lps(second_ras))

    def add_branch(self, end_ras) -> Correction:
        return self._apply(correction.add_branch, _lps(end_ras))

    def remove_branch(self, at_ras) -> Correction:
        return self._apply(correction.remove_branch, _lps(at_ras))

    def mark_vein(self, at_ras) -> Correction:
        return self._apply(correction.mark_vein, _lps(at_ras))

    def cut(self, at_ras, towards_ras=None) -> Correction:
        return self._apply(correction.cut, _lps(at_ras), None if towards_ras is None else _lps(towards_ras))

    def rename(self, at_ras, name: str) -> Correction:
        return self._apply(correction.rename, _lps(at_ras), name)

    def set_radius(self, at_ras, radius_mm: float) -> Correction:
        return self._apply(correction.set_radius, _lps(at_ras), radius_mm)

    def set_wall(self, centre_ras, wall_ras) -> Correction:
        """As :meth:`set_radius`, the radius being the distance of the second click from the centreline."""
        from CoronarySegLib.correction.radius import wall_radius_mm

        radius_mm = wall_radius_mm(self.state(), _lps(centre_ras), _lps(wall_ras))
        return self.set_radius(centre_ras, radius_mm)

    # --- undo -------------------------------------------------------------------------------------------------------

    @property
    def next_undo(self) -> str:
        """What :meth:`undo` would take back, in words; empty when there is nothing."""
        return self._done[-1].what if self._done else ""

    @property
    def next_redo(self) -> str:
        return self._undone[-1].what if self._undone else ""

    def undo(self) -> Correction:
        """Take back the last correction, bit for bit. Raises InputError when its voxels were edited since."""
        return self._step(self._done, self._undone, undone, "There is no correction to undo.")

    def redo(self) -> Correction:
        return self._step(self._undone, self._done, redone, "There is no correction to do again.")

    @property
    def beyond_undo(self) -> int:
        """How many corrections of the log were made before the scene was loaded: they cannot be taken back."""
        return len(self.log.entries) - len(self._done)

    # --- what is there ----------------------------------------------------------------------------------------------

    def state(self) -> CaseState:
        """The case as the scene holds it now. Raises ValueError when its CT is gone."""
        if self._state is None or self._stamps != self._stamp():
            self._state, self._stamps = self._read(), self._stamp()
        return self._state

    @property
    def log(self) -> CorrectionLog:
        """The corrections in force, also those made before the scene was saved and loaded."""
        node = self._log_node()
        return CorrectionLog.from_json(node.GetText() or "") if node is not None else CorrectionLog()

    @property
    def surfaces_behind(self) -> bool:
        """Whether surfaces and tables of measurements are older than the last correction."""
        return self.segmentation.GetAttribute(BEHIND_ATTRIBUTE) == "1"

    def save_training_pair(self, folder, name: str = "", *, overwrite: bool = False):
        """The CT and the corrected labels as a pair that ``coronaryseg train --data`` reads; both paths."""
        name = name or volume_of(self.segmentation).GetName()
        return correction.save_training_pair(self.state(), folder, name, self.log, overwrite=overwrite)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _apply(self, correct: Callable, *arguments) -> Correction:
        state = self.state()
        new, made = correct(state, *arguments, by=self.by)
        self._show(state, new, made)
        self._done.append(made)
        self._undone.clear()
        self._write_log(self.log.with_one(made))
        return made

    def _step(self, source: list[Correction], target: list[Correction], take: Callable, nothing: str) -> Correction:
        if not source:
            raise InputError(nothing)
        state, made = self.state(), source[-1]
        self._show(state, take(state, made), made)
        target.append(source.pop())
        self._write_log(self.log.without_last() if take is undone else self.log.with_one(made))
        return made

    def _show(self, old: CaseState, new: CaseState, made: Correction) -> None:
        """Bring the scene from one state to the next; back to the first one when that fails."""
        volume = volume_of(self.segmentation)
        try:
            self._write(volume, old, new, made)
        except Exception:
            self._write(volume, new, old, made)
            raise
        self._state, self._stamps = new, self._stamp()
        self.segmentation.SetAttribute(BEHIND_ATTRIBUTE, "1")

    def _write(self, volume, old: CaseState, new: CaseState, made: Correction) -> None:
        if made.voxels is not None:
            write_labels(self.segmentation, volume, new.labels, made.voxels)
        for key, tree in new.trees.items():
            if old.trees.get(key) is not tree:
                update_centrelines(volume, self.segmentation, key, tree)
                carry_provenance(self.segmentation, find_centrelines(volume, self.segmentation))
        if new.stale:
            self.segmentation.RemoveAttribute(FOLLOWED_ATTRIBUTE)
        else:
            remember_followed(self.segmentation, new.labels)

    def _read(self) -> CaseState:
        volume = volume_of(self.segmentation)
        labels = labels_of(self.segmentation)
        trees = trees_of(self.segmentation)
        stale = frozenset() if centrelines_follow(self.segmentation, labels) else frozenset(trees)
        ct = Volume(slicer.util.arrayFromVolume(volume), labels.geometry, volume.GetName() or "")
        return CaseState(labels, trees, self._probability(labels), ct, stale)

    def _probability(self, labels: Volume) -> Volume | None:
        """The probability as its node has it, in per cent; None when it is not on the grid of the CT any more."""
        node = find_probability(self.segmentation)
        if node is None or not world_geometry(node).same_grid(labels.geometry, tolerance_mm=1e-2):
            return None
        return Volume(slicer.util.arrayFromVolume(node), labels.geometry)

    def _stamp(self) -> tuple:
        volume = volume_of(self.segmentation)
        return layer_stamp(self.segmentation), centrelines_stamp(volume, self.segmentation), \
            volume.GetImageData().GetMTime(), tuple(map(float, world_geometry(volume).index_to_lps.ravel()))

    def _log_node(self):
        for node in nodes_of_class(self.segmentation.GetScene(), "vtkMRMLTextNode"):
            owner = node.GetNodeReferenceID(SEGMENTATION_ROLE)
            if node.GetAttribute(LOG_ATTRIBUTE) and owner == self.segmentation.GetID():
                return node
        return None

    def _write_log(self, log: CorrectionLog) -> None:
        node, scene = self._log_node(), self.segmentation.GetScene()
        if node is None:
            name = scene.GetUniqueNameByString(f"{self.segmentation.GetName()} corrections")
            node = scene.AddNewNodeByClass("vtkMRMLTextNode", name)
            node.SetAttribute(LOG_ATTRIBUTE, "1")
            node.SetNodeReferenceID(SEGMENTATION_ROLE, self.segmentation.GetID())
            hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
            place_beside(self.segmentation, node, parent_item_of(hierarchy, self.segmentation))
        node.SetText(log.to_json())


def forget_corrections(segmentation_node) -> None:
    """Drop the log and the undo steps of a result that a new run has replaced."""
    session = session_of(segmentation_node)
    node = session._log_node()
    if node is not None:
        remove_node(node)
    _sessions.pop(segmentation_node.GetID(), None)
    segmentation_node.RemoveAttribute(BEHIND_ATTRIBUTE)


def _lps(ras) -> np.ndarray:
    return np.asarray(ras, float) @ RAS_TO_LPS[:3, :3]
