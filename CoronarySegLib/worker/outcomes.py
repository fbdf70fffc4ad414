"""What a worker hands back: files in the folder of the job, and ``result.json``, written last and at once.

Where there is no ``result.json`` the worker has died. An error of the library travels by the name of its class.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .. import errors
from ..centreline.tree import CentrelineTree
from ..environment import Finding
from ..errors import CoronarySegError, WorkerError
from ..in_place import write_text
from ..provenance import Provenance
from ..review.suspects import Suspect
from ..volume import Volume
from .angiograms import AngiogramOutcome
from .jobs import read_trees, read_volume, write_trees, write_volume

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ..inference import Prediction
    from ..reconstruction import Surface
    from ..segmentation import CoronaryResult

RESULT = "result.json"


@dataclass(frozen=True)
class PartSurface:
    """The surface of one part, triangles in LPS mm."""

    polydata: vtkPolyData


@dataclass(frozen=True)
class SegmentOutcome:
    """A segmentation as it comes back. ``labels``, ``probability`` (0..1) on the grid of the CT; the rest in LPS mm;
    ``suspects`` are the places to look at first."""

    labels: Volume
    probability: Volume
    surfaces: dict[str, PartSurface]
    trees: dict[str, CentrelineTree]
    provenance: Provenance
    warnings: tuple[str, ...] = ()
    suspects: tuple[Suspect, ...] = ()


@dataclass(frozen=True)
class ReviewOutcome:
    """The suspicious places of a result, the most suspicious first."""

    suspects: tuple[Suspect, ...]


@dataclass(frozen=True)
class FollowOutcome:
    """Surfaces of corrected labels by part; centrelines only where they were asked for. LPS mm."""

    surfaces: dict[str, PartSurface]
    trees: dict[str, CentrelineTree]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class CfdOutcome:
    """Flow models. ``folder`` lies in the folder of the job: move it away before that is removed."""

    folder: Path
    summary: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckOutcome:
    """What was found about this machine. ``patch_seconds``: one patch of the finest network, None if it cannot run."""

    findings: tuple[Finding, ...]
    engine: str = ""
    patch_seconds: float | None = None
    warnings: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class PhantomOutcome:
    """The CT of a phantom, int16 HU."""

    ct: Volume


Outcome = SegmentOutcome | AngiogramOutcome | CfdOutcome | CheckOutcome | ReviewOutcome | FollowOutcome | PhantomOutcome


def write_segmentation(
    folder: Path, result: CoronaryResult, trees: Mapping[str, CentrelineTree], provenance: Provenance,
    warnings: tuple[str, ...], suspects: Sequence[Suspect] = (),
) -> None:
    write_surfaces(result.surfaces, folder, result.prediction)
    write_trees(trees, folder)
    finish(folder, {
        "kind": "SegmentOutcome", "labels": write_volume(result.labels, folder / "labels.npy"),
        "probability": write_volume(result.probability, folder / "probability.npy"), "surfaces": list(result.surfaces),
        "trees": list(trees), "provenance": asdict(provenance), "warnings": list(warnings),
        "suspects": [one.as_dict() for one in suspects],
    })


def write_surfaces(surfaces: Mapping[str, Surface], folder: Path, prediction: Prediction | None = None) -> None:
    from ..writing.surfaces import write_vtp

    for name, surface in surfaces.items():
        write_vtp(surface, folder / f"surface_{name}.vtp", prediction)


def write_error(folder: Path, error: CoronarySegError) -> None:
    finish(folder, {"kind": "error", "class": type(error).__name__, "text": str(error)})


def finish(folder: Path, about: dict) -> None:
    """Write ``result.json``, whole or not at all."""
    write_text(folder / RESULT, json.dumps(about, ensure_ascii=False))


def read_outcome(folder: Path) -> Outcome | None:
    """The outcome in ``folder``, None where there is none. Raises the error the worker ended with."""
    path = folder / RESULT
    if not path.is_file():
        return None
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        kind = about.pop("kind")
        if kind == "error":
            raise _error_of(about)
        warnings = tuple(about.get("warnings", ()))
        suspects = tuple(Suspect.of_dict(one) for one in about.get("suspects", ()))
        if kind == "AngiogramOutcome":
            return AngiogramOutcome.read(about, folder)
        if kind == "ReviewOutcome":
            return ReviewOutcome(suspects)
        if kind == "PhantomOutcome":
            return PhantomOutcome(read_volume(about["ct"], folder / "phantom.npy"))
        if kind == "CheckOutcome":
            findings = tuple(Finding(**one) for one in about["findings"])
            return CheckOutcome(findings, about["engine"], about["patch_seconds"], warnings)
        if kind == "CfdOutcome":
            return CfdOutcome(folder / about["folder"], tuple(about["summary"]), warnings)
        if kind == "FollowOutcome":
            surfaces = {name: PartSurface(_polydata(folder / f"surface_{name}.vtp")) for name in about["surfaces"]}
            return FollowOutcome(surfaces, read_trees(about["trees"], folder), warnings)
        return SegmentOutcome(
            read_volume(about["labels"], folder / "labels.npy"),
            read_volume(about["probability"], folder / "probability.npy"),
            {name: PartSurface(_polydata(folder / f"surface_{name}.vtp")) for name in about["surfaces"]},
            read_trees(about["trees"], folder), Provenance(**about["provenance"]), warnings,
            suspects,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorkerError(f"The result of the run cannot be read ({error}). Run it again.") from error


def _error_of(about: Mapping) -> CoronarySegError:
    known = getattr(errors, about["class"], CoronarySegError)
    fits = isinstance(known, type) and issubclass(known, CoronarySegError)
    return (known if fits else CoronarySegError)(about["text"])


def _polydata(path: Path) -> vtkPolyData:
    from vtkmodules.vtkIOXML import vtkXMLPolyDataReader

    reader = vtkXMLPolyDataReader()
    reader.SetFileName(str(path))
    reader.Update()
    return reader.GetOutput()
