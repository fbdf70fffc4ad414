"""Centrelines as Slicer Markups JSON (``.mrk.json``): one open curve a branch, radius and area at every control point.

Slicer reads the curves and keeps what it does not know out of the way; the structure of the tree lies beside each curve
under the key ``coronarySeg``, so the file reads back as trees. Slicer's own copy of such a file has lost that part.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...in_place import write_text
from ..tree import CentrelineBranch, CentrelineTree
from .common import Trees, read_carefully, systems_of

SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)
RADIUS, AREA = "Radius", "Area"
OURS = "coronarySeg"
NO_VALUE = -1.0
"""Stands for an area that was not measured: JSON has no NaN and Slicer takes numbers only."""


def write_markups(trees: Trees | CentrelineTree, path: Path | str) -> None:
    """Write one or several trees, LPS mm. Raises OutputError when ``path`` cannot be written; it is then as it was."""
    systems = systems_of(trees)
    curves = [
        _curve(key, tree, index) for key, tree in systems.items() for index in range(len(tree.branches))
    ]
    text = json.dumps({"@schema": SCHEMA, "markups": curves}, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def read_markups(path: Path | str) -> dict[str, CentrelineTree]:
    """The trees of a file of :func:`write_markups` by key. Raises InputError for any other file."""
    path = Path(path).expanduser()
    with read_carefully(path):
        content = json.loads(path.read_text(encoding="utf-8"))
        systems: dict[str, list[Mapping[str, Any]]] = {}
        for curve in content["markups"]:
            if OURS not in curve:
                raise ValueError(f"the curve has no part {OURS!r}: it does not say where in a tree it belongs")
            systems.setdefault(curve[OURS]["system"], []).append(curve)
        if not systems:
            raise ValueError("no curves")
        return {key: _tree(curves) for key, curves in systems.items()}


def _curve(key: str, tree: CentrelineTree, index: int) -> dict[str, Any]:
    branch = tree.branches[index]
    label = branch.name or f"branch {index}"
    ours: dict[str, Any] = {
        "system": key, "side": tree.side, "branch": index, "parent": branch.parent, "name": branch.name,
        "confidence": float(branch.confidence), "warnings": list(branch.warnings),
    }
    if index == 0:
        ours |= {"dominance": tree.dominance, "treeWarnings": list(tree.warnings)}
    return {
        "type": "Curve", "coordinateSystem": "LPS", "coordinateUnits": "mm", "locked": True, "name": label,
        "labelFormat": "%N", "lastUsedControlPointNumber": len(branch.points_lps_mm),
        "controlPoints": [
            {
                "id": str(number), "label": "", "description": "", "associatedNodeID": "",
                "position": [float(x) for x in point],
                "orientation": [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0],
                "selected": True, "locked": False, "visibility": True, "positionStatus": "defined",
            }
            for number, point in enumerate(branch.points_lps_mm, start=1)
        ],
        "measurements": [
            _values(RADIUS, "mm", branch.radius_mm), _values(AREA, "mm2", branch.area_mm2),
        ],
        # Control points are the centreline's own, so the curve is drawn straight between them.
        "curveType": "linear",
        "display": {
            "visibility": True, "opacity": 1.0, "glyphType": "Sphere3D", "glyphSize": 0.6, "useGlyphScale": False,
            "pointLabelsVisibility": False, "propertiesLabelVisibility": False, "lineThickness": 0.4,
        },
        OURS: ours,
    }


def _values(name: str, unit: str, values: np.ndarray) -> dict[str, Any]:
    numbers = [NO_VALUE if math.isnan(value) else float(value) for value in values]
    return {
        "name": name, "enabled": True, "units": unit, "printFormat": "%-#4.4g%s",
        "controlPointValues": numbers,
    }


def _tree(curves: list[Mapping[str, Any]]) -> CentrelineTree:
    curves = sorted(curves, key=lambda curve: curve[OURS]["branch"])
    if [curve[OURS]["branch"] for curve in curves] != list(range(len(curves))):
        raise ValueError("branches are missing")
    root = curves[0][OURS]
    return CentrelineTree(
        str(root["side"]), tuple(_branch(curve) for curve in curves), str(root["dominance"]),
        tuple(map(str, root["treeWarnings"])),
    )


def _branch(curve: Mapping[str, Any]) -> CentrelineBranch:
    signs = {"LPS": (1.0, 1.0, 1.0), "RAS": (-1.0, -1.0, 1.0)}[curve["coordinateSystem"]]
    points = np.array([point["position"] for point in curve["controlPoints"]], float) * signs
    values = {measure["name"]: measure["controlPointValues"] for measure in curve["measurements"]}
    ours = curve[OURS]
    return CentrelineBranch(
        int(ours["parent"]), points, _array(values[RADIUS]), _array(values[AREA]), str(ours["name"]),
        float(ours["confidence"]), tuple(map(str, ours["warnings"])),
    )


def _array(values: list[float]) -> np.ndarray:
    array = np.array(values, float)
    return np.where(array < 0, np.nan, array)
