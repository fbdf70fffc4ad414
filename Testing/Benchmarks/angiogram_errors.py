"""Where a system on angiograms loses its Dice: at the rim of vessels, in vessels it missed, in vessels nobody drew.

    python Testing/Benchmarks/angiogram_errors.py DATA OUT/fold-1/unet3plus/cases OUT/fold-1/tprnet-global/cases

DATA is what ``angiograms.py`` was trained and tested on, each further folder holds the masks it wrote for one system. A
wrong pixel within ``--rim`` pixels of a right one is an error of the rim; farther away it is a vessel too many or too
few. Means over the images: Dice as it is, and what it would be with one kind of error mended. ``joined``: the share
of what is too many that hangs on a vessel of the truth, as side branches do that the reader left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy import ndimage

from CoronarySegLib.angiogram.reading.pictures import read_picture
from CoronarySegLib.angiogram.training.cases import find_cases

ANY_NEIGHBOUR = np.ones((3, 3), bool)
COLUMNS = ("Dice", "rim mended", "none too many", "none missed", "too many %", "joined %", "missed %", "rim %")


def main() -> None:
    """Parse and print a row a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("masks", type=Path, nargs="+", help="folders of masks named as the images")
    parser.add_argument("--rim", type=float, default=4.0, help="pixels")
    given = parser.parse_args()
    truths = {case.name: case for case in find_cases(given.data)}
    print(f"{'system':<28}{'images':>7}" + "".join(f"{name:>15}" for name in COLUMNS))
    for folder in given.masks:
        files = sorted(folder.glob("*.png"))
        rows = [shares(read_picture(path)[0][0] > 0, truths[path.stem].read()[1], given.rim) for path in files]
        mean = np.nanmean(rows, axis=0)
        print(f"{folder.parent.name:<28}{len(rows):>7}" + "".join(f"{value:>15.3f}" for value in mean))


def shares(found: np.ndarray, truth: np.ndarray, rim_pixels: float) -> tuple[float, ...]:
    """The ``COLUMNS`` of one image, masks (y, x) bool; shares of ``found`` and of ``truth`` in percent."""
    extra, missed = found & ~truth, truth & ~found
    far_extra = extra & (ndimage.distance_transform_edt(~truth) > rim_pixels)
    far_missed = missed & (ndimage.distance_transform_edt(~found) > rim_pixels)
    at_rim = (extra & ~far_extra) | (missed & ~far_missed)
    parts, count = ndimage.label(found, ANY_NEIGHBOUR)
    on_truth = np.zeros(count + 1, bool)
    on_truth[np.unique(parts[truth & found])] = True
    joined = far_extra & on_truth[parts]
    return (
        _dice(found, truth), _dice(found ^ at_rim, truth), _dice(found & ~far_extra, truth),
        _dice(found | far_missed, truth), _percent(far_extra, found), _percent(joined, far_extra),
        _percent(far_missed, truth), _percent(at_rim, found | truth),
    )


def _dice(found: np.ndarray, truth: np.ndarray) -> float:
    return 2.0 * np.count_nonzero(found & truth) / (np.count_nonzero(found) + np.count_nonzero(truth))


def _percent(part: np.ndarray, whole: np.ndarray) -> float:
    size = np.count_nonzero(whole)
    return 100.0 * np.count_nonzero(part) / size if size else float("nan")


if __name__ == "__main__":
    main()
