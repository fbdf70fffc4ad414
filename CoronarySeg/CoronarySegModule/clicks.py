"""Clicks into the views: a hidden list of points in place mode, handed over when there are enough of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import slicer

NAME = "CoronarySeg clicks"


class Clicks:
    """Collects ``wanted`` clicks (world RAS mm), tells ``said(count)`` after each and ``done(points)`` after the last,
    and begins again until it is stopped. The points are no part of the scene that is saved."""

    def __init__(self, wanted: int, said: Callable[[int], None], done: Callable[[list[np.ndarray]], None]):
        self._wanted, self._said, self._done = wanted, said, done
        self.node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", NAME)
        self.node.SetSaveWithScene(False)
        self.node.SetHideFromEditors(True)
        self.node.CreateDefaultDisplayNodes()
        self.node.GetDisplayNode().SetSaveWithScene(False)
        self.node.GetDisplayNode().SetPointLabelsVisibility(False)
        self._tag = self.node.AddObserver(self.node.PointPositionDefinedEvent, self._on_point)
        self._interaction = slicer.app.applicationLogic().GetInteractionNode()
        self._place()

    @property
    def running(self) -> bool:
        return self.node is not None and self.node.GetScene() is not None

    def points(self) -> list[np.ndarray]:
        """The clicks so far, world RAS mm; the point that follows the mouse is none of them."""
        if not self.running:
            return []
        return [self._point(index) for index in range(self.node.GetNumberOfControlPoints())
                if self.node.GetNthControlPointPositionStatus(index) == self.node.PositionDefined]

    def stop(self) -> None:
        """No more clicks; the points go."""
        node, self.node = self.node, None
        if node is None:
            return
        node.RemoveObserver(self._tag)
        if self._interaction is not None:
            self._interaction.SetCurrentInteractionMode(self._interaction.ViewTransform)
        if node.GetScene() is not None:
            display = node.GetDisplayNode()
            node.GetScene().RemoveNode(node)
            if display is not None and display.GetScene() is not None:
                display.GetScene().RemoveNode(display)

    def _place(self) -> None:
        """Let the next click into a view place a point."""
        selection = slicer.app.applicationLogic().GetSelectionNode()
        if selection is None or self._interaction is None:  # Slicer without a window
            return
        selection.SetReferenceActivePlaceNodeClassName("vtkMRMLMarkupsFiducialNode")
        selection.SetActivePlaceNodeID(self.node.GetID())
        self._interaction.SetPlaceModePersistence(1)
        self._interaction.SetCurrentInteractionMode(self._interaction.Place)

    def _on_point(self, *_) -> None:
        import qt

        # The node is in the middle of its own event; what follows may take the point away.
        qt.QTimer.singleShot(0, self._look)

    def _look(self) -> None:
        if not self.running:
            return
        points = self.points()
        if len(points) < self._wanted:
            self._said(len(points))
            return
        self.node.RemoveAllControlPoints()
        self._done(points[: self._wanted])
        if self.running:
            self._place()

    def _point(self, index: int) -> np.ndarray:
        place = [0.0, 0.0, 0.0]
        self.node.GetNthControlPointPositionWorld(index, place)
        return np.array(place)
