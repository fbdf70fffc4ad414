"""What every adapter to the scene needs: nodes beside their volume, taken out whole, and none left after an error."""

from __future__ import annotations

from contextlib import contextmanager

import slicer


@contextmanager
def added_nodes_removed_on_error(scene):
    """Nodes that the block added are taken out again when it ends in an error."""
    before = {node.GetID() for node in nodes_of_class(scene, "vtkMRMLNode")}
    try:
        yield
    except BaseException:
        for node in nodes_of_class(scene, "vtkMRMLNode"):
            if node.GetID() not in before and node.GetScene() is scene:
                remove_node(node)
        raise


def place_beside(volume_node, node, folder: int = 0) -> None:
    """Put ``node`` into a subject-hierarchy ``folder`` (item), 0 for the folder or study that holds the volume."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(volume_node.GetScene())
    parent = folder or parent_item_of(hierarchy, volume_node)
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.SetItemParent(item, parent)
    else:
        hierarchy.CreateItem(parent, node)


def parent_item_of(hierarchy, node) -> int:
    """The item that holds a node, the scene where the node has no item yet."""
    item = hierarchy.GetItemByDataNode(node)
    return hierarchy.GetItemParent(item) if item else hierarchy.GetSceneItemID()


def remove_node(node) -> None:
    """Take a node out of the scene with its display and storage nodes and its subject-hierarchy item."""
    scene = node.GetScene()
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.GetItemByDataNode(node)
    helpers = []
    if node.IsA("vtkMRMLDisplayableNode"):
        helpers += [node.GetNthDisplayNode(index) for index in range(node.GetNumberOfDisplayNodes())]
    if node.IsA("vtkMRMLStorableNode"):
        helpers += [node.GetNthStorageNode(index) for index in range(node.GetNumberOfStorageNodes())]
    if item:  # before the node: an item whose node is gone cannot be removed any more
        hierarchy.RemoveItem(item, False, False)
    for helper in filter(None, helpers):
        scene.RemoveNode(helper)
    scene.RemoveNode(node)


def nodes_of_class(scene, class_name: str) -> list:
    """Nodes of a class and of those derived from it, in the order of the scene."""
    return [scene.GetNthNodeByClass(index, class_name) for index in range(scene.GetNumberOfNodesByClass(class_name))]
