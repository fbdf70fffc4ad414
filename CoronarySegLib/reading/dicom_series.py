"""Which series a folder holds, which of them can be used, and which one is most likely the coronary CT."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from .dicom_headers import SliceHeader
from .dicom_phases import PREFERRED_PERCENT, Phase, split_phases
from .dicom_stack import plan_stack, positions_along

CT_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.2",  # CT Image Storage
    "1.2.840.10008.5.1.4.1.1.2.1",  # Enhanced CT
    "1.2.840.10008.5.1.4.1.1.2.2",  # Legacy Converted Enhanced CT
)
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
MAX_STACKS_PER_SERIES = 4
DIRECTION_TOLERANCE = 1e-3

# (pattern in image type or description, what it is). Checked in this order: a curved MIP is named after the curve.
PICTURES = (
    (r"localizer|scout|topogram|surview", "a localizer (overview picture)"),
    (r"\bcpr\b|curved", "a curved reformat (CPR): its slices are not parallel planes of the body"),
    (r"\bmip\b|mip_|_mip|max_ip|maximum intensity|projection image", "a maximum intensity projection (MIP)"),
    (r"\bvrt?\b|volume.?render|3d.?render", "a rendered picture"),
    (r"screen.?save|\bscreen|dose.?report|patient protocol", "a screen save or report"),
)
HEART_WORDS = r"cor(?!onal)|cta|angio|heart|card|herz|diast|syst"
OTHER_WORDS = r"calcium|ca[ .-]?sc|scor|nativ|non.?contrast|without|\bplain\b|unenh|premon|monitor|test ?bolus|lung"
SHARP_KERNEL = r"\b[BQ][fvr]?[5-9]\d|lung|bone|edge|sharp"


@dataclass(frozen=True)
class SeriesInfo:
    """One series (or one of several stacks in it) as a person chooses it.

    ``phases`` are the labels of its heart phases; ``shape_zyx`` and ``spacing_xyz_mm`` are those of one phase, None
    when there is no grid. ``verdict`` says why it cannot be used, "" when it can.
    """

    uid: str
    description: str
    modality: str
    image_type: tuple[str, ...]
    slice_count: int
    phases: tuple[str, ...]
    shape_zyx: tuple[int, int, int] | None
    spacing_xyz_mm: tuple[float, float, float] | None
    verdict: str

    @property
    def usable(self) -> bool:
        return not self.verdict

    def summary(self) -> str:
        """One line for a list."""
        grid = "x".join(str(n) for n in reversed(self.shape_zyx)) if self.shape_zyx else f"{self.slice_count} slices"
        name = self.description or "no description"
        return f"'{name}' ({self.modality}, {grid}, {', '.join(self.phases)}; UID {self.uid})"


@dataclass(frozen=True)
class Stack:
    """A series with its slices, ready to read. ``overridable``: the verdict yields to a choice by UID."""

    info: SeriesInfo
    phases: tuple[Phase, ...]
    warnings: tuple[str, ...]
    overridable: bool
    score: float


def stacks_of(headers: tuple[SliceHeader, ...]) -> tuple[Stack, ...]:
    """Group headers into series and judge each; usable ones first, the most likely coronary CT at the head."""
    by_series: dict[str, list[SliceHeader]] = defaultdict(list)
    for header in headers:
        by_series[header.series_uid or f"unnamed:{header.path.parent.name}"].append(header)
    stacks: list[Stack] = []
    for uid, members in by_series.items():
        groups = _parallel_groups(members)
        if len(groups) > MAX_STACKS_PER_SERIES:
            reason = f"slices in {len(groups)} different directions or sizes (a curved or radial reformat, no volume)"
            stacks.append(_unusable(uid, members, picture_verdict(members[0]) or reason))
            continue
        for number, group in enumerate(groups, start=1):
            stacks.append(_stack(uid if number == 1 else f"{uid}#{number}", group))
    return tuple(sorted(stacks, key=lambda stack: (not stack.info.usable, -stack.score)))


def picture_verdict(header: SliceHeader) -> str:
    """Why this slice is a picture and no measurement in HU, or ""."""
    if header.modality and header.modality != "CT":
        return f"its modality is {header.modality}, not CT"
    if header.sop_class.startswith(SECONDARY_CAPTURE):
        return "it is a secondary capture (a picture without HU)"
    text = " ".join((*header.image_type, header.description)).lower()
    for pattern, what in PICTURES:
        if re.search(pattern, text):
            return f"it is {what}"
    if header.samples_per_pixel > 1:
        return "it is a colour picture"
    if header.bits <= 8:
        return "it has 8 bits per pixel (a picture without HU)"
    if header.sop_class and header.sop_class not in CT_CLASSES:
        return f"it is no CT image object (SOP class {header.sop_class})"
    return ""


def _parallel_groups(members: list[SliceHeader]) -> list[list[SliceHeader]]:
    """Slices of equal size, pixel spacing and direction; the largest group first."""
    groups: list[list[SliceHeader]] = []
    for header in members:
        home = next((group for group in groups if _same_plane(group[0], header)), None)
        if home is None:
            groups.append([header])
        else:
            home.append(header)
    return sorted(groups, key=len, reverse=True)


def _same_plane(one: SliceHeader, other: SliceHeader) -> bool:
    if (one.rows, one.columns) != (other.rows, other.columns):
        return False
    for a, b in ((one.orientation, other.orientation), (one.spacing_yx_mm, other.spacing_yx_mm)):
        if (a is None) != (b is None) or (a is not None and np.abs(np.subtract(a, b)).max() > DIRECTION_TOLERANCE):
            return False
    return True


def _stack(uid: str, members: list[SliceHeader]) -> Stack:
    head = members[0]
    verdict = picture_verdict(head)
    if not verdict and (head.position_lps_mm is None or head.orientation is None or head.spacing_yx_mm is None):
        verdict = "its slices state no position or pixel spacing"
    if not verdict and any(s.position_lps_mm is None for s in members):
        verdict = "some of its slices state no position"
    if not verdict and min(head.spacing_yx_mm) <= 0:
        verdict = "its pixel spacing is zero"
    if verdict:
        return _unusable(uid, members, verdict)
    members = _without_copies(members)
    phases, repeated = split_phases(tuple(members), positions_along(tuple(members)))
    plans = [plan_stack(phase.slices) for phase in phases]
    verdict = plans[0].refusal if len(phases) == 1 else ""
    if len(phases) > 1 and all(plan.refusal for plan in plans):
        verdict = plans[0].refusal
    overridable = False
    if not verdict and head.image_type[:2] == ("DERIVED", "SECONDARY"):
        verdict = "it is derived from another series (image type DERIVED\\SECONDARY); the original is better"
        overridable = True
    plan = next((plan for plan in plans if not plan.refusal), plans[0])
    info = SeriesInfo(
        uid, head.description, head.modality or "no modality", head.image_type, len(members),
        tuple(phase.label for phase in phases),
        plan.geometry.shape_zyx if plan.geometry else None, plan.geometry.spacing_xyz_mm if plan.geometry else None,
        verdict,
    )
    return Stack(info, phases, tuple(_stack_warnings(head, members, repeated)), overridable, _score(info, phases))


def _stack_warnings(head: SliceHeader, members: list[SliceHeader], repeated: int) -> list[str]:
    warnings = []
    if repeated:
        warnings.append(f"{repeated} slices lie on positions that were there already; the first of each was taken.")
    if any(s.slope is None or s.intercept is None for s in members):
        warnings.append("The DICOM header states no rescale slope and intercept: the values may not be HU.")
    if any(s.lossy for s in members):
        warnings.append("The images were stored with lossy compression: fine vessels may be blurred.")
    if head.image_type[:1] == ("DERIVED",):
        warnings.append("The series is marked as derived from another one.")
    return warnings


def _unusable(uid: str, members: list[SliceHeader], verdict: str) -> Stack:
    head = members[0]
    info = SeriesInfo(uid, head.description, head.modality or "no modality", head.image_type, len(members),
                      ("single phase",), None, None, verdict)
    return Stack(info, (), (), False, 0.0)


def _without_copies(members: list[SliceHeader]) -> list[SliceHeader]:
    """The same image exported twice (equal SOP instance UID, frame and position) counts once."""
    kept: dict[tuple, SliceHeader] = {}
    for header in members:
        key = (header.sop_uid or header.path, header.frame, header.position_lps_mm)
        kept.setdefault(key, header)
    return list(kept.values())


def _score(info: SeriesInfo, phases: tuple[Phase, ...]) -> float:
    """Higher is a more likely coronary CT: thin slices, a heart's extent, the right words, a quiet phase."""
    if info.shape_zyx is None:
        return 0.0
    head = phases[0].slices[0]
    text = f"{info.description} {head.comments}".lower()
    percents = [phase.percent for phase in phases if phase.percent is not None]
    extent_mm = info.shape_zyx[0] * info.spacing_xyz_mm[2]
    score = -10.0 * min(info.spacing_xyz_mm[2], 5.0)
    score -= 50.0 if extent_mm < 60.0 else 0.0
    score += 10.0 if re.search(HEART_WORDS, text) else 0.0
    score -= 30.0 if re.search(OTHER_WORDS, text) else 0.0
    score += 5.0 if head.contrast_agent else 0.0
    score -= 5.0 if re.search(SHARP_KERNEL, head.kernel, re.IGNORECASE) else 0.0
    score -= 0.2 * min((abs(p - PREFERRED_PERCENT) for p in percents), default=0.0)
    return score + 1e-4 * info.slice_count
