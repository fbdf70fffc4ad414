"""The case folder: everything one result is, written at once or not at all."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..errors import OutputError
from ..in_place import folder_in_place
from ..progress import Progress, ProgressCallback, as_progress
from ..volume import Volume
from .report import SCHEMA, build_report, write_report
from .seg_nrrd import write_seg_nrrd
from .volumes import write_labels, write_probability

if TYPE_CHECKING:
    from ..inference import Prediction
    from ..models import ModelCard
    from ..postprocessing import Trees
    from ..reconstruction import PointCloud, Surface

log = logging.getLogger(__name__)
REPORT = "report.json"


class CaseResult(Protocol):
    """What a result must offer to be written; :class:`~CoronarySegLib.segmentation.CoronaryResult` does.

    ``labels`` (uint8) and ``probability`` (lumen, 0..1) lie on the input grid. ``surfaces`` are by name ("left",
    "right", "calcium"), ``point_clouds`` by kind ("distance", "confidence").
    """

    labels: Volume
    probability: Volume
    trees: Trees
    surfaces: Mapping[str, Surface]
    point_clouds: Mapping[str, PointCloud]
    prediction: Prediction
    model_card: ModelCard
    timings: Mapping[str, float]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class CaseFiles:
    """The files of a case. ``probability`` and ``picture`` are None when not wanted or, the picture, not possible."""

    folder: Path
    report: Path
    labels: Path
    segmentation: Path
    probability: Path | None = None
    picture: Path | None = None
    stl: dict[str, Path] = field(default_factory=dict)
    vtp: dict[str, Path] = field(default_factory=dict)
    points: dict[str, Path] = field(default_factory=dict)

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file, the folder itself not."""
        values = [getattr(self, f.name) for f in fields(self) if f.name != "folder"]
        singles = [value for value in values if isinstance(value, Path)]
        return (*singles, *(path for value in values if isinstance(value, dict) for path in value.values()))


def write_case(
    result: CaseResult,
    folder: Path | str,
    *,
    source: Path | str | None = None,
    overwrite: bool = False,
    probability: bool = True,
    picture: bool = True,
    progress: Progress | ProgressCallback | None = None,
) -> CaseFiles:
    """Write ``result`` as a case folder: ``labels.nii.gz``, ``probability.nii.gz``, ``segmentation.seg.nrrd``, for each
    surface ``<name>.stl`` and ``<name>.vtp``, ``points_<kind>.ply``, ``picture.png`` and ``report.json``.

    All is written to a hidden folder beside it and renamed at the end, so a case folder that exists is complete.
    ``source`` is the file or DICOM folder the CT came from. ``overwrite`` replaces an older case, never another kind of
    folder. A picture that cannot be drawn is a warning in the report, nothing more.

    Raises OutputError when the folder exists (and is not empty) or cannot be written, Cancelled.
    """
    folder = Path(os.path.abspath(Path(folder).expanduser()))  # noqa: PTH100 (resolve() would follow a link)
    progress = as_progress(progress)
    check_folder(folder, overwrite=overwrite)
    with folder_in_place(folder, "The case") as partial:
        files = _write_all(result, partial, None if source is None else Path(source), probability, picture, progress)
    return _moved(files, folder)


def check_folder(folder: Path | str, *, overwrite: bool = False) -> None:
    """Raise OutputError when a case may not be written to ``folder``: call it before hours of work, not after."""
    folder = Path(folder).expanduser()
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError(f"{folder} is a file. Choose a folder for the results.")
    if not any(folder.iterdir()):
        return
    if not overwrite:
        raise OutputError(f"{folder} exists and is not empty. Choose another folder, or ask to overwrite it.")
    if not _is_case(folder):
        raise OutputError(
            f"{folder} holds no earlier case of CoronarySeg and is not overwritten, to keep what is in it. "
            "Choose another folder."
        )


def _write_all(
    result: CaseResult, folder: Path, source: Path | None, probability: bool, picture: bool, progress: Progress
) -> CaseFiles:
    from .surfaces import write_ply, write_stl, write_vtp

    timings: dict[str, float] = {}
    warnings: list[str] = []

    def timed(step: str, start: float, text: str, write: Callable[[], None]) -> None:
        progress(start, text)
        began = time.perf_counter()
        write()
        timings[step] = round(time.perf_counter() - began, 3)

    files = CaseFiles(
        folder, folder / REPORT, folder / "labels.nii.gz", folder / "segmentation.seg.nrrd",
        probability=folder / "probability.nii.gz" if probability else None,
        stl={name: folder / f"{name}.stl" for name in result.surfaces},
        vtp={name: folder / f"{name}.vtp" for name in result.surfaces},
        points={kind: folder / f"points_{kind}.ply" for kind in result.point_clouds},
    )

    def surfaces() -> None:
        for name, surface in result.surfaces.items():
            write_stl(surface, files.stl[name])
            write_vtp(surface, files.vtp[name], result.prediction)
        for kind, points in result.point_clouds.items():
            write_ply(points, files.points[kind])

    timed("write_labels", 0.0, "Writing labels", lambda: write_labels(result.labels, files.labels))
    timed("write_segmentation", 0.1, "Writing labels", lambda: write_seg_nrrd(result.labels, files.segmentation))
    if files.probability is not None:
        timed("write_probability", 0.2, "Writing the probability",
              lambda: write_probability(result.probability, files.probability))
    timed("write_surfaces", 0.5, "Writing surfaces", surfaces)
    if picture:
        target = folder / "picture.png"
        timed("write_picture", 0.6, "Drawing the picture", lambda: _draw(result, target, warnings))
        files = replace(files, picture=target if target.is_file() else None)
    progress(0.95, "Writing the report")
    report = build_report(result, source=source, files=files.all, timings_s=timings, warnings=warnings)
    write_report(report, files.report)
    progress(1.0, "Written")
    return files


def _draw(result: CaseResult, path: Path, warnings: list[str]) -> None:
    def draw() -> None:
        from .picture import write_picture

        write_picture(result, path)

    draw_or_warn(draw, path, warnings)


def draw_or_warn(draw: Callable[[], None], path: Path, warnings: list[str]) -> None:
    """Call ``draw``, which writes the picture ``path``; when it fails there is no picture and one more warning."""
    try:
        draw()
    except Exception as error:
        # The segmentation is what was asked for; a missing font must not take it away.
        log.exception("The picture could not be drawn")
        path.unlink(missing_ok=True)
        warnings.append(f"The picture could not be drawn ({type(error).__name__}: {error}). The results are complete.")


def _is_case(folder: Path) -> bool:
    try:
        report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        return isinstance(report, dict) and report.get("schema", 0) <= SCHEMA and "coronaryseg" in report
    except (OSError, ValueError, TypeError):
        return False


def _moved(files: CaseFiles, folder: Path) -> CaseFiles:
    def moved(value):
        if isinstance(value, dict):
            return {key: folder / path.name for key, path in value.items()}
        return None if value is None else folder / value.name

    values = {f.name: moved(getattr(files, f.name)) for f in fields(files) if f.name != "folder"}
    return CaseFiles(folder=folder, **values)
