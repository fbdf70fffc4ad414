"""Any image onto the square of a network: the longer side scaled to the square's, the shorter one continued by its rim.

A network of whole images has learned vessels of a certain width in pixels; scaling by the field, not by the pixel size,
keeps that width alike because angiograms show about the same field at 300 as at 1024 pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from skimage.transform import resize


@dataclass(frozen=True)
class Square:
    """``array`` (side, side) float32; ``inner`` is the part (rows, columns) that shows the image of ``shape``."""

    array: np.ndarray
    inner: tuple[int, int]
    shape: tuple[int, int]

    def back(self, answer: np.ndarray) -> np.ndarray:
        """What a network said of the square (side, side), on the pixels of the image it came from."""
        part = answer[: self.inner[0], : self.inner[1]]
        return part if self.inner == self.shape else _scaled(part, self.shape)


def onto_square(image: np.ndarray, side: int, *, continued: bool = True) -> Square:
    """An image or mask (y, x), 0..1, on a square of ``side`` pixels; a square of that size stays as it is.

    Beyond the image the square repeats its rim, or with ``continued`` False is 0.
    """
    shape = image.shape
    scale = side / max(shape)
    inner = tuple(min(side, max(1, round(scale * n))) for n in shape)
    part = np.asarray(image, np.float32)
    part = part if inner == shape else _scaled(part, inner)
    beyond = [(0, side - n) for n in inner]
    return Square(np.pad(part, beyond, mode="edge" if continued else "constant"), inner, tuple(shape))


def _scaled(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    smaller = shape[0] < image.shape[0]
    return resize(image, shape, order=1, anti_aliasing=smaller, preserve_range=True).astype(np.float32)
