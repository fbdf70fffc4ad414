"""``report.json``: what went in, what came out, with what, how long it took, and what to be careful about."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__
from ..volume import Geometry
from .segments import SEGMENTS

if TYPE_CHECKING:
    from .case import CaseResult

SCHEMA = 1
PACKAGES = ("numpy", "scipy", "SimpleITK", "vtk", "torch", "openvino", "monai")
RESEARCH_USE = "For research only. Not a medical device; not for diagnosis or treatment. Check every result."


def build_report(
    result: CaseResult, *, source: Path | None, files: Iterable[Path], timings_s: Mapping[str, float] | None = None,
    warnings: Iterable[str] = (),
) -> dict[str, Any]:
    """The report of one case as plain values (schema 1). ``source`` is the CT's file or DICOM folder, ``files`` the
    names written so far, ``timings_s`` and ``warnings`` those of writing, added to the result's own."""
    trees, card = result.trees, result.model_card
    return plain({
        **report_head(),
        "input": {
            "files": describe_source(source) if source is not None else None,
            "description": result.labels.source,
            "geometry": _geometry(result.labels.geometry),
            "checks": [_fields(finding) for finding in getattr(result, "checks", ())],
        },
        "model": {
            "name": card.name, "version": card.version, "profile": card.profile, "system": card.system,
            "deviations": list(card.deviations),
            "training_data": card.training_data,
            "stages": [
                {"name": s.name, "network": s.network, "spacing_mm": s.spacing_mm, "weights": s.weights,
                 "sha256": s.sha256}
                for s in card.stages
            ],
        },
        **computed_with(result.prediction.engine),
        "segmentation": {
            "labels": {s.key: s.value for s in SEGMENTS},
            "mask_is": "lumen (calcium is a label of its own and not part of the lumen)",
            "threshold_used": trees.threshold_used,
            "volumes_ml": {s.key: trees.volume_mm3(s.key) / 1000.0 for s in SEGMENTS},
            "volumes_mm3": {s.key: trees.volume_mm3(s.key) for s in SEGMENTS},
            "voxels": {s.key: int(np.count_nonzero(result.labels.array == s.value)) for s in SEGMENTS},
            "components": {
                "found": trees.components_found, "dropped": trees.components_dropped,
                "reconnected": trees.components_reconnected, "kept_apart": trees.components_kept_apart,
            },
            "trees_were_touching": trees.split_fused,
        },
        "surfaces": {
            name: {"method": s.method, "watertight": s.report.watertight, **_fields(s.report)}
            for name, s in result.surfaces.items()
        },
        "timings_s": {**result.timings, **(timings_s or {})},
        "warnings": list(dict.fromkeys([*result.warnings, *warnings])),
        "files": sorted(path.name for path in files),
    })


def report_head() -> dict[str, Any]:
    """What every report begins with."""
    return {
        "schema": SCHEMA, "note": RESEARCH_USE, "coronaryseg": __version__,
        "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def computed_with(engine: str) -> dict[str, Any]:
    """The machine and the packages a result was computed with."""
    return {
        "device": {
            "engine": engine, "machine": platform.machine(), "system": platform.platform(),
            "python": platform.python_version(),
        },
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
    }


def write_report(report: dict[str, Any], path: Path) -> None:
    """Write the report as indented JSON, UTF-8, without nan or inf."""
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def describe_source(source: Path) -> dict[str, Any]:
    """Path, size and SHA-256 of a file; of a folder the number of files and one checksum over names and contents."""
    source = Path(source)
    digest = hashlib.sha256()
    if source.is_file():
        _feed(digest, source)
        return {"path": str(source), "bytes": source.stat().st_size, "sha256": digest.hexdigest()}
    if not source.is_dir():
        return {"path": str(source), "bytes": None, "sha256": None}
    members = sorted(path for path in source.rglob("*") if path.is_file())
    for path in members:
        digest.update(path.relative_to(source).as_posix().encode() + b"\0")
        _feed(digest, path)
    size = sum(path.stat().st_size for path in members)
    return {"path": str(source), "file_count": len(members), "bytes": size, "sha256": digest.hexdigest()}


def volume_text(volume_mm3: float) -> str:
    """A volume as people say it: ml, or mm³ where ml would be all zeros."""
    return f"{volume_mm3 / 1000:.2f} ml" if volume_mm3 >= 100 else f"{volume_mm3:.0f} mm³"


def plain(value: Any) -> Any:
    """Values as JSON knows them: tuples and arrays to lists, numpy to Python, paths to text, nan and inf to None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def _feed(digest: Any, path: Path) -> None:
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)


def _geometry(geometry: Geometry) -> dict[str, Any]:
    return {
        "frame": "LPS", "unit": "mm", "size_xyz": geometry.size_xyz, "spacing_xyz_mm": geometry.spacing_xyz_mm,
        "origin_lps_mm": geometry.origin_lps_mm, "direction": geometry.direction,
    }


def _fields(value: Any) -> dict[str, Any]:
    return asdict(value) if is_dataclass(value) else dict(vars(value))


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
