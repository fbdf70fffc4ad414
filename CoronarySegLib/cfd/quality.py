"""The report on a flow model: one line a question, each passed or not, for people and as JSON.

A line says what was asked, what was found and what was the limit. Lines without a limit inform. A solver's failure
hours later costs more than a line that is too strict, so nothing is rounded in the model's favour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .intersections import self_intersections
from .ledger import LumenStep
from .shape_quality import Shapes, Topology, shapes_of, topology_of

if TYPE_CHECKING:
    from .model import CfdModel


@dataclass(frozen=True)
class QualityLimits:
    """What passes. Percentages are of diameters against the mask, mean over the branches of a class by length."""

    smallest_angle_deg: float = 5.0
    largest_aspect: float = 10.0
    flatness_mm: float = 1e-3
    volume_percent: float = 5.0
    wide_percent: float = 3.0
    middle_percent: float = 6.0
    worst_percent: float = 10.0
    smallest_lumen_percent: float = 10.0
    wide_mm: float = 2.0
    middle_mm: float = 1.5


@dataclass(frozen=True)
class QualityLine:
    """``passed`` is None for a line that only informs; ``value`` is None where there was nothing to measure."""

    key: str
    question: str
    passed: bool | None
    value: float | int | None
    limit: float | int | None
    text: str

    def __str__(self) -> str:
        mark = {True: "pass", False: "FAIL", None: "   -"}[self.passed]
        return f"{mark}  {self.question}: {self.text}"


@dataclass(frozen=True)
class QualityReport:
    """All lines, and the measurements behind them."""

    lines: tuple[QualityLine, ...]
    topology: Topology
    shapes: Shapes

    @property
    def passed(self) -> bool:
        return all(line.passed is not False for line in self.lines)

    @property
    def failures(self) -> tuple[QualityLine, ...]:
        return tuple(line for line in self.lines if line.passed is False)

    def __getitem__(self, key: str) -> QualityLine:
        for line in self.lines:
            if line.key == key:
                return line
        raise KeyError(key)

    def summary(self) -> str:
        """Readable text, one line a question."""
        failures = len(self.failures)
        head = "All checks passed" if self.passed else f"{failures} check{'s' if failures > 1 else ''} failed"
        return "\n".join([head, *(f"  {line}" for line in self.lines)])

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; NaN and infinity become None."""
        plain = {
            "passed": self.passed, "lines": [asdict(line) for line in self.lines], "topology": asdict(self.topology),
            "shapes": asdict(self.shapes),
        }
        return _without_nan(plain)


def quality_report(
    points_mm: np.ndarray, triangles: np.ndarray, *, caps: Mapping[str, np.ndarray] | None = None,
    against_mask: LumenStep | None = None, limits: QualityLimits = QualityLimits(),
) -> QualityReport:
    """The report on one closed surface (points (n, 3) LPS mm, triangles (m, 3)).

    ``caps``: name to the numbers of its triangles. ``against_mask``: the last step of the surface's ledger.
    Raises ValueError for a surface without triangles.
    """
    if not len(triangles):
        raise ValueError("a surface without triangles has no quality")
    topology, shapes = topology_of(points_mm, triangles), shapes_of(points_mm, triangles)
    cuts = self_intersections(points_mm, triangles)
    lines = [
        *_topology_lines(topology),
        _line("self_intersections", "cuts through itself nowhere", len(cuts), 0, "{} pairs of triangles"
              + (f", first at LPS {_place(points_mm, triangles[cuts[0, 0]])} mm" if len(cuts) else "")),
        _shape_line("smallest_angle", "smallest angle", shapes.angle_deg.smallest, limits.smallest_angle_deg, shapes),
        _line("aspect", "longest drawn-out triangle", round(shapes.aspect.largest, 2), limits.largest_aspect,
              f"aspect {{}} (1 is equilateral, median {shapes.aspect.median:.2f})"),
        _line("edges", "edge lengths", round(shapes.edge_mm.median, 4), None,
              f"{shapes.edge_mm.smallest:.3f} to {shapes.edge_mm.largest:.3f} mm, median {{}} mm"),
        _line("fold", "sharpest edge", round(shapes.fold_deg, 1), None, "normals {} degrees apart"),
    ]
    for name, numbers in (caps or {}).items():
        flat = flatness_mm(points_mm, triangles[numbers])
        lines.append(_line(f"flat_{name}", f"cap {name} is flat", round(flat, 6), limits.flatness_mm, "{} mm off"))
    if against_mask is not None:
        lines += _mask_lines(against_mask, limits)
    return QualityReport(tuple(lines), topology, shapes)


def quality_of_model(
    model: CfdModel, against_mask: LumenStep | None = None, limits: QualityLimits = QualityLimits()
) -> QualityReport:
    """The report on a model with named patches."""
    caps = {p.name: np.flatnonzero(model.patch == i) for i, p in enumerate(model.patches) if p.kind != "wall"}
    return quality_report(
        model.points_lps_mm, model.triangles, caps=caps, against_mask=against_mask, limits=limits
    )


def flatness_mm(points_mm: np.ndarray, triangles: np.ndarray) -> float:
    """Largest distance of a vertex from the plane that fits the triangles' vertices best."""
    used = points_mm[np.unique(triangles)]
    middle = used.mean(0)
    normal = np.linalg.svd(used - middle, full_matrices=False)[2][-1]
    return float(np.abs((used - middle) @ normal).max())


def _topology_lines(found: Topology) -> list[QualityLine]:
    return [
        _line("closed", "closed", found.free_edges, 0, "{} free edges"),
        _line("manifold", "manifold", found.crowded_edges + found.pinched_vertices, 0,
              f"{found.crowded_edges} edges of more than two triangles, {found.pinched_vertices} pinched vertices"),
        QualityLine("outward", "normals all point outward", found.turned == 0 and found.volume_mm3 > 0, found.turned, 0,
                    f"{found.turned} edges between opposite triangles, volume {found.volume_mm3:.1f} mm³"),
        _line("components", "in one piece", found.components, 1, "{} component(s)"),
        _line("loops", "no loop in the lumen", found.loops if found.closed else None, 0,
              f"{{}} loop(s), Euler number {found.euler}"),
    ]


def _shape_line(key: str, question: str, value: float, limit: float, shapes: Shapes) -> QualityLine:
    text = (
        f"{value:.1f} degrees (limit {limit:g}); 99 % of triangles have over {shapes.angle_deg.low:.1f}, "
        f"median {shapes.angle_deg.median:.1f}"
    )
    return QualityLine(key, question, value >= limit, round(value, 3), limit, text)


def _mask_lines(step: LumenStep, limits: QualityLimits) -> list[QualityLine]:
    wide, middle = limits.wide_mm, limits.middle_mm
    rows = [b for b in step.branches if b.measured]
    lines = [
        _percent_line("volume", "volume against the mask, between the ends", step.measured_volume_percent,
                      limits.volume_percent),
        _percent_line("diameter_wide", f"mean diameter change, vessels from {wide:g} mm",
                      step.mean_change_percent(wide), limits.wide_percent),
        _percent_line("diameter_middle", f"mean diameter change, {middle:g} to {wide:g} mm",
                      step.mean_change_percent(middle, wide), limits.middle_percent),
        _percent_line("diameter_thin", f"mean diameter change, below {middle:g} mm",
                      step.mean_change_percent(0.0, middle), None),
    ]
    judged = [b for b in rows if b.mask_mm >= middle]
    worst = max(judged, key=lambda b: abs(b.against_mask_percent), default=None)
    lines.append(_branch_line("diameter_worst", f"diameter of any branch from {middle:g} mm", worst,
                              worst and worst.against_mask_percent, limits.worst_percent))
    worst = max(judged, key=lambda b: abs(b.smallest_change_percent), default=None)
    lines.append(_branch_line("smallest_lumen", f"smallest lumen of any branch from {middle:g} mm", worst,
                              worst and worst.smallest_change_percent, limits.smallest_lumen_percent))
    unmeasured = len(step.branches) - len(rows)
    lines.append(_line("unmeasured", "branches too short to be measured", unmeasured, None,
                       f"{{}} of {len(step.branches)}"))
    return lines


def _percent_line(key: str, question: str, value: float, limit: float | None) -> QualityLine:
    if not np.isfinite(value):
        return QualityLine(key, question, None, None, limit, "no such branch")
    passed = None if limit is None else abs(value) <= limit
    text = f"{value:.2f} %" + ("" if limit is None else f" (limit {limit:g} %)")
    return QualityLine(key, question, passed, round(value, 3), limit, text)


def _branch_line(key: str, question: str, branch, value: float | None, limit: float) -> QualityLine:
    if branch is None:
        return QualityLine(key, question, None, None, limit, "no such branch")
    name = branch.name or f"branch {branch.index}"
    text = f"{value:+.1f} % in {name} (limit {limit:g} %)"
    return QualityLine(key, question, abs(value) <= limit, round(value, 3), limit, text)


def _line(key: str, question: str, value, limit, text: str) -> QualityLine:
    if value is None:
        return QualityLine(key, question, None, None, limit, "cannot be told")
    if limit is None:
        passed = None
    elif key == "components":
        passed = value == limit
    else:
        passed = value <= limit
    return QualityLine(key, question, passed, value, limit, text.format(value))


def _place(points_mm: np.ndarray, corners: np.ndarray) -> str:
    return ", ".join(f"{v:.1f}" for v in points_mm[corners].mean(0))


def _without_nan(value):
    if isinstance(value, dict):
        return {key: _without_nan(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(v) for v in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
