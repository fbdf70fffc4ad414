"""Centrelines as a table: one row a point, readable in a spreadsheet and back into trees.

What belongs to a branch or a tree as a whole (warnings) stands in the first of its rows. The three columns of counts
tell a whole file from one that was cut.
"""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np

from ...in_place import file_in_place
from ..tree import CentrelineBranch, CentrelineTree
from .common import Trees, read_carefully, systems_of

COLUMNS = (
    "system", "side", "dominance", "branch", "parent", "name", "confidence", "point", "x_lps_mm", "y_lps_mm",
    "z_lps_mm", "arc_mm", "radius_mm", "area_mm2", "branch_warnings", "tree_warnings", "points_in_branch",
    "branches_in_system", "systems_in_file",
)


def write_csv(trees: Trees | CentrelineTree, path: Path | str) -> None:
    """Write one or several trees, UTF-8 with a header line. An area that was not measured is an empty field.

    Raises OutputError when ``path`` cannot be written; it is then as it was.
    """
    systems = systems_of(trees)
    with file_in_place(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for key, tree in systems.items():
            for index, branch in enumerate(tree.branches):
                table.writerows(_rows(key, tree, index, branch, len(systems)))


def read_csv(path: Path | str) -> dict[str, CentrelineTree]:
    """The trees of a file of :func:`write_csv` by key. Raises InputError for any other file."""
    path = Path(path).expanduser()
    with read_carefully(path), path.open(encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file, strict=True)
        missing = [name for name in COLUMNS if name not in (table.fieldnames or ())]
        if missing:
            raise ValueError(f"no column {', '.join(missing)}")
        systems: dict[str, dict[int, list[dict[str, str]]]] = {}
        expected = 0
        for row in table:
            if None in row or None in row.values():
                raise ValueError(f"line {table.line_num} is not complete")
            expected = int(row["systems_in_file"])
            systems.setdefault(row["system"], {}).setdefault(int(row["branch"]), []).append(row)
        if not systems or len(systems) != expected:
            raise ValueError(f"{len(systems)} of {expected} systems are there")
        return {key: _tree(branches) for key, branches in systems.items()}


def _rows(key: str, tree: CentrelineTree, index: int, branch: CentrelineBranch, systems: int) -> list[list]:
    rows = []
    values = zip(branch.points_lps_mm, branch.arc_mm, branch.radius_mm, branch.area_mm2, strict=True)
    for number, (point, arc, radius, area) in enumerate(values):
        first = number == 0
        rows.append([
            key, tree.side, tree.dominance, index, branch.parent, branch.name, _text(branch.confidence), number,
            *map(_text, point), f"{arc:.4f}", _text(radius), _text(area),
            _list(branch.warnings) if first else "", _list(tree.warnings) if first and index == 0 else "",
            len(branch.points_lps_mm), len(tree.branches), systems,
        ])
    return rows


def _tree(branches: dict[int, list[dict[str, str]]]) -> CentrelineTree:
    count = int(next(iter(branches.values()))[0]["branches_in_system"])
    if sorted(branches) != list(range(count)):
        raise ValueError("branches are missing")
    first = branches[0][0]
    return CentrelineTree(
        first["side"], tuple(_branch(branches[i]) for i in range(len(branches))), first["dominance"],
        _strings(first["tree_warnings"]),
    )


def _branch(rows: list[dict[str, str]]) -> CentrelineBranch:
    if [int(row["point"]) for row in rows] != list(range(int(rows[0]["points_in_branch"]))):
        raise ValueError(f"points of branch {rows[0]['branch']} are missing or not in order")
    points = np.array([[float(row[f"{axis}_lps_mm"]) for axis in "xyz"] for row in rows])
    radius = np.array([_number(row["radius_mm"]) for row in rows])
    area = np.array([_number(row["area_mm2"]) for row in rows])
    return CentrelineBranch(
        int(rows[0]["parent"]), points, radius, area, rows[0]["name"], float(rows[0]["confidence"]),
        _strings(rows[0]["branch_warnings"]),
    )


def _text(value: float) -> str:
    """Shortest text that reads back as the same number."""
    return "" if math.isnan(value) else repr(float(value))


def _number(text: str) -> float:
    return float(text) if text else math.nan


def _list(texts: tuple[str, ...]) -> str:
    return json.dumps(texts, ensure_ascii=False) if texts else ""


def _strings(text: str) -> tuple[str, ...]:
    values = json.loads(text) if text else []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError("warnings are no list of texts")
    return tuple(values)
