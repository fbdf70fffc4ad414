"""What a worker is asked to do, as values and as files in the folder of the job."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from ..centreline.tree import CentrelineTree
from ..errors import InputError
from ..review.suspects import ReviewCase
from ..volume import Geometry, Volume
from .angiograms import AngiogramJob

JOB = "job.json"
NAMED = "named"


@dataclass(frozen=True)
class SegmentJob:
    """Segment ``ct`` (HU). ``model``, ``device`` and ``quality`` as in ``segmentation.segment``."""

    ct: Volume
    model: str | None = None
    device: str = "auto"
    quality: str = "standard"
    centrelines: bool = True


@dataclass(frozen=True)
class CfdJob:
    """Flow models from ``labels`` (1 left, 2 right). ``trees`` by side keep names and corrections of the user.

    ``probability`` (0..1, same grid) gives a finer wall than the labels. ``names_from``, earlier centrelines, keep the
    names of the user where ``trees`` are not given. The rest as in ``cfd.export.CfdOptions``.
    """

    labels: Volume
    probability: Volume | None = None
    trees: Mapping[str, CentrelineTree] = field(default_factory=dict)
    unit: str = "mm"
    sides: tuple[str, ...] = ("left", "right")
    formats: tuple[str, ...] = ("stl", "vtp")
    extension_diameters: float = 5.0
    picture: bool = False
    names_from: Mapping[str, CentrelineTree] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckJob:
    """Look whether this Python can run a segmentation, and how fast. ``model`` as in ``segmentation.segment``."""

    model: str | None = None
    device: str = "auto"


@dataclass(frozen=True)
class ReviewJob:
    """Look for the suspicious places of a result, as it is now."""

    case: ReviewCase


@dataclass(frozen=True)
class FollowJob:
    """Surfaces of corrected ``labels``; with ``anew`` also centrelines, with the names that a person gave ``trees``."""

    labels: Volume
    trees: Mapping[str, CentrelineTree] = field(default_factory=dict)
    anew: bool = False


@dataclass(frozen=True)
class PhantomJob:
    """Make the CT of a phantom; ``seed``, ``shape_zyx`` and ``spacing_xyz_mm`` as in ``phantom.PhantomSettings``."""

    seed: int
    shape_zyx: tuple[int, int, int]
    spacing_xyz_mm: tuple[float, float, float]


Job = SegmentJob | AngiogramJob | CfdJob | CheckJob | ReviewJob | FollowJob | PhantomJob
REVIEWED = ("labels", "probability", "ct", "vein", "variance")


def write_job(job: Job, folder: Path) -> None:
    """Write ``job`` into its folder, which must exist. Raises OSError."""
    if isinstance(job, SegmentJob):
        about = {"model": job.model, "device": job.device, "quality": job.quality, "centrelines": job.centrelines}
        about["ct"] = write_volume(job.ct, folder / "ct.npy")
    elif isinstance(job, AngiogramJob):
        about = job.write(folder)
    elif isinstance(job, CfdJob):
        about = {name: getattr(job, name) for name in ("unit", "sides", "formats", "extension_diameters", "picture")}
        about["labels"] = write_volume(job.labels, folder / "labels.npy")
        about["probability"] = None if job.probability is None else write_volume(
            job.probability, folder / "probability.npy"
        )
        about |= {"trees": list(job.trees), "names_from": list(job.names_from)}
        write_trees(job.trees, folder)
        (folder / NAMED).mkdir()
        write_trees(job.names_from, folder / NAMED)
    elif isinstance(job, FollowJob):
        about = {"labels": write_volume(job.labels, folder / "labels.npy"), "anew": job.anew, "trees": list(job.trees)}
        write_trees(job.trees, folder)
    elif isinstance(job, ReviewJob):
        given = {name: getattr(job.case, name) for name in REVIEWED if getattr(job.case, name) is not None}
        about = {name: write_volume(volume, folder / f"{name}.npy") for name, volume in given.items()}
        about["trees"] = list(job.case.trees)
        write_trees(job.case.trees, folder)
    else:
        about = asdict(job)
    kind = type(job).__name__
    (folder / JOB).write_text(json.dumps({"kind": kind, **about}, ensure_ascii=False), encoding="utf-8")


def read_job(folder: Path) -> Job:
    """The job written into ``folder``. Raises InputError when there is none that this version knows."""
    try:
        about = json.loads((folder / JOB).read_text(encoding="utf-8"))
        kind = about.pop("kind")
        if kind == "SegmentJob":
            return SegmentJob(**{**about, "ct": read_volume(about["ct"], folder / "ct.npy")})
        if kind == "AngiogramJob":
            return AngiogramJob.read(about, folder)
        if kind == "CheckJob":
            return CheckJob(**about)
        if kind == "PhantomJob":
            return PhantomJob(about["seed"], tuple(about["shape_zyx"]), tuple(about["spacing_xyz_mm"]))
        if kind == "ReviewJob":
            trees = read_trees(about.pop("trees"), folder)
            volumes = {name: read_volume(one, folder / f"{name}.npy") for name, one in about.items()}
            return ReviewJob(ReviewCase(trees=trees, **volumes))
        if kind == "FollowJob":
            labels = read_volume(about["labels"], folder / "labels.npy")
            return FollowJob(labels, read_trees(about["trees"], folder), about["anew"])
        if kind == "CfdJob":
            known = about.pop("probability")
            return CfdJob(**{
                **about, "labels": read_volume(about["labels"], folder / "labels.npy"),
                "probability": None if known is None else read_volume(known, folder / "probability.npy"),
                "trees": read_trees(about["trees"], folder), "sides": tuple(about["sides"]),
                "names_from": read_trees(about["names_from"], folder / NAMED),
                "formats": tuple(about["formats"]),
            })
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"The job in {folder} cannot be read ({error}). Start it again.") from error
    raise InputError(f"The job in {folder} is of a kind this version does not know ({kind}). Start it again.")


def write_volume(volume: Volume, path: Path) -> dict:
    """Voxels to ``path`` (.npy), everything else returned as plain values for a JSON file."""
    np.save(path, volume.array)
    return {"geometry": asdict(volume.geometry), "source": volume.source, "warnings": list(volume.warnings)}


def read_volume(about: Mapping, path: Path) -> Volume:
    """The volume that :func:`write_volume` wrote."""
    geometry = Geometry(**{name: tuple(values) for name, values in about["geometry"].items()})
    return Volume(np.load(path), geometry, about["source"], tuple(about["warnings"]))


def write_trees(trees: Mapping[str, CentrelineTree], folder: Path) -> None:
    from ..centreline.files import write_vtp

    for key, tree in trees.items():
        write_vtp({key: tree}, folder / f"centreline_{key}.vtp")


def read_trees(keys: list[str], folder: Path) -> dict[str, CentrelineTree]:
    from ..centreline.files import read_vtp

    return {key: read_vtp(folder / f"centreline_{key}.vtp")[key] for key in keys}
