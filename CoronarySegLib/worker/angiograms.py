"""The vessels of an X-ray angiogram in a process of its own: what goes in, what comes back, and the doing of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..progress import Progress
from ..provenance import Provenance

FRAMES, MASKS = "frames.npy", "masks.npy"


@dataclass(frozen=True)
class AngiogramJob:
    """Segment ``frames`` (t, y, x), raw grey values of a run. ``name`` is what messages call it.

    ``which`` is "best", "all" or a frame from 0; the rest as in ``angiogram.segmentation.segment_angiogram``.
    """

    frames: np.ndarray
    name: str
    spacing_mm: float | None = None
    which: int | str = "all"
    model: str | None = None
    device: str = "auto"

    def write(self, folder: Path) -> dict[str, Any]:
        """The frames into ``folder``, everything else as plain values."""
        np.save(folder / FRAMES, self.frames)
        return {name: getattr(self, name) for name in ("name", "spacing_mm", "which", "model", "device")}

    @staticmethod
    def read(about: dict[str, Any], folder: Path) -> AngiogramJob:
        return AngiogramJob(np.load(folder / FRAMES), **about)


@dataclass(frozen=True)
class AngiogramOutcome:
    """``masks`` (n, y, x) bool of the frames numbered ``frames`` (from 0); ``best`` is the one with most vessel.

    ``vessels`` and ``stenoses`` are rows of named columns with ``frame`` from 1, in ``unit`` "mm" or "px".
    """

    masks: np.ndarray
    frames: tuple[int, ...]
    best: int
    unit: str
    vessels: tuple[dict[str, Any], ...]
    stenoses: tuple[dict[str, Any], ...]
    provenance: Provenance
    warnings: tuple[str, ...] = ()

    @staticmethod
    def read(about: dict[str, Any], folder: Path) -> AngiogramOutcome:
        masks = np.load(folder / MASKS).astype(bool)
        return AngiogramOutcome(
            masks, tuple(about["frames"]), about["best"], about["unit"], tuple(about["vessels"]),
            tuple(about["stenoses"]), Provenance(**about["provenance"]), tuple(about["warnings"]),
        )


def segment(job: AngiogramJob, folder: Path, progress: Progress) -> dict[str, Any]:
    """Do the job, put the masks into ``folder`` and return the rest as plain values."""
    progress(0.0, "Loading the network")
    from ..angiogram.measurement.rows import stenosis_rows, vessel_rows
    from ..angiogram.reading import checked_run
    from ..angiogram.segmentation import model_for_angiograms, segment_angiogram
    from ..writing.report import plain

    white = 255.0 if job.frames.dtype == np.uint8 else None
    run = checked_run(job.frames, name=job.name, source=job.name, spacing_mm=job.spacing_mm, white=white)
    model = model_for_angiograms(job.model)
    result = segment_angiogram(run, model=model, device=job.device, frames=job.which, progress=progress)
    np.save(folder / MASKS, np.stack([frame.mask for frame in result.frames]).astype(np.uint8))
    measured = [(frame.image.frame + 1, frame.measurements) for frame in result.frames]
    provenance = Provenance(
        __version__, result.model, {stage.name: stage.sha256 for stage in model.card.stages}, result.engine,
        {step: round(seconds, 2) for step, seconds in result.timings.items()}, warnings=result.warnings,
    )
    return plain({
        "frames": [frame.image.frame for frame in result.frames], "best": result.frames[result.best].image.frame,
        "unit": measured[0][1].unit,
        "vessels": [{"frame": number, **row} for number, one in measured for row in vessel_rows(one)],
        "stenoses": [{"frame": number, **row} for number, one in measured for row in stenosis_rows(one)],
        "provenance": asdict(provenance), "warnings": list(result.warnings),
    })
