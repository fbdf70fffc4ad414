"""The parts of a result as Slicer shows them: label value, name, colour and coded meaning.

Codes are SNOMED CT as used in DICOM segmentations: coronary artery 41801008, left 7771000, right 24028007;
pathologic calcification 18115005 as a morphologically altered structure 49755003, located in the coronary artery.
"""

from __future__ import annotations

from dataclasses import dataclass

_CONTEXT = "Segmentation category and type - DICOM master list"
_REGIONS = "Anatomic codes - DICOM master list"
_ARTERY = "SCT^41801008^Coronary artery"


@dataclass(frozen=True)
class Part:
    """One label of a result. ``colour`` is RGB 0..1; ``always`` parts are written even when they have no voxel."""

    key: str
    value: int
    name: str
    colour: tuple[float, float, float]
    terminology: str
    always: bool = True


def _tree(modifier: str) -> str:
    return f"{_CONTEXT}~SCT^123037004^Anatomical Structure~{_ARTERY}~{modifier}~{_REGIONS}~^^~^^"


PARTS = (
    Part("left", 1, "Left coronary tree", (0.89, 0.23, 0.20), _tree("SCT^7771000^Left")),
    Part("right", 2, "Right coronary tree", (0.20, 0.47, 0.87), _tree("SCT^24028007^Right")),
    Part(
        "calcium", 3, "Coronary calcium", (0.98, 0.93, 0.78),
        f"{_CONTEXT}~SCT^49755003^Morphologically Altered Structure~SCT^18115005^Pathologic calcification~^^"
        f"~{_REGIONS}~{_ARTERY}~^^",
        always=False,
    ),
)
