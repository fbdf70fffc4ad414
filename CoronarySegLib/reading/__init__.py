"""From a file or a DICOM folder to a checked CT volume."""

from .checks import HUOffsetError, check_coronary_ct, with_hu_offset
from .dicom import list_series
from .dicom_series import SeriesInfo
from .findings import Finding
from .read import read_volume

__all__ = [
    "Finding", "HUOffsetError", "SeriesInfo", "check_coronary_ct", "list_series", "read_volume", "with_hu_offset",
]
