"""What a review shows in the views: a place, how unsure the network is, and a vessel pulled straight.

All of it is made on demand and found again by attributes, so nothing is made twice and everything goes with its result.
"""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from CoronarySegLib.review import Suspect, uncertainty_of
from CoronarySegLib.review.ends import STUB_MM
from CoronarySegLib.review.straightened_view import StraightenedView, straightened_view
from CoronarySegLib.review.uncertainty import doubt_inside

from .conversion import RAS_TO_LPS, node_from_volume, node_to_world, points_in_world, volume_from_node
from .nodes import SEGMENTATION_ROLE, VOLUME_ROLE, find_models
from .result_values import PER_CENT, PROBABILITY_ATTRIBUTE, probability_of, trees_of, volume_of
from .review_nodes import place_ras, variance_of
from .scene import nodes_of_class, parent_item_of, place_beside, remove_node

PLACE_ATTRIBUTE = "CoronarySeg.ReviewPlace"
UNCERTAINTY_ATTRIBUTE = "CoronarySeg.Uncertainty"
STRAIGHTENED_ATTRIBUTE = "CoronarySeg.Straightened"  # on the straightened volume: the name of the vessel
STRAIGHTENED_PLACE_ATTRIBUTE = "CoronarySeg.StraightenedPlace"  # on the mark in its view
DOUBT = "Doubt"
COLOURS_ATTRIBUTE = "CoronarySeg.DoubtColours"
SURE, DOUBTFUL, UNSURE = (0.62, 0.67, 0.72), (0.98, 0.84, 0.25), (0.84, 0.12, 0.10)
PLACE_COLOUR = (1.0, 0.85, 0.1)
OPACITY = 0.55
SURE_PER_CENT = 10
"""Below this the overlay is transparent: nearly all of a CT is as sure as that."""
CLOSE_MM = 70.0
VIEW = "Straightened"
ASIDE_MM = 1000.0
"""To the right: so far from the patient the straightened vessel lies, or the patient would show in its view."""
LAYOUT = 5917
"""The number of our layout; any that Slicer does not use."""
SLICE = """<item><view class="vtkMRMLSliceNode" singletontag="{tag}">
 <property name="orientation" action="default">{orientation}</property>
 <property name="viewlabel" action="default">{label}</property>
 <property name="viewcolor" action="default">{colour}</property>
 <property name="viewgroup" action="default">{group}</property></view></item>"""
RED, GREEN, YELLOW, STRAIGHT = (
    SLICE.format(tag=tag, orientation=orientation, label=tag[0], colour=colour, group=group)
    for tag, orientation, colour, group in (
        ("Red", "Axial", "#F34A33", 0), ("Green", "Coronal", "#6EB04B", 0), ("Yellow", "Sagittal", "#EDD54C", 0),
        (VIEW, "Coronal", "#8C8C8C", 1),  # a group of its own: its frame is not that of the patient
    )
)
THREE_D = """<item><view class="vtkMRMLViewNode" singletontag="1">
 <property name="viewlabel" action="default">1</property></view></item>"""
LAYOUT_TEXT = f"""<layout type="horizontal" split="true">
 <item><layout type="vertical" split="true">
  <item><layout type="horizontal" split="true">{RED}{THREE_D}</layout></item>
  <item><layout type="horizontal" split="true">{GREEN}{YELLOW}</layout></item></layout></item>{STRAIGHT}</layout>"""


# --- a place --------------------------------------------------------------------------------------------------------

def show_place(segmentation_node, suspect: Suspect, label: str) -> None:
    """Bring slices, 3D view and crosshair to a place, with a mark of its kind on it."""
    scene = segmentation_node.GetScene()
    place = place_ras(suspect)
    mark = _mark(segmentation_node, PLACE_ATTRIBUTE, _("Place under review"))
    _put(mark, place, label)
    crosshair = scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    if crosshair is not None:
        crosshair.SetCrosshairRAS(*place)
        crosshair.SetCrosshairMode(crosshair.ShowBasic)
    _come_close(scene)
    logic = slicer.modules.markups.logic()
    logic.JumpSlicesToLocation(*place, True, 0)
    logic.FocusCamerasOnNthPointInMarkup(mark.GetID(), 0)


def _come_close(scene) -> None:
    """Zoom slices that show the whole chest: a coronary is three pixels wide there. A closer view stays as it is."""
    for node in nodes_of_class(scene, "vtkMRMLSliceNode"):
        width, height, depth = node.GetFieldOfView()
        if node.GetLayoutName() != VIEW and max(width, height) > 1.5 * CLOSE_MM:
            scale = CLOSE_MM / max(width, height)
            node.SetFieldOfView(scale * width, scale * height, depth)


def hide_place(segmentation_node) -> None:
    """Take the mark off the views when nothing is selected any more."""
    mark = _found(segmentation_node, "vtkMRMLMarkupsFiducialNode", PLACE_ATTRIBUTE)
    if mark is not None:
        mark.RemoveAllControlPoints()


def _put(mark, place, label: str) -> None:
    with slicer.util.NodeModify(mark):
        mark.RemoveAllControlPoints()
        mark.AddControlPoint(vtk.vtkVector3d(*place), label)
        mark.SetNthControlPointLocked(0, True)


def _mark(segmentation_node, attribute: str, name: str):
    node = _found(segmentation_node, "vtkMRMLMarkupsFiducialNode", attribute)
    if node is not None:
        return node
    node = segmentation_node.GetScene().AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetColor(*PLACE_COLOUR)
    display.SetSelectedColor(*PLACE_COLOUR)
    display.SetGlyphTypeFromString("Sphere3D")
    display.SetUseGlyphScale(False)
    display.SetGlyphSize(1.5)
    display.SetTextScale(3.5)
    display.SetOpacity(0.7)
    node.SetLocked(True)
    node.SetSaveWithScene(True)
    _belong(node, segmentation_node, attribute)
    return node


# --- uncertainty ----------------------------------------------------------------------------------------------------

def show_uncertainty(segmentation_node, shown: bool) -> None:
    """Lay the uncertainty over the slices, or take it off. Raises InputError when nothing says how sure the run was."""
    node = _uncertainty_node(segmentation_node) if shown else None
    slicer.util.setSliceViewerLayers(foreground=node, foregroundOpacity=OPACITY if shown else 0.0)


def colour_surfaces(segmentation_node, coloured: bool) -> None:
    """Colour the surfaces by doubt, or give them their own colours back. Without a probability they keep them."""
    probability = probability_of(segmentation_node) if coloured else None
    for part, model in find_models(segmentation_node).items():
        display = model.GetDisplayNode()
        if probability is None or part == "calcium":  # a plaque is no lumen to be sure of
            display.SetScalarVisibility(False)
            continue
        mesh = vtk.vtkPolyDataNormals()
        mesh.SetInputData(model.GetPolyData())
        mesh.SplittingOff()
        mesh.ConsistencyOff()
        mesh.Update()
        to_world = node_to_world(model)
        points = points_in_world(vtk_to_numpy(mesh.GetOutput().GetPoints().GetData()).astype(float), to_world)
        normals = vtk_to_numpy(mesh.GetOutput().GetPointData().GetNormals()) @ (RAS_TO_LPS @ to_world)[:3, :3].T
        doubt = numpy_to_vtk(doubt_inside(probability, points, normals), deep=True)
        doubt.SetName(DOUBT)
        model.GetPolyData().GetPointData().AddArray(doubt)
        display.SetActiveScalar(DOUBT, vtk.vtkAssignAttribute.POINT_DATA)
        display.SetAndObserveColorNodeID(_colours(segmentation_node.GetScene()).GetID())
        display.SetScalarRangeFlag(slicer.vtkMRMLDisplayNode.UseManualScalarRange)
        display.SetScalarRange(0.0, 1.0)
        display.SetScalarVisibility(True)


def _uncertainty_node(segmentation_node):
    """The volume of uncertainty in per cent, made anew: the probability or the variance may be another one now."""
    variance = variance_of(segmentation_node)
    uncertainty = uncertainty_of(None if variance else probability_of(segmentation_node), variance=variance)
    node = _found(segmentation_node, "vtkMRMLScalarVolumeNode", UNCERTAINTY_ATTRIBUTE)
    volume_node = volume_of(segmentation_node)
    if node is None:
        name = segmentation_node.GetScene().GetUniqueNameByString(f"{volume_node.GetName()} uncertainty")
        node = segmentation_node.GetScene().AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
        node.SetAttribute(PROBABILITY_ATTRIBUTE, "uncertainty")  # so that it is never offered as a CT
        _belong(node, segmentation_node, UNCERTAINTY_ATTRIBUTE)
        node.CreateDefaultDisplayNodes()
    slicer.util.updateVolumeFromArray(node, np.rint(PER_CENT * uncertainty.array).astype(np.uint8))
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    node.SetIJKToRASMatrix(matrix)
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(_colours(segmentation_node.GetScene()).GetID())
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(0, PER_CENT)
    display.SetLowerThreshold(SURE_PER_CENT)
    display.SetUpperThreshold(PER_CENT)
    display.SetApplyThreshold(True)
    return node


def _colours(scene):
    """The table of doubt, made once a scene: a quiet grey for what is sure, yellow, and red for what is not."""
    for node in nodes_of_class(scene, "vtkMRMLColorTableNode"):
        if node.GetAttribute(COLOURS_ATTRIBUTE):
            return node
    node = scene.AddNewNodeByClass("vtkMRMLColorTableNode", _("Doubt"))
    node.SetAttribute(COLOURS_ATTRIBUTE, "1")
    node.SetTypeToUser()
    node.SetNumberOfColors(256)
    node.GetLookupTable().SetTableRange(0, 255)
    for index in range(256):
        red, green, blue = (
            float(np.interp(index, (0, 128, 255), channel)) for channel in zip(SURE, DOUBTFUL, UNSURE, strict=True)
        )
        node.SetColor(index, str(index), red, green, blue, 1.0)
    return node


# --- a vessel pulled straight ---------------------------------------------------------------------------------------

def straighten(segmentation_node, suspect: Suspect | None = None, *, system: str = "", branch: int = -1):
    """Show the way from the ostium to the end of a branch (that of ``suspect``, or one given) pulled straight, in a
    view of its own; returns (volume node, :class:`StraightenedView`). Raises ValueError when there is no such branch.
    """
    system, branch = (suspect.system, suspect.branch) if suspect is not None else (system, branch)
    tree = trees_of(segmentation_node).get(system)
    if tree is None or not 0 <= branch < len(tree.branches):
        raise ValueError(_("This place lies on no vessel with a centreline, so there is nothing to pull straight."))
    if tree.branches[branch].parent >= 0 and _is_stub(tree, branch):
        branch = tree.branches[branch].parent  # what is looked at is the vessel it hangs on
    way = tree.curve(_to_an_end(tree, branch))
    name = next((tree.branches[one].name for one in reversed(way.indices) if tree.branches[one].name), system)
    volume_node = volume_of(segmentation_node)
    view = straightened_view(volume_from_node(volume_node), way.points_lps_mm, name=name)
    node = _straightened_node(segmentation_node, view, name)
    slice_node = _show_straightened(node, volume_node)
    if slice_node is not None and suspect is not None:
        mark = _mark(segmentation_node, STRAIGHTENED_PLACE_ATTRIBUTE, _("Place in the straightened view"))
        mark.GetDisplayNode().SetPointLabelsVisibility(False)
        _put(mark, (ASIDE_MM, 0.0, -view.arc_of(np.asarray(suspect.place_lps_mm))), "")
    return node, view


def _to_an_end(tree, branch: int) -> tuple[int, ...]:
    """From the ostium through ``branch`` to the end that carries on its vessel: of the daughters the widest."""
    way = list(tree.path_from_ostium(branch))
    while tree.children[way[-1]]:
        name = tree.branches[way[-1]].name
        longer = [one for one in tree.children[way[-1]] if not _is_stub(tree, one)] or tree.children[way[-1]]
        choices = [one for one in longer if name and tree.branches[one].name == name] or longer
        way.append(max(choices, key=lambda one: float(np.nanmedian(tree.branches[one].radius_mm))))
    return tuple(way)


def _is_stub(tree, branch: int) -> bool:
    mother = tree.branches[branch].parent
    inside = float(np.nan_to_num(tree.branches[mother].radius_mm[-1])) if mother >= 0 else 0.0
    return not tree.children[branch] and tree.branches[branch].length_mm - inside <= STUB_MM


def _straightened_node(segmentation_node, view: StraightenedView, name: str):
    node = _found(segmentation_node, "vtkMRMLScalarVolumeNode", STRAIGHTENED_ATTRIBUTE)
    fresh = node_from_volume(view.volume, _("{vessel} pulled straight").format(vessel=name))
    if node is not None:
        remove_node(node)
    right, anterior, superior = fresh.GetOrigin()
    fresh.SetOrigin(right + ASIDE_MM, anterior, superior)
    fresh.SetAttribute(PROBABILITY_ATTRIBUTE, "straightened")  # so that it is never offered as a CT
    _belong(fresh, segmentation_node, STRAIGHTENED_ATTRIBUTE, name)
    return fresh


def _show_straightened(node, volume_node):
    """Show the whole of the straightened volume in its view; returns the view's slice node, None without a window."""
    source, display = volume_node.GetDisplayNode(), node.GetDisplayNode()
    if source is not None:  # the same window as the CT beside it
        display.SetAutoWindowLevel(False)
        display.SetWindowLevel(source.GetWindow(), source.GetLevel())
    layouts = slicer.app.layoutManager()
    if layouts is None:
        return None
    layout_node = layouts.layoutLogic().GetLayoutNode()
    if not layout_node.IsLayoutDescription(LAYOUT):
        layout_node.AddLayoutDescription(LAYOUT, LAYOUT_TEXT)
    layouts.setLayout(LAYOUT)
    widget = layouts.sliceWidget(VIEW)
    if widget is None:
        return None
    composite, slice_node = widget.sliceLogic().GetSliceCompositeNode(), widget.mrmlSliceNode()
    composite.SetBackgroundVolumeID(node.GetID())
    composite.SetForegroundVolumeID(None)
    slice_node.SetOrientation("Coronal")
    widget.sliceLogic().FitSliceToBackground(*slice_node.GetDimensions()[:2])
    return slice_node


# --- nodes of a result ----------------------------------------------------------------------------------------------

def _found(segmentation_node, class_name: str, attribute: str):
    for node in nodes_of_class(segmentation_node.GetScene(), class_name):
        owner = node.GetNodeReferenceID(SEGMENTATION_ROLE)
        if node.GetAttribute(attribute) and owner == segmentation_node.GetID():
            return node
    return None


def _belong(node, segmentation_node, attribute: str, value: str = "1") -> None:
    volume_node = volume_of(segmentation_node)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(segmentation_node.GetScene())
    node.SetAttribute(attribute, value)
    node.SetNodeReferenceID(SEGMENTATION_ROLE, segmentation_node.GetID())
    node.SetNodeReferenceID(VOLUME_ROLE, volume_node.GetID())
    place_beside(volume_node, node, parent_item_of(hierarchy, segmentation_node))
