"""The parts of a result as other programs show them: label value, name, colour and coded meaning.

Codes are SNOMED CT as in DICOM segmentations: coronary artery 41801008 with the modifiers left 7771000 and right
24028007; pathologic calcification 18115005 as a morphologically altered structure 49755003 in the coronary artery.
"""

from __future__ import annotations

from dataclasses import dataclass

_CONTEXT = "Segmentation category and type - DICOM master list"
_REGIONS = "Anatomic codes - DICOM master list"
_ARTERY = "SCT^41801008^Coronary artery"


@dataclass(frozen=True)
class Segment:
    """One label. ``colour`` is RGB 0..1; an ``optional`` segment is left out of files when it has no voxel."""

    key: str
    value: int
    name: str
    colour: tuple[float, float, float]
    terminology: str
    optional: bool = False


def _tree(modifier: str) -> str:
    return f"{_CONTEXT}~SCT^123037004^Anatomical Structure~{_ARTERY}~{modifier}~{_REGIONS}~^^~^^"


SEGMENTS = (
    Segment("left", 1, "Left coronary tree", (0.89, 0.23, 0.20), _tree("SCT^7771000^Left")),
    Segment("right", 2, "Right coronary tree", (0.20, 0.47, 0.87), _tree("SCT^24028007^Right")),
    Segment(
        "calcium", 3, "Coronary calcium", (0.98, 0.93, 0.78),
        f"{_CONTEXT}~SCT^49755003^Morphologically Altered Structure~SCT^18115005^Pathologic calcification~^^"
        f"~{_REGIONS}~{_ARTERY}~^^",
        optional=True,
    ),
)

VEIN = Segment(
    "vein", 4, "Cardiac vein", (0.27, 0.42, 0.62),
    f"{_CONTEXT}~SCT^123037004^Anatomical Structure~SCT^29092000^Vein~^^~{_REGIONS}~SCT^80891009^Heart~^^",
    optional=True,
)
"""What a correction takes out of a tree as a vein; no run makes it."""
PROJECTED = Segment(
    "projected", 1, "Coronary arteries", (0.89, 0.23, 0.20), f"{_CONTEXT}~SCT^123037004^Anatomical Structure~{_ARTERY}~"
    f"^^~{_REGIONS}~^^~^^",
)
"""All vessels of an X-ray angiogram: one injection shows one tree, and a mask does not say which."""
CORRECTED_SEGMENTS = (*SEGMENTS, VEIN)
