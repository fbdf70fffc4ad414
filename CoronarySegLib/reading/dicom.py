"""A DICOM folder, or one file of a series, to one checked volume in HU."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from ..errors import InputError
from ..progress import Progress, ProgressCallback, as_progress
from ..volume import Volume
from .dicom_headers import headers_of_file, read_headers
from .dicom_phases import choose_phase
from .dicom_series import SeriesInfo, Stack, stacks_of
from .dicom_stack import load_stack, plan_stack
from .volume_files import checked_volume, is_volume_file

log = logging.getLogger(__name__)


def list_series(
    folder: Path | str, *, progress: Progress | ProgressCallback | None = None
) -> tuple[SeriesInfo, ...]:
    """Every DICOM image series below ``folder``, the most likely coronary CT first, unusable ones last with a reason.

    Raises InputError when the folder is missing or holds no DICOM images.
    """
    return tuple(stack.info for stack in _stacks(Path(folder), as_progress(progress)))


def read_dicom(
    path: Path,
    *,
    series_uid: str | None = None,
    phase: float | str | None = None,
    progress: Progress | ProgressCallback | None = None,
) -> Volume:
    """One series of a folder (or the series that the file ``path`` belongs to) as a volume in HU.

    Without ``series_uid`` the best usable series is taken, without ``phase`` the one near 75 % of the R-R interval or
    the middle one; both choices are stated in the warnings and logged. Raises InputError, naming series and reason.
    """
    progress = as_progress(progress)
    folder = path if path.is_dir() else path.parent
    one_slice = path.is_file() and path.name.upper() != "DICOMDIR"
    stacks = _stacks(folder, progress.part(0.0, 0.4))
    warnings: list[str] = []
    if one_slice and series_uid is None:
        stack = _stack_of_file(stacks, path)
    else:
        stack, warnings = _chosen(stacks, series_uid, folder)
    if stack.info.verdict and not (stack.overridable and series_uid is not None):
        raise InputError(_refusal(stack))
    chosen, warning = choose_phase(stack.phases, phase)
    plan = plan_stack(chosen.slices)
    if plan.refusal:
        raise InputError(
            f"The heart phase {chosen.label} of {stack.info.summary()} cannot be used: {plan.refusal}. "
            "Export the series again, or choose another phase."
        )
    warnings += [warning] if warning else []
    log.info("reading %s, %s", stack.info.summary(), chosen.label)
    volume = load_stack(plan, progress.part(0.4, 1.0))
    source = f"{path} · DICOM series {stack.info.summary()} · {chosen.label}"
    volume = replace(volume, source=source, warnings=(*warnings, *stack.warnings, *volume.warnings))
    return checked_volume(volume, f"The DICOM series {stack.info.description or stack.info.uid}")


def _stacks(folder: Path, progress: Progress) -> tuple[Stack, ...]:
    if not folder.is_dir():
        raise InputError(f"The folder {folder} does not exist. Check the path.")
    stacks = stacks_of(read_headers(folder, progress))
    if stacks:
        return stacks
    others = sorted(path.name for path in folder.iterdir() if path.is_file() and is_volume_file(path))
    if others:
        raise InputError(
            f"The folder {folder} holds no DICOM images but volume files ({', '.join(others[:3])}). "
            "Give one of these files."
        )
    raise InputError(f"The folder {folder} holds no DICOM images. Give the folder of one CT series or a volume file.")


def _chosen(stacks: tuple[Stack, ...], series_uid: str | None, folder: Path) -> tuple[Stack, list[str]]:
    listed = "; ".join(stack.info.summary() for stack in stacks[:8])
    if series_uid is not None:
        found = [stack for stack in stacks if stack.info.uid == series_uid]
        if not found:
            raise InputError(f"There is no series {series_uid} in {folder}. It holds: {listed}.")
        return found[0], []
    usable = [stack for stack in stacks if stack.info.usable]
    if not usable:
        if len(stacks) == 1:
            raise InputError(_refusal(stacks[0]))
        reasons = "; ".join(f"{stack.info.summary()}: {stack.info.verdict}" for stack in stacks[:8])
        raise InputError(
            f"None of the {len(stacks)} series in {folder} can be used: {reasons}. "
            "Export the original thin axial CT series."
        )
    if len(usable) == 1:
        return usable[0], []
    others = "; ".join(stack.info.summary() for stack in usable[1:6])
    return usable[0], [
        f"{len(usable)} series can be used; {usable[0].info.summary()} was taken. Others: {others}. "
        "Choose another by its UID."
    ]


def _stack_of_file(stacks: tuple[Stack, ...], path: Path) -> Stack:
    for stack in stacks:
        if any(header.path == path for phase in stack.phases for header in phase.slices):
            return stack
    # An unusable stack keeps no slices: read the file alone to say why.
    alone = stacks_of(tuple(headers_of_file(path)))
    if not alone:
        raise InputError(f"{path.name} is no DICOM image. Give a slice of a CT series, its folder or a volume file.")
    uid = alone[0].info.uid
    raise InputError(_refusal(next((stack for stack in stacks if stack.info.uid == uid), alone[0])))


def _refusal(stack: Stack) -> str:
    return (
        f"The DICOM series {stack.info.summary()} cannot be used: {stack.info.verdict}. "
        "Export the original thin axial CT series, complete, and give its folder."
    )
