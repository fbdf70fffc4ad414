"""One frame out of a picture file: PNG, JPEG, PGM, TIFF, BMP, 8 to 16 bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import InputError
from .checks import grey_of

EXTENSIONS = (".png", ".jpg", ".jpeg", ".pgm", ".pnm", ".tif", ".tiff", ".bmp")
WHITE_OF_BITS = {8: 255.0, 10: 1023.0, 12: 4095.0, 14: 16383.0, 16: 65535.0}


def is_picture(path: Path) -> bool:
    """True for a name this file reads."""
    return path.name.lower().endswith(EXTENSIONS)


def read_picture(path: Path) -> tuple[np.ndarray, float]:
    """Grey values (1, y, x) and the value that is white. InputError when the file is no whole picture,
    NotAnAngiogramError when it is in colour."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            if getattr(image, "n_frames", 1) > 1:
                raise InputError(f"{path.name} holds several pictures. Save the frame wanted as a file of its own.")
            if image.mode in ("1", "P", "CMYK", "YCbCr", "LAB", "HSV"):
                image = image.convert("RGB")
            pixels = np.array(image)
    except UnidentifiedImageError as error:
        raise InputError(f"{path.name} is no picture although its name says so. Export it again.") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{path.name} is truncated or damaged ({error}). Copy or export it again.") from error
    grey = grey_of(pixels, path.name)
    return grey[None], 255.0 if pixels.dtype == np.uint8 else white_of(grey)


def white_of(grey: np.ndarray) -> float:
    """White of deep pictures: the smallest usual depth that holds the brightest value."""
    brightest = float(grey.max())
    return next((white for white in WHITE_OF_BITS.values() if brightest <= white), brightest)
