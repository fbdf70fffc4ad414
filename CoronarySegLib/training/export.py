"""From run folders, one a stage, to a model folder that ``find_model`` opens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .. import __version__
from ..errors import TrainingError
from ..models import ModelCard, ModelFolder, StageCard, save_model
from .opening import read_choice
from .stages import STAGES, stage_spec
from .state import TrainedWeights, read_weights


def export_model(run_folders: Sequence[str | Path], folder: str | Path, *, name: str | None = None,
                 version: str = __version__, description: str | None = None, training_data: str | None = None,
                 training_seeds: str | None = None, figures: Mapping[str, float] | None = None, which: str = "best",
                 precision: str = "float16", mirror_axes: Mapping[str, tuple[int, ...]] | None = None) -> ModelFolder:
    """Write the weights of ``run_folders`` (any order, one per stage) as one model folder.

    ``which`` takes the "best" weights by validation or the "last" ones. Texts left None are made from the runs.
    ``mirror_axes`` says by stage along which of (z, y, x) the source mirrored by itself, as the phantoms' vessels do.
    ``figures`` join the validation scores on the card. Raises TrainingError for stages that make no complete model, and
    ModelError when the folder cannot be written.
    """
    runs = {}
    for run in run_folders:
        weights = read_weights(run, which)
        if weights.config.stage in runs:
            raise TrainingError(f"Two of the runs trained the stage {weights.config.stage!r}. Give one run per stage.")
        runs[weights.config.stage] = (Path(run), weights)
    profile = _profile(set(runs))
    ordered = [stage for stage in STAGES if stage in runs]
    card = ModelCard(
        name=name or Path(folder).resolve().name,
        profile=profile,
        version=version,
        description=description or f"{runs[ordered[0]][1].config.network}, profile {profile}.",
        stages=tuple(_stage_card(runs[stage][1], (mirror_axes or {}).get(stage)) for stage in ordered),
        training_data=training_data or "; ".join(_data_text(*runs[stage]) for stage in ordered),
        training_seeds=training_seeds or "; ".join(_seeds_text(*runs[stage]) for stage in ordered),
        figures={**{k: v for stage in ordered for k, v in _figures(runs[stage][1]).items()}, **(figures or {})},
    )
    states = {stage: runs[stage][1].state_dict for stage in ordered}
    return save_model(folder, card, states, precision=precision)


def _profile(stages: set[str]) -> str:
    complete = {
        profile: {s.name for s in STAGES.values() if s.profile == profile} for profile in ("recommended", "paper")
    }
    for profile, wanted in complete.items():
        if stages == wanted:
            return profile
    texts = " or ".join(" and ".join(sorted(wanted)) for wanted in complete.values())
    given = ", ".join(sorted(stages)) or "none"
    raise TrainingError(f"A model needs the stages {texts}, but the runs trained {given}. Add the missing run.")


def _stage_card(weights: TrainedWeights, mirror_axes: tuple[int, ...] | None) -> StageCard:
    config, spec = weights.config, stage_spec(weights.config.stage)
    mirrored: tuple[int, ...] = mirror_axes or ()
    if config.augment and mirror_axes is None:
        from .augment import flip_axes

        mirrored = flip_axes(spec)
    return StageCard(
        name=spec.name, network=config.network, arguments=config.built_arguments(), inputs=spec.inputs,
        outputs=spec.outputs, spacing_mm=spec.spacing_mm, hu_window=spec.hu_window, mirror_axes=mirrored,
        # A fully convolutional network trained on small patches runs on the stage's larger ones; a squeezed whole
        # volume must keep the size it was trained with.
        patch_zyx=spec.patch_zyx if spec.spacing_mm is not None else config.patch,
    )


def _data_text(run: Path, weights: TrainedWeights) -> str:
    choice = read_choice(run)
    if choice is None:
        what = "data not recorded"
    elif choice.phantoms is not None:
        what = f"{choice.phantoms} generated phantoms"
    else:
        what = f"image/label pairs of the folder {Path(choice.data).name}"
    patches = weights.step * weights.config.batch
    return f"{weights.config.stage}: {what}, {weights.step} steps, {patches} patches"


def _seeds_text(run: Path, weights: TrainedWeights) -> str:
    choice = read_choice(run)
    text = f"{weights.config.stage}: run seed {weights.config.seed}"
    if choice is None or choice.phantoms is None:
        return text
    from .phantom_opening import phantom_seeds

    train, validation = phantom_seeds(choice.phantoms, weights.config.seed)
    return f"{text}, anatomies {train[0]}-{train[-1]}, validated on {validation[0]}-{validation[-1]}"


def _figures(weights: TrainedWeights) -> dict[str, float]:
    stage = weights.config.stage
    dice = weights.scores.get("dice", {})
    return {f"validation_dice_{stage}_{name}": round(value, 4) for name, value in dice.items() if value is not None}
