"""One image/label pair onto a stage's grid, kept as memory-mapped files so that a patch costs one small read."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from ..errors import CoronarySegError, InputError, OutputError
from ..preparation import artery_hu, canonical_geometry, grown, isotropic_grid, orientation_of, resample
from ..preparation.vesselness import vesselness
from ..reading import read_volume
from ..volume import Geometry, Volume
from .pairs import Pair
from .stages import CORRIDOR_MM, STAGES, StageSpec

LABEL_VALUES = {"left": 1, "right": 2, "calcium": 3, "vein": 4, "heart": 5}
PRIOR_SPACING_MM = 2.0
_ARTERY_SHARE = 0.25
_PRIOR_SHARE = 0.05  # of a 2 mm voxel that must be vessel: a 1 mm branch fills about a fifth of it
_MOST_CENTRES = 50_000
_VERSION = 4


@dataclass(frozen=True)
class PreparedPair:
    """Files of a prepared case on the stage's grid (z, y, x).

    ``image.npy`` int16 HU; ``labels.npy`` uint8 as LABEL_VALUES; ``prior_left.npy``, ``_right`` uint8 0..255
    (only for stages that read priors); ``vesselness.npy`` uint8 0..255 (likewise); ``vessel.npy``/``near.npy`` int32
    (n, 3) voxel positions to centre patches on.
    ``values`` are the label values that occur, ``range_hu`` the least and the greatest value of the scan,
    ``of_arteries_hu`` how bright its arteries usually are (None where it is not asked for or cannot be told).
    """

    name: str
    folder: Path
    values: tuple[int, ...]
    range_hu: tuple[float, float] = (-1024.0, 3071.0)
    of_arteries_hu: float | None = None

    def array(self, name: str) -> np.ndarray:
        return np.load(self.folder / f"{name}.npy", mmap_mode="r")


def prepare_pair(pair: Pair, spec: StageSpec, cache: Path) -> PreparedPair:
    """Prepare ``pair`` or find it prepared in ``cache``. Raises InputError saying what is wrong with the pair."""
    folder = cache / f"{pair.name}-{_fingerprint(pair, spec)}"
    if not (folder / "pair.json").is_file():
        temporary = cache / f".{folder.name}.tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        arrays, of_arteries_hu = _prepared_arrays(pair, spec)
        try:
            temporary.mkdir(parents=True)
            for name, array in arrays.items():
                np.save(temporary / f"{name}.npy", array)
            values = [int(v) for v in np.unique(arrays["labels"]) if v]
            image = arrays["image"]
            notes = {
                "values": values, "range_hu": [float(image.min()), float(image.max())],
                "of_arteries_hu": of_arteries_hu,
            }
            (temporary / "pair.json").write_text(json.dumps(notes))
            temporary.rename(folder)
        except OSError as error:
            raise OutputError(
                f"The prepared data of {pair.name} cannot be written to {cache}: {error}. Free space or name another "
                "cache folder."
            ) from error
    notes = json.loads((folder / "pair.json").read_text())
    return PreparedPair(
        pair.name, folder, tuple(notes["values"]), tuple(notes["range_hu"]), notes["of_arteries_hu"]
    )


def _fingerprint(pair: Pair, spec: StageSpec) -> str:
    stamps = [(str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns) for p in (pair.image, pair.label)]
    key = json.dumps([_VERSION, stamps, spec.name, spec.spacing_mm, spec.native, spec.patch_zyx if spec.resized else 0])
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def _prepared_arrays(pair: Pair, spec: StageSpec) -> tuple[dict[str, np.ndarray], float | None]:
    image, labels = _read_image(pair.image), _read_labels(pair.label)
    if not image.geometry.same_grid(labels.geometry, tolerance_mm=0.1):
        raise InputError(
            f"image and label lie on different grids ({image.geometry.shape_zyx} and {labels.geometry.shape_zyx} "
            "voxels, or another origin, spacing or direction)"
        )
    labels = Volume(_sided(labels), image.geometry)
    grid = _stage_grid(image.geometry, spec)
    hu = resample(image, grid, interpolation="cubic" if spec.resized else "linear", fill=-1024.0).array
    arrays = {"image": np.clip(np.rint(hu), -32768, 32767).astype(np.int16), "labels": _labels_on(labels, grid, spec)}
    coarse = isotropic_grid(image.geometry, PRIOR_SPACING_MM)
    for vessel in (name.removesuffix("_prior") for name in spec.inputs if name.endswith("_prior")):
        thick = _thick_mask(labels, LABEL_VALUES[vessel], coarse).astype(np.float32)
        soft = Volume(ndimage.gaussian_filter(thick, 0.7), coarse)
        prior = resample(soft, grid, interpolation="linear", fill=0.0).array
        arrays[f"prior_{vessel}"] = np.rint(255 * np.clip(prior, 0, 1)).astype(np.uint8)
    if "vesselness" in spec.inputs:
        tubes = vesselness(Volume(hu, grid))
        arrays["vesselness"] = np.rint(255 * tubes).astype(np.uint8)
    vessel = np.isin(arrays["labels"], (1, 2, 3))
    near = ndimage.binary_dilation(vessel, iterations=5) & ~vessel
    rng = np.random.default_rng(0)
    for name, mask in (("vessel", vessel), ("near", near)):
        places = np.argwhere(mask).astype(np.int32)
        if len(places) > _MOST_CENTRES:
            places = places[rng.choice(len(places), _MOST_CENTRES, replace=False)]
        arrays[name] = places
    return arrays, _artery_hu(image, labels) if "contrast" in spec.inputs else None


def _artery_hu(image: Volume, labels: Volume) -> float | None:
    """Told as the locator would: on its voxels, in a corridor as wide as it draws."""
    spacing_mm = STAGES["locator"].spacing_mm
    grid = isotropic_grid(image.geometry, spacing_mm)
    trees = sum(_share(labels, LABEL_VALUES[side], grid) for side in ("left", "right"))
    ct = resample(image, grid, interpolation="linear", fill=-1024.0).array
    return artery_hu(ct, grown(trees > _ARTERY_SHARE, CORRIDOR_MM, spacing_mm).astype(np.float32))


def _read_image(path: Path) -> Volume:
    volume = read_volume(path)
    if float(np.ptp(volume.array)) == 0.0:
        raise InputError("the image has one value everywhere")
    return volume


def _read_labels(path: Path) -> Volume:
    volume = read_volume(path)
    array = volume.array
    found = np.unique(array)
    if not np.isin(found, (0, *LABEL_VALUES.values())).all():
        meaning = ", ".join(f"{value} {name}" for name, value in LABEL_VALUES.items())
        raise InputError(f"the label file holds other values than 0, {meaning}")
    if not np.isin(found, (LABEL_VALUES["left"], LABEL_VALUES["right"])).any():
        raise InputError("the label file holds no vessel")
    return volume.with_array(array.astype(np.uint8))


def _sided(labels: Volume) -> np.ndarray:
    """Labels with both sides told apart: where all vessels are 1, the second large component or its side becomes 2.

    Masks such as ImageCAS's say vessel only. Of the two largest components the one further to the patient's left is the
    left tree; every smaller one goes with the nearer of the two centres. A single component stays left.
    """
    array = labels.array
    if (array == LABEL_VALUES["right"]).any():
        return array
    parts, count = ndimage.label(array == LABEL_VALUES["left"], np.ones((3, 3, 3)))
    if count < 2:
        return array
    sizes = np.bincount(parts.ravel())[1:]
    centres_zyx = np.array(ndimage.center_of_mass(np.ones_like(parts), parts, np.arange(1, count + 1)))
    centres = labels.geometry.points_lps(centres_zyx[:, ::-1])
    two = np.argsort(sizes)[::-1][:2]
    left, right = sorted(two, key=lambda part: -centres[part, 0])
    is_right = np.linalg.norm(centres - centres[right], axis=1) < np.linalg.norm(centres - centres[left], axis=1)
    out = array.copy()
    out[np.concatenate([[False], is_right])[parts]] = LABEL_VALUES["right"]
    return out


def _stage_grid(geometry: Geometry, spec: StageSpec) -> Geometry:
    if spec.native:
        return canonical_geometry(orientation_of(geometry))
    if spec.spacing_mm is not None:
        return isotropic_grid(geometry, spec.spacing_mm)
    corners = geometry.corners_lps()
    lower, upper = corners.min(axis=0), corners.max(axis=0)
    size = np.array(spec.patch_zyx[::-1])
    spacing = np.maximum((upper - lower) / np.maximum(size - 1, 1), 1e-3)
    return Geometry(spec.patch_zyx, tuple(spacing.tolist()), tuple(lower.tolist()))


def _labels_on(labels: Volume, grid: Geometry, spec: StageSpec) -> np.ndarray:
    if spec.spacing_mm is None:  # the papers: nearest neighbour, or the scanner's own voxels
        return resample(labels, grid, interpolation="nearest", fill=0).array.astype(np.uint8)
    out = np.zeros(grid.shape_zyx, np.uint8)
    best = np.full(grid.shape_zyx, 0.5, np.float32)
    for value in (int(v) for v in np.unique(labels.array) if v):
        if "left" in spec.outputs and value != LABEL_VALUES["heart"]:
            out[_thick_mask(labels, value, grid)] = value
            continue
        share = _share(labels, value, grid)
        mine = share >= best
        out[mine], best[mine] = value, share[mine]
    return out


def _thick_mask(labels: Volume, value: int, grid: Geometry) -> np.ndarray:
    """Voxels of a coarse grid that the structure touches, one voxel thicker: thin branches must not vanish."""
    return ndimage.binary_dilation(_share(labels, value, grid) > _PRIOR_SHARE)


def _share(labels: Volume, value: int, grid: Geometry) -> np.ndarray:
    """Share 0..1 of each voxel of ``grid`` that holds ``value``."""
    mask = labels.with_array((labels.array == value).astype(np.float32))
    return resample(mask, grid, interpolation="linear", fill=0.0).array


def problem_text(pair: Pair, error: CoronarySegError) -> str:
    return f"{pair.name}: {str(error).rstrip('.')}"
