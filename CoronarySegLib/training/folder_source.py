"""Patches from folders of image/label pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import CoronarySegError, TrainingError
from ..preparation import hu_window
from ..progress import Progress, ProgressCallback, as_progress
from .folder_preparation import LABEL_VALUES, PreparedPair, prepare_pair, problem_text
from .pairs import Pair, find_pairs
from .sources import Patch
from .stages import StageSpec

# Share of patches centred on a vessel, beside one, and anywhere.
BALANCE = (0.5, 0.25, 0.25)
_OUTPUT_VALUES = {"lumen": ("left", "right"), "left": ("left",), "right": ("right",), "calcium": ("calcium",),
                  "vein": ("vein",), "heart": ("heart",)}
# Structures that a data set may simply not have labelled; unlabelled ones are taken out of the loss.
_OPTIONAL = ("calcium", "vein", "heart")


class FolderSource:
    """A PatchSource over prepared cases; see :func:`open_folder`."""

    def __init__(self, cases: tuple[PreparedPair, ...], spec: StageSpec, patch_zyx: tuple[int, int, int]):
        self.cases, self.spec = cases, spec
        self._patch = np.asarray(spec.patch_zyx if spec.spacing_mm is None else patch_zyx)
        present = {value for case in cases for value in case.values}
        known = [name not in _OPTIONAL or LABEL_VALUES[name] in present for name in spec.outputs]
        self._weight = np.array(known, np.float32).reshape(-1, 1, 1, 1)

    def sample(self, rng: np.random.Generator) -> Patch:
        """A patch of a random case: half of them centred on a vessel, a quarter beside one, a quarter anywhere."""
        case = self.cases[rng.integers(len(self.cases))]
        image = case.array("image")
        start = self._start(case, image.shape, rng)
        channels = [hu_window(_crop(image, start, self._patch, -1024), *self.spec.hu_window)]
        for name in self.spec.inputs[1:]:
            channels.append(_imperfect(_crop(case.array(f"prior_{name.split('_')[0]}"), start, self._patch, 0), rng))
        labels = _crop(case.array("labels"), start, self._patch, 0)
        target = np.stack([
            np.isin(labels, [LABEL_VALUES[n] for n in _OUTPUT_VALUES[output]]) for output in self.spec.outputs
        ])
        return Patch(np.stack(channels).astype(np.float32), target.astype(np.float32), self._weight)

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
                cache: str | Path | None = None, validation_share: float = 0.1,
                progress: Progress | ProgressCallback | None = None) -> tuple[FolderSource, FolderSource]:
    """Sources for training and for validation, split by case, of the pairs in ``data``.

    Every pair is brought onto the stage's grid once and kept in ``cache`` (``.coronaryseg_cache`` in ``data`` if None).
    At least one case validates; with a single pair it does both. Raises TrainingError naming every pair that cannot be
    used and why.
    """
    report = as_progress(progress)
    pairs = find_pairs(data)
    cache = Path(cache) if cache is not None else Path(data) / ".coronaryseg_cache"
    cases, problems = [], []
    for number, pair in enumerate(pairs):
        report(number / len(pairs), f"Preparing {pair.name} ({number + 1}/{len(pairs)})")
        try:
            cases.append(prepare_pair(pair, spec, cache))
        except (CoronarySegError, OSError) as error:
            problems.append(_problem(pair, error))
    if problems:
        raise TrainingError(
            f"{len(problems)} of {len(pairs)} pairs in {data} cannot be used. " + "; ".join(problems)
            + ". Correct or remove them."
        )
    held_back = max(1, round(validation_share * len(cases))) if len(cases) > 1 else 0
    order = np.random.default_rng(0).permutation(len(cases))
    train = tuple(cases[i] for i in sorted(order[held_back:]))
    validation = tuple(cases[i] for i in sorted(order[:held_back])) or train
    patch = patch_zyx or spec.patch_zyx
    return FolderSource(train, spec, patch), FolderSource(validation, spec, patch)


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
