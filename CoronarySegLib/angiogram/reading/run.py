"""A run: the frames of one injection, on one scale of grey, with the frame that shows most vessel."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ...errors import InputError
from ..image import AngiogramImage
from .checks import check_frames
from .filling import filling_of
from .polarity import dark_vessels

LARGEST_PX, SMALLEST_PX = 1024, 64
FILLED = 0.33
AUTO, DARK, BRIGHT = POLARITIES = ("auto", "dark", "bright")


@dataclass(frozen=True)
class AngiogramRun:
    """Frames (t, y, x) float32 0..1 with vessels dark. ``spacing_mm`` is the size of a pixel in the plane of the
    heart, None where the file does not say it. ``inverted`` is True where the file showed vessels bright."""

    frames: np.ndarray
    spacing_mm: float | None = None
    source: str = ""
    inverted: bool = False
    frames_per_second: float | None = None
    warnings: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.frames)

    @cached_property
    def filling(self) -> np.ndarray:
        """How much vessel each frame shows (t,), in any unit."""
        return filling_of(self.frames)

    @property
    def best(self) -> int:
        """The frame that shows most vessel."""
        return 0 if len(self.frames) == 1 else int(np.argmax(self.filling))

    def image(self, frame: int | None = None) -> AngiogramImage:
        """One frame, counted from 0; the best by default. Raises InputError when the run has no such frame."""
        if frame is None:
            frame = self.best
        if not 0 <= frame < len(self.frames):
            raise InputError(
                f"There is no frame {frame + 1}: the run has {len(self.frames)}. Choose 1 to {len(self.frames)}."
            )
        return AngiogramImage(self.frames[frame], self.spacing_mm, self.source, frame, self.warnings)

    def images(self) -> tuple[AngiogramImage, ...]:
        return tuple(self.image(frame) for frame in range(len(self.frames)))


def checked_run(
    pixels: np.ndarray, *, name: str, spacing_mm: float | None = None, source: str = "",
    white: float | None = None, frames_per_second: float | None = None, warnings: tuple[str, ...] = (),
    vessels: str = AUTO,
) -> AngiogramRun:
    """A run out of raw grey values (t, y, x) of any numeric type.

    ``white`` is the value that is white in the file (255 of 8 bit, 1023 of 10 bit); None takes the brightest one.
    Vessels come out dark whichever way they were, as found ("auto") or as ``vessels`` says: "dark" or "bright".
    Raises InputError for frames too small or too large and for numbers that are none, and what ``check_frames`` raises.
    """
    if pixels.ndim != 3 or not len(pixels):
        raise InputError(f"{name} holds no frames (y, x). Give one picture or a run of pictures.")
    height, width = pixels.shape[1:]
    if min(height, width) < SMALLEST_PX or max(height, width) > LARGEST_PX:
        raise InputError(
            f"{name} is {width} x {height} pixels. Give frames of {SMALLEST_PX} to {LARGEST_PX} pixels a side."
        )
    if not np.isfinite(pixels).all():
        raise InputError(f"{name} holds pixels that are no number (NaN or infinite). Export it again.")
    lowest, highest = float(min(pixels.min(), 0)), float(white if white is not None else pixels.max())
    frames = (pixels.astype(np.float32) - lowest) / max(highest - lowest, 1e-6)
    frames = np.clip(_stretched(frames), 0.0, 1.0)
    check_frames(frames, name)
    run = AngiogramRun(frames, spacing_mm, source, False, frames_per_second, warnings)
    if vessels == DARK or (vessels == AUTO and dark_vessels(run.frames[run.best])):
        return run
    said = f"{name} shows vessels bright; its grey values were turned round."
    return replace(run, frames=1.0 - frames, inverted=True, warnings=(*warnings, said))


def _stretched(frames: np.ndarray) -> np.ndarray:
    """Files of 10 to 16 bit often use a small part of their range: their brightest pixels become white.

    A picture that fills a third of its range or more keeps its grey values, for they are what a reader sees.
    """
    top = float(np.quantile(frames[:, ::4, ::4], 0.999))
    return frames if top > FILLED or top <= 0.0 else frames * np.float32(0.95 / top)
