"""The tissues of the phantom. Later values paint over earlier ones when an anatomy is rasterised."""

from __future__ import annotations

from enum import IntEnum


class Tissue(IntEnum):
    """What a voxel is made of, coronary lumen, calcium and cardiac veins aside: those are fractions of a voxel."""

    AIR = 0
    FAT = 1
    MUSCLE = 2
    LUNG = 3
    MEDIASTINUM = 4
    LIVER = 5
    STOMACH_GAS = 6
    BONE_CORTEX = 7
    BONE_MARROW = 8
    OESOPHAGUS = 9
    BRONCHIAL_WALL = 10
    BRONCHIAL_AIR = 11
    LUNG_ARTERY = 12
    LUNG_VEIN = 13
    PERICARDIUM = 14
    EPICARDIAL_FAT = 15
    VESSEL_WALL = 16
    MYOCARDIUM = 17
    ATRIAL_WALL = 18
    RIGHT_ATRIUM = 19
    RIGHT_VENTRICLE = 20
    PULMONARY_ARTERY = 21
    LEFT_ATRIUM = 22
    LEFT_VENTRICLE = 23
    AORTA = 24
    SUPERIOR_CAVA = 25
    INFERIOR_CAVA = 26
    TRABECULA = 27
    VALVE = 28
    MAMMARY_ARTERY = 29
    LEAD = 30
