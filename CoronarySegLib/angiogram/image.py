"""The value that every step on X-ray angiograms shares: one frame with what is known of its scale and origin.

Frame: pixels, array order (y, x), y downwards as on the screen; points in pixels are (y, x) with 0 at the centre of the
first pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True)
class AngiogramImage:
    """One frame of an angiogram. ``array`` (y, x) is float32 in 0..1 with vessels dark, whatever the file's polarity.

    ``spacing_mm`` is the size of a pixel in the plane of the heart, None where it is not known: lengths then stay in
    pixels. ``source`` is the file; ``frame`` counts from 0 in a run. ``warnings`` travel with the image.
    """

    array: np.ndarray
    spacing_mm: float | None = None
    source: str = ""
    frame: int = 0
    warnings: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.array.ndim != 2:
            raise ValueError(f"an angiogram frame is an array (y, x), not {self.array.shape}")
        if self.spacing_mm is not None and not self.spacing_mm > 0:
            raise ValueError(f"spacing_mm is {self.spacing_mm}: give a positive number, or None where it is unknown")

    @property
    def unit(self) -> str:
        """The unit of lengths measured on this image."""
        return "px" if self.spacing_mm is None else "mm"

    @property
    def length_of_pixel(self) -> float:
        """One pixel in :attr:`unit`."""
        return 1.0 if self.spacing_mm is None else self.spacing_mm

    def with_array(self, array: np.ndarray) -> AngiogramImage:
        """Other values (y, x) on the same pixels."""
        if array.shape != self.array.shape:
            raise ValueError(f"array {array.shape} does not fit the image {self.array.shape}")
        return replace(self, array=array)
