"""A source of bright balls in noise, and cases of two straight vessels: small enough to train on within a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from CoronarySegLib.training.sources import Patch
from CoronarySegLib.volume import Geometry, Volume


class Balls:
    """Patches of the stage "whole": one ball of radius 3-5 in noise."""

    def __init__(self, size: int = 16, channels: tuple[int, int] = (1, 1)):
        self.size, self.channels = size, channels

    def sample(self, rng: np.random.Generator) -> Patch:
        grid = np.indices((self.size,) * 3)
        target = np.zeros((self.channels[1],) + (self.size,) * 3, np.float32)
        for channel in target:
            centre = rng.integers(4, self.size - 4, 3)[:, None, None, None]
            channel[((grid - centre) ** 2).sum(axis=0) < rng.integers(3, 6) ** 2] = 1
        image = rng.normal(0.2, 0.05, (self.channels[0],) + (self.size,) * 3).astype(np.float32)
        image[0] += 0.6 * target.max(axis=0)
        return Patch(image.clip(0, 1), target)


def a_case(*, binary: bool = False) -> tuple[sitk.Image, sitk.Image]:
    """A CT of 40 mm with two straight vessels along z, the left tree at +x of the right one, on an LPS grid."""
    geometry = Geometry((40, 48, 48), (0.8, 0.8, 1.0), (-19.0, -19.0, -20.0))
    z, y, x = np.indices(geometry.shape_zyx)
    labels = np.zeros(geometry.shape_zyx, np.uint8)
    for value, centre in ((1, 36), (2, 12)):
        radius = 3 if value == 1 else 2
        labels[((x - centre) ** 2 + (y - 24) ** 2 < radius**2) & (z > 4) & (z < 36)] = 1 if binary else value
    hu = np.random.default_rng(0).normal(0, 20, labels.shape) + 350.0 * (labels > 0)
    return Volume(hu.astype(np.int16), geometry).to_image(), Volume(labels, geometry).to_image()


def write_case(folder: Path, name: str = "a", layout: str = "images", **options) -> None:
    """Write :func:`a_case` as pair ``name`` in one of the three layouts."""
    image, labels = a_case(**options)
    write_pair(folder, image, labels, name, layout)


def write_pair(folder: Path, image: sitk.Image, labels: sitk.Image, name: str, layout: str = "images") -> None:
    image_path, label_path = {
        "images": (f"images/{name}.nii.gz", f"labels/{name}.nii.gz"),
        "nnunet": (f"imagesTr/{name}_0000.nii.gz", f"labelsTr/{name}.nii.gz"),
        "imagecas": (f"{name}.img.nii.gz", f"{name}.label.nii.gz"),
    }[layout]
    for data, path in ((image, folder / image_path), (labels, folder / label_path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.with_name("written.nii.gz")  # ITK takes a name with ".img" in it for another format
        sitk.WriteImage(data, str(written))
        written.rename(path)
