"""The model card, ``model.json``: what a model is, what it wants as input, where it comes from and what it is not for.

Reading is strict: a missing, unknown or wrongly typed entry is named with its place, because a card that is silently
misread means a network fed with the wrong spacing or window, and a wrong tree that looks right.
"""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from typing import Any

from ..errors import ModelError
from .systems import OF_PROFILE, SYSTEMS, find_system

FORMAT = 1
PROFILES = ("recommended", "paper")
NORMALISATIONS = ("window", "minmax")
BINARISATIONS = ("half", "otsu")
INTENDED_USE = "Research on coronary segmentation and reconstruction. Research software, not a medical device."
LIMITS = (
    "Learned from synthetic anatomy only; not validated on patients. Check every result against the images. "
    "Stents, bypass grafts, anomalous origins and strong motion were not part of the training."
)


@dataclass(frozen=True)
class StageCard:
    """One network of a model.

    ``network`` and ``arguments`` build it; ``inputs`` and ``outputs`` name its channels in order; ``spacing_mm`` is the
    isotropic grid it works on (None: the whole volume is resized to ``patch_zyx`` voxels, or with ``native`` stays on
    the scanner's; ``spacing_zyx_mm`` instead is a grid in canonical order with a spacing of its own along each axis);
    ``hu_window`` is what becomes 0..1, unless ``normalisation`` is "minmax" and the volume's range
    does; ``sharpen`` asks for unsharp masking of the slices; ``binarisation`` cuts the probability of an angiogram at
    one "half" or where "otsu" says; ``mirror_axes`` are the axes of (z, y, x) along which
    training mirrored, and only along those may inference do so. ``temperature`` divides the network's logits, so that
    its probabilities say what they mean (fitted by ``coronaryseg calibrate``). ``weights`` is a file beside the card
    and ``sha256`` its checksum; ``save_model`` fills both in.
    """

    name: str
    network: str
    arguments: dict[str, Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    spacing_mm: float | None
    patch_zyx: tuple[int, int, int]
    hu_window: tuple[float, float] = (-500.0, 1000.0)
    mirror_axes: tuple[int, ...] = ()
    native: bool = False
    normalisation: str = "window"
    sharpen: bool = False
    spacing_zyx_mm: tuple[float, float, float] | None = None
    temperature: float = 1.0
    binarisation: str = "half"
    weights: str = ""
    sha256: str = ""

    def __post_init__(self) -> None:
        at = f"stage {self.name!r}"
        _require(re.fullmatch(r"[a-z][a-z0-9_]*", self.name), f"{at}: a name is lower-case letters, digits and _")
        _require(self.inputs and self.outputs, f"{at}: inputs and outputs each need at least one name")
        _require(len(set(self.outputs)) == len(self.outputs), f"{at}: two outputs have the same name")
        _require(self.spacing_mm is None or self.spacing_mm > 0, f"{at}: spacing_mm must be positive or null")
        _require(len(self.patch_zyx) == 3 and min(self.patch_zyx) > 0, f"{at}: patch_zyx needs three positive numbers")
        _require(
            len(self.hu_window) == 2 and self.hu_window[0] < self.hu_window[1],
            f"{at}: hu_window needs a lower and a higher HU value",
        )
        _require(
            self.normalisation in NORMALISATIONS, f"{at}: normalisation must be one of {', '.join(NORMALISATIONS)}"
        )
        _require(
            self.binarisation in BINARISATIONS, f"{at}: binarisation must be one of {', '.join(BINARISATIONS)}"
        )
        _require(not (self.native and self.spacing_mm), f"{at}: a native stage has no spacing_mm of its own")
        if self.spacing_zyx_mm is not None:
            _require(not (self.native or self.spacing_mm), f"{at}: a stage has either spacing_mm or spacing_zyx_mm")
            _require(
                len(self.spacing_zyx_mm) == 3 and min(self.spacing_zyx_mm) > 0,
                f"{at}: spacing_zyx_mm needs three positive numbers or null",
            )
        _require(self.temperature > 0, f"{at}: temperature must be positive")
        _require(set(self.mirror_axes) <= {0, 1, 2}, f"{at}: mirror_axes are 0, 1 and 2 (z, y, x)")
        # The file name comes from a folder somebody else may have made: it must not lead out of that folder.
        _require(
            not self.weights or re.fullmatch(r"[\w-][\w.-]*", self.weights),
            f"{at}: weights must be a plain file name beside model.json",
        )

    def output(self, name: str) -> int:
        """Index of the output channel called ``name``; ModelError when the stage does not predict it."""
        if name not in self.outputs:
            raise ModelError(
                f"Stage {self.name!r} predicts {', '.join(self.outputs)} but not {name!r}. "
                "Choose a model that was made for this use."
            )
        return self.outputs.index(name)


@dataclass(frozen=True)
class ModelCard:
    """A model: its stages, its origin and its limits.

    ``profile`` is "paper" where everything is as published, "recommended" otherwise. ``system`` (see ``systems``) says
    what is done with the stages; without it a recommended model is a "two_step" and a paper model a "whole" one.
    ``deviations`` are sentences on where a published system was not followed. ``training_data`` and ``training_seeds``
    say in words what it learned from; ``figures`` are results by name, e.g. {"dice_phantoms": 0.9}.
    """

    name: str
    profile: str
    version: str
    description: str
    stages: tuple[StageCard, ...]
    training_data: str
    training_seeds: str
    figures: dict[str, float] = field(default_factory=dict)
    licence: str = "Apache-2.0"
    intended_use: str = INTENDED_USE
    limits: str = LIMITS
    system: str = ""
    deviations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require(self.name.strip(), "name must not be empty")
        _require(self.profile in PROFILES, f"profile is {self.profile!r}, known are {', '.join(PROFILES)}")
        _require(self.stages, "a model needs at least one stage")
        if not self.system:
            object.__setattr__(self, "system", OF_PROFILE[self.profile])
        _require(self.system in SYSTEMS, f"system is {self.system!r}, known are {', '.join(SYSTEMS)}")
        names = [stage.name for stage in self.stages]
        _require(len(set(names)) == len(names), "two stages have the same name")

    def stage(self, name: str) -> StageCard:
        """The stage called ``name``; ModelError lists those there are."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise ModelError(
            f"Model {self.name!r} has no stage {name!r} (it has: {', '.join(s.name for s in self.stages)}). "
            f"A model of the system {self.system!r} needs {', '.join(find_system(self.system).stages)}: choose a "
            "complete one or train the missing stage."
        )

    def with_stage(self, stage: StageCard) -> ModelCard:
        """The same card with one stage replaced by the one of the same name."""
        return replace(self, stages=tuple(stage if old.name == stage.name else old for old in self.stages))

    def to_json(self) -> str:
        """The text of ``model.json``."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"

    @staticmethod
    def of_json(text: str, source: str = "model.json") -> ModelCard:
        """Read the text of ``model.json``. Raises ModelError that names ``source`` and the wrong entry."""
        try:
            data = json.loads(text)
        except ValueError as error:
            raise ModelError(f"{source} is not valid JSON ({error}). Copy the model folder again.") from None
        try:
            return _card_of(data)
        except ModelError as error:
            raise ModelError(f"{source}: {error} Correct the entry or copy the model folder again.") from None


_TEXT = (str, "a text")
_FRACTION = ((int, float), "a number")
_WHOLE = (int, "a whole number")
_FLAG = (bool, "true or false")
_STAGE_SCALARS = {
    "name": _TEXT, "network": _TEXT, "weights": _TEXT, "sha256": _TEXT, "normalisation": _TEXT, "native": _FLAG,
    "sharpen": _FLAG, "temperature": _FRACTION, "binarisation": _TEXT,
}
_STAGE_LISTS = {
    "inputs": _TEXT, "outputs": _TEXT, "patch_zyx": _WHOLE, "hu_window": _FRACTION, "mirror_axes": _WHOLE,
    "spacing_zyx_mm": _FRACTION,
}


def _card_of(data: Any) -> ModelCard:
    _require(isinstance(data, dict), "the file must hold one JSON object.")
    data = dict(data)
    found = data.pop("format", None)
    _require(found == FORMAT, f"format is {found!r} but this version reads format {FORMAT}.")
    _check_keys(data, ModelCard, "")
    for key, value in data.items():
        if key not in ("stages", "figures", "deviations"):
            _check_type(value, _TEXT, key)
    deviations = _check_type(data.get("deviations", []), (list, "a list"), "deviations")
    for i, text in enumerate(deviations):
        _check_type(text, _TEXT, f"deviations[{i}]")
    _check_type(data["stages"], (list, "a list"), "stages")
    figures = _check_type(data.get("figures", {}), (dict, "an object"), "figures")
    for key, value in figures.items():
        _check_type(value, _FRACTION, f"figures.{key}")
    stages = tuple(_stage_of(stage, f"stages[{i}]") for i, stage in enumerate(data["stages"]))
    return ModelCard(**{**data, "stages": stages, "figures": figures, "deviations": tuple(deviations)})


def _stage_of(data: Any, at: str) -> StageCard:
    data = dict(_check_type(data, (dict, "an object"), at))
    _check_keys(data, StageCard, f"{at}.")
    if data.get("spacing_zyx_mm") is None:
        data.pop("spacing_zyx_mm", None)
    for key, kind in _STAGE_SCALARS.items():
        if key in data:
            _check_type(data[key], kind, f"{at}.{key}")
    for key, kind in _STAGE_LISTS.items():
        if key in data:
            items = _check_type(data[key], (list, "a list"), f"{at}.{key}")
            data[key] = tuple(_check_type(item, kind, f"{at}.{key}[{i}]") for i, item in enumerate(items))
    _check_type(data["arguments"], (dict, "an object"), f"{at}.arguments")
    if data["spacing_mm"] is not None:
        _check_type(data["spacing_mm"], _FRACTION, f"{at}.spacing_mm")
    return StageCard(**data)


def _check_keys(data: dict, card: type, at: str) -> None:
    known = {f.name for f in fields(card)}
    optional = {f.name for f in fields(card) if f.default is not MISSING or f.default_factory is not MISSING}
    unknown, missing = sorted(set(data) - known), sorted(known - optional - set(data))
    _require(not unknown, f"unknown entry {', '.join(at + key for key in unknown)}.")
    _require(not missing, f"missing entry {', '.join(at + key for key in missing)}.")


def _check_type(value: Any, kind: tuple, at: str) -> Any:
    types, words = kind
    # bool is an int in Python; "spacing_mm": true is a mistake all the same.
    fits = isinstance(value, types) and (types is bool or not isinstance(value, bool))
    _require(fits, f"{at} must be {words}, not {value!r}.")
    return value


def _require(holds: Any, problem: str) -> None:
    if not holds:
        raise ModelError(problem if problem.endswith(".") else problem + ".")
