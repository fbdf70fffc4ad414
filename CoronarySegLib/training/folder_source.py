"""Patches from folders of image/label pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import CoronarySegError, TrainingError
from ..preparation import ct_values, relative_contrast
from ..preparation.intensity import SHARPEN_MARGIN_PIXELS
from ..progress import Progress, ProgressCallback, as_progress
from .doubts import doubtful_hu
from .folder_preparation import LABEL_VALUES, PreparedPair, prepare_pair, problem_text
from .pairs import Pair, find_pairs
from .sources import Patch
from .splits import Split
from .stages import StageSpec

# Share of patches centred on a vessel, beside one, and anywhere.
BALANCE = (0.5, 0.25, 0.25)
_OUTPUT_VALUES = {"lumen": ("left", "right"), "left": ("left",), "right": ("right",), "calcium": ("calcium",),
                  "vein": ("vein",), "heart": ("heart",)}
# Structures that a data set may simply not have labelled; unlabelled ones are taken out of the loss.
_OPTIONAL = ("calcium", "vein", "heart")


class FolderSource:
    """A PatchSource over prepared cases; see :func:`open_folder`.

    ``initial`` is the name under which the cases keep the masks a refining stage corrects. ``held_back`` names the
    cases that validate a source that trains.
    """

    def __init__(self, cases: tuple[PreparedPair, ...], spec: StageSpec, patch_zyx: tuple[int, int, int],
                 initial: str | None = None, held_back: tuple[str, ...] = ()):
        self.cases, self.spec, self._initial, self.held_back = cases, spec, initial, held_back
        self._patch = np.asarray(spec.patch_zyx if spec.resized else patch_zyx)
        if "initial" in spec.inputs and initial is None:
            raise TrainingError(
                f"The stage {spec.name!r} corrects the masks of an earlier stage. Name the run that makes them "
                "(--initial-from)."
            )
        present = {value for case in cases for value in case.values}
        known = [name not in _OPTIONAL or LABEL_VALUES[name] in present for name in spec.outputs]
        self._weight = np.array(known, np.float32).reshape(-1, 1, 1, 1)

    def sample(self, rng: np.random.Generator) -> Patch:
        """A patch of a random case: half of them centred on a vessel, a quarter beside one, a quarter anywhere."""
        case = self.cases[rng.integers(len(self.cases))]
        image = case.array("image")
        start = self._start(case, image.shape, rng)
        channels = [self._channel(name, case, start, rng) for name in self.spec.inputs]
        labels = _crop(case.array("labels"), start, self._patch, 0)
        target = np.stack([
            np.isin(labels, [LABEL_VALUES[n] for n in _OUTPUT_VALUES[output]]) for output in self.spec.outputs
        ])
        return Patch(np.stack(channels).astype(np.float32), target.astype(np.float32), self._weight)

    @property
    def vessel_share(self) -> float:
        """Share of lumen among the voxels of all cases, 0..1."""
        voxels = [case.array("labels") for case in self.cases]
        lumen = sum(int(np.isin(v, [LABEL_VALUES[n] for n in _OUTPUT_VALUES["lumen"]]).sum()) for v in voxels)
        return lumen / sum(v.size for v in voxels)

    def _channel(self, name: str, case: PreparedPair, start: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One input on the patch, 0..1."""
        if name == "ct":
            return self._ct(case, start)
        if name == "contrast":
            hu = _crop(case.array("image"), start, self._patch, -1024)
            return relative_contrast(hu, doubtful_hu(case.of_arteries_hu, rng))
        if name == "vesselness":
            return _crop(case.array(name), start, self._patch, 0) / np.float32(255.0)
        if name == "initial":
            return _crop(case.array(self._initial), start, self._patch, 0).astype(np.float32)
        return _imperfect(_crop(case.array(f"prior_{name.split('_')[0]}"), start, self._patch, 0), rng)

    def _ct(self, case: PreparedPair, start: np.ndarray) -> np.ndarray:
        spec = self.spec
        # Sharpening looks beyond the patch: cut out with a margin, sharpen, cut again.
        margin = np.array([0, 1, 1]) * (SHARPEN_MARGIN_PIXELS if spec.sharpen else 0)
        hu = _crop(case.array("image"), start - margin, self._patch + 2 * margin, -1024)
        range_hu = case.range_hu if spec.normalisation == "minmax" else None
        values = ct_values(hu, spec.hu_window, range_hu=range_hu, sharpen=spec.sharpen)
        return values[tuple(slice(m, m + n) for m, n in zip(margin, self._patch, strict=True))]

    def _start(self, case: PreparedPair, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        kind = rng.choice(3, p=BALANCE)
        shift = (rng.uniform(-0.3, 0.3, 3) * self._patch).astype(int)
        places = None if kind == 2 else case.array(("vessel", "near")[kind])
        if places is None or not len(places):
            centre = np.array([rng.integers(n) for n in shape])
        else:
            centre = places[rng.integers(len(places))] + shift
        # Inside the volume where it is large enough; a smaller one is centred in the patch.
        room = np.asarray(shape) - self._patch
        return np.where(room > 0, np.clip(centre - self._patch // 2, 0, np.maximum(room, 0)), room // 2)


def open_folder(data: str | Path, spec: StageSpec, *, patch_zyx: tuple[int, int, int] | None = None,
                cache: str | Path | None = None, validation_share: float = 0.1, split: Split | None = None,
                initial_from: str | Path | None = None,
                progress: Progress | ProgressCallback | None = None) -> tuple[FolderSource, FolderSource]:
    """Sources for training and for validation, split by case, of the pairs in ``data``.

    Every pair is brought onto the stage's grid once and kept in ``cache`` (``.coronaryseg_cache`` in ``data`` if None).
    At least one case validates; with a single pair it does both. ``split`` says instead which cases train and which
    validate; those it keeps for testing are not even opened. ``initial_from`` is the run of the stage whose masks a
    refining stage corrects: it must not have trained on any of these cases. Raises TrainingError naming every pair that
    cannot be used and why.
    """
    report = as_progress(progress)
    pairs = find_pairs(data)
    if split is not None:
        pairs = split.used(pairs)
    cache = Path(cache) if cache is not None else Path(data) / ".coronaryseg_cache"
    cases, problems = [], []
    for number, pair in enumerate(pairs):
        report(0.8 * number / len(pairs), f"Preparing {pair.name} ({number + 1}/{len(pairs)})")
        try:
            cases.append(prepare_pair(pair, spec, cache))
        except (CoronarySegError, OSError) as error:
            problems.append(_problem(pair, error))
    if problems:
        raise TrainingError(
            f"{len(problems)} of {len(pairs)} pairs in {data} cannot be used. " + "; ".join(problems)
            + ". Correct or remove them."
        )
    train, validation = _halves(cases, validation_share) if split is None else split.parted(cases)
    patch = patch_zyx or spec.patch_zyx
    initial = None
    if initial_from is not None:
        from .initial_masks import store_initial

        initial = store_initial((*train, *validation), spec, Path(initial_from), progress=report.part(0.8, 1.0))
    held_back = tuple(case.name for case in validation)
    return FolderSource(train, spec, patch, initial, held_back), FolderSource(validation, spec, patch, initial)


def _halves(cases: list[PreparedPair], share: float) -> tuple[tuple[PreparedPair, ...], tuple[PreparedPair, ...]]:
    """Those to train on and ``share`` of all, at least one, to validate on, drawn the same way every time."""
    held_back = max(1, round(share * len(cases))) if len(cases) > 1 else 0
    order = np.random.default_rng(0).permutation(len(cases))
    train = tuple(cases[i] for i in sorted(order[held_back:]))
    return train, tuple(cases[i] for i in sorted(order[:held_back])) or train


def _problem(pair: Pair, error: Exception) -> str:
    return problem_text(pair, error) if isinstance(error, CoronarySegError) else f"{pair.name}: {error}"


def _crop(array: np.ndarray, start: np.ndarray, size: np.ndarray, fill: int) -> np.ndarray:
    out = np.full(tuple(size), fill, array.dtype)
    lower, upper = np.maximum(start, 0), np.minimum(start + size, array.shape)
    inside = tuple(slice(a, b) for a, b in zip(lower, upper, strict=True))
    out[tuple(slice(a, b) for a, b in zip(lower - start, upper - start, strict=True))] = array[inside]
    return out


def _imperfect(prior: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A prior as the locator really gives it: weaker than the truth, now and then missing altogether."""
    strength = 0.0 if rng.random() < 0.1 else rng.uniform(0.5, 1.0)
    return prior.astype(np.float32) * np.float32(strength / 255.0)
