"""What is no angiogram: colour, nothing at all, a slice of a CT."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ...errors import NotAnAngiogramError

EMPTY_SPREAD = 0.01
"""Grey values between the 1st and 99th percentile, as a share of white: below this a frame shows nothing."""
COLOUR_SPREAD = 0.04
"""Mean difference between the channels of a picture, as a share of white, from which on it is in colour; grey JPEG
files stay below a quarter of it."""
MIDDLE_RADIUS = 0.4
BLACK = 0.03
WIDE = 0.03
"""Of the picture's side: black this far round a pixel is air, not a vessel."""
AIR_SHARE = 0.05


def grey_of(picture: np.ndarray, name: str) -> np.ndarray:
    """The grey values of a picture (y, x) or (y, x, channels), the fourth being opacity. NotAnAngiogramError for
    colour."""
    if picture.ndim == 2:
        return picture
    channels = picture[..., :3].astype(np.float32) if picture.shape[-1] >= 3 else picture[..., :1].astype(np.float32)
    white = 255.0 if picture.dtype == np.uint8 else float(max(picture.max(), 1))
    spread = (channels.max(-1) - channels.min(-1)) / white
    if float(spread.mean()) > COLOUR_SPREAD:
        raise NotAnAngiogramError(
            f"{name} is a colour picture. Give an X-ray angiogram in grey values, as exported from the catheter "
            "laboratory."
        )
    return channels.mean(-1)


def check_frames(frames: np.ndarray, name: str) -> None:
    """Raise NotAnAngiogramError when no frame (t, y, x), 0..1, shows anything, or when they look like CT slices."""
    lower, upper = np.quantile(frames[:, ::4, ::4].reshape(len(frames), -1), [0.01, 0.99], axis=1)
    if float((upper - lower).max()) < EMPTY_SPREAD:
        raise NotAnAngiogramError(
            f"{name} is empty: every pixel has nearly the same grey value. Choose a frame taken during the injection."
        )
    if looks_like_ct(frames[len(frames) // 2]):
        raise NotAnAngiogramError(
            f"{name} looks like a slice of a CT (wide black areas in the middle of the picture). "
            "Give an X-ray angiogram, or the whole CT as a volume."
        )


def looks_like_ct(frame: np.ndarray) -> bool:
    """A CT slice shows air, in lungs or round the body, as wide black areas near its middle; behind an X-ray beam there
    is always a whole chest, and only shutters at the rim are black."""
    small = frame[::2, ::2]
    height, width = small.shape
    y, x = np.ogrid[:height, :width]
    middle = np.hypot((y - 0.5 * height) / height, (x - 0.5 * width) / width) < MIDDLE_RADIUS
    smooth = ndimage.uniform_filter(small, 3)
    lowest, highest = np.quantile(smooth, [0.0, 0.995])
    black = smooth <= lowest + BLACK * max(highest - lowest, 1e-6)
    air = ndimage.distance_transform_edt(black) > WIDE * max(height, width)
    return bool((air & middle).sum() > AIR_SHARE * middle.sum())
