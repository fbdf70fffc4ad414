"""Angiograms with vessel masks in a folder: pictures beside masks (DCA1, XCAD and alike) or COCO (ARCADE)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import TrainingError
from ..reading.pictures import EXTENSIONS, is_picture, read_picture

_IMAGES = ("images", "image", "imgs", "img")
_MASKS = ("masks", "mask", "labels", "label", "gt", "groundtruth", "manual")
_SUFFIX = re.compile(r"[_-](gt|mask|label|seg|manual)$", re.IGNORECASE)
_LAYOUTS = (
    "images/ and masks/ with the same file names, <id>.pgm beside <id>_gt.pgm, or images/ and annotations/ with a COCO "
    "file (ARCADE)"
)


@dataclass(frozen=True)
class AngiogramCase:
    """One image with its truth: a mask file, or the ``polygons`` (n, 2) of x, y in pixels of an annotation."""

    name: str
    image: Path
    mask: Path | None = None
    polygons: tuple[np.ndarray, ...] = ()

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Image (y, x) float32 in 0..1 with vessels dark, and truth (y, x) bool.

        Raises TrainingError for a truth of another size or without vessel, and what reading a picture raises.
        """
        pixels, white = read_picture(self.image)
        image = np.clip(pixels[0].astype(np.float32) / np.float32(white), 0.0, 1.0)
        truth = self._truth(image.shape)
        if truth.shape != image.shape:
            raise TrainingError(f"{self.name}: mask {truth.shape} and image {image.shape} differ in size. Correct one.")
        if not truth.any() or truth.all():
            raise TrainingError(f"{self.name}: the mask shows no vessel, or nothing else. Correct or remove it.")
        # The truth says which way round the film is: contrast agent must be darker than what lies round it.
        around = _ring(truth)
        bright = around.any() and image[truth].mean() > image[around].mean()
        return (np.float32(1.0) - image if bright else image), truth

    def _truth(self, shape: tuple[int, int]) -> np.ndarray:
        if self.mask is not None:
            values = read_picture(self.mask)[0][0]
            return values > 0.5 * max(float(values.max()), 1.0)
        from PIL import Image, ImageDraw

        drawing = Image.new("1", shape[::-1])
        for polygon in self.polygons:
            ImageDraw.Draw(drawing).polygon([tuple(point) for point in polygon.tolist()], fill=1, outline=1)
        return np.array(drawing, bool)


def find_cases(folder: str | Path) -> tuple[AngiogramCase, ...]:
    """The cases of a folder, by name. Raises TrainingError for none, or naming every image without a mask."""
    folder = Path(folder)
    if not folder.is_dir():
        raise TrainingError(f"The data folder {folder} does not exist. Check the path.")
    from .coco import coco_cases

    cases = coco_cases(folder)
    if not cases:
        images, masks = _images_and_masks(folder)
        alone = [path.name for name, path in images.items() if name not in masks]
        if alone and masks:
            raise TrainingError(f"Some images in {folder} have no mask: {_some(alone)}. Add or remove them.")
        cases = tuple(AngiogramCase(name, path, masks[name]) for name, path in images.items() if name in masks)
    if not cases:
        raise TrainingError(f"There are no angiograms with masks in {folder}. Lay them out as {_LAYOUTS}.")
    return tuple(sorted(cases, key=lambda case: case.name))


def holds_angiograms(folder: str | Path) -> bool:
    """True for a folder whose images are pictures or named by COCO files, not volumes."""
    folder = Path(folder)
    if not folder.is_dir():
        return False
    inner = [folder, *(folder / name for name in _IMAGES)]
    pictures = any(is_picture(p) for place in inner if place.is_dir() for p in place.iterdir())
    return pictures or next(folder.rglob("annotations/*.json"), None) is not None


def _images_and_masks(folder: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    inner = {path.name.lower(): path for path in folder.iterdir() if path.is_dir()}
    images = next((inner[name] for name in _IMAGES if name in inner), None)
    masks = next((inner[name] for name in _MASKS if name in inner), None)
    if images is not None and masks is not None:
        return _by_name(images), {_SUFFIX.sub("", name): path for name, path in _by_name(masks).items()}
    found = _by_name(folder)
    marked = {name: path for name, path in found.items() if _SUFFIX.search(name)}
    images_here = {name: path for name, path in found.items() if name not in marked}
    return images_here, {_SUFFIX.sub("", name): path for name, path in marked.items()}


def _by_name(folder: Path) -> dict[str, Path]:
    files = sorted(p for p in folder.iterdir() if p.is_file() and p.suffix.lower() in EXTENSIONS and p.name[0] != ".")
    return {path.stem: path for path in files}


def _ring(truth: np.ndarray) -> np.ndarray:
    from scipy.ndimage import distance_transform_edt

    distance = distance_transform_edt(~truth)
    return (distance > 2) & (distance < 12)


def _some(names: list[str], most: int = 20) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
