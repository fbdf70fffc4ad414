"""``cfd.json``: the record beside the files. What the coordinates mean, which patch is where, how it was made and how
well."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from ... import __version__
from ...writing.report import RESEARCH_USE, describe_source, plain
from ..build import BuiltModel
from ..model import Patch
from ..units import header, per_mm

SCHEMA = 1
PACKAGES = ("numpy", "scipy", "scikit-image", "SimpleITK", "vtk", "manifold3d")


def record_of(
    models: Mapping[str, BuiltModel], *, unit: str, options: Any, source: Path | None, description: str,
    flows_m3_s: Mapping[str, Mapping[str, float]], warnings: tuple[str, ...],
    timings_s: Mapping[str, float],
) -> dict[str, Any]:
    """The record as plain values. Lengths, areas and positions are in ``unit``, as in the files."""
    return {
        "schema": SCHEMA,
        "kind": "coronaryseg cfd",
        "note": RESEARCH_USE,
        "coordinates": {"frame": "LPS", "unit": unit, "header": header(unit), "per_mm": per_mm(unit)},
        "models": {
            name: {
                "side": built.tree.side,
                "triangles": len(built.model.triangles),
                "points": len(built.model.points_lps_mm),
                "patches": [_patch(p, i, unit) for i, p in enumerate(built.model.patches, start=1)],
                "inlet_flows_ml_s": {key: 1e6 * flow for key, flow in flows_m3_s.get(name, {}).items()},
                "surface_steps": plain([asdict(step) for step in built.steps]),
                "against_the_mask_between_the_cuts": plain(asdict(built.final)),
                "quality": built.quality.as_dict(),
                "notes": list(built.notes),
            }
            for name, built in models.items()
        },
        "warnings": list(warnings),
        "provenance": {
            "coronaryseg": __version__,
            "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "input": describe_source(source) if source is not None else None,
            "description": description,
            "options": plain(asdict(options)),
            "packages": {name: version for name in PACKAGES if (version := _version(name))},
            "timings_s": plain(dict(timings_s)),
        },
    }


def write_record(record: Mapping[str, Any], path: Path) -> None:
    """As indented JSON, UTF-8, without nan or inf."""
    path.write_text(json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _patch(patch: Patch, number: int, unit: str) -> dict[str, Any]:
    scale = per_mm(unit)
    entry = {
        "name": patch.name, "kind": patch.kind, "ModelFaceID": number, "triangles": patch.triangles,
        "area": _rounded(patch.area_mm2 * scale**2), "centroid": _rounded(patch.centroid_lps_mm * scale),
    }
    if patch.cut is None:
        return entry
    cut = patch.cut
    return entry | {
        "normal": _rounded(patch.normal), "radius": _rounded(patch.radius_mm * scale),
        "flatness": _rounded(patch.flatness_mm * scale), "extension": _rounded(patch.extension_mm * scale),
        "cut": {
            "branch": cut.branch, "arc": _rounded(cut.arc_mm * scale),
            "position": _rounded(cut.position_lps_mm * scale), "normal": _rounded(cut.normal),
            "inscribed_radius": _rounded(cut.radius_mm * scale), "reason": cut.reason,
        },
    }


def _rounded(value: float | np.ndarray):
    """Nine significant digits. Rounding to decimals would lose a patch's area in square metres."""
    rounded = [float(f"{v:.9g}") for v in np.atleast_1d(value)]
    return rounded[0] if np.ndim(value) == 0 else rounded


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
