"""From run folders, one a stage, to a model folder that ``find_model`` opens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .. import __version__
from ..errors import TrainingError
from ..models import ModelCard, ModelFolder, StageCard, save_model
from ..models.systems import SYSTEMS, System, find_system, system_of_stages
from .opening import read_choice
from .published import deviations_of
from .stages import STAGES
from .state import TrainedWeights, read_weights


def export_model(run_folders: Sequence[str | Path], folder: str | Path, *, name: str | None = None,
                 version: str = __version__, description: str | None = None, training_data: str | None = None,
                 training_seeds: str | None = None, figures: Mapping[str, float] | None = None, which: str = "best",
                 precision: str = "float16", mirror_axes: Mapping[str, tuple[int, ...]] | None = None,
                 system: str | None = None) -> ModelFolder:
    """Write the weights of ``run_folders`` (any order, one per stage) as one model folder.

    ``which`` takes the "best" weights by validation or the "last" ones. Texts left None are made from the runs.
    ``system`` is what is to be done with the stages where they suit several ("patches" or "patches_level_set").
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
    way = _system(set(runs), system)
    ordered = [stage for stage in STAGES if stage in runs]
    deviations = tuple(dict.fromkeys(text for stage in ordered for text in deviations_of(runs[stage][1].config)))
    as_published = not deviations and all(w.config.spec.profile == "paper" for _, w in runs.values())
    card = ModelCard(
        name=name or Path(folder).resolve().name,
        profile="paper" if as_published else "recommended",
        version=version,
        description=description or f"{', '.join(runs[s][1].config.network for s in ordered)}: {way.text}.",
        system=way.name,
        deviations=deviations,
        stages=tuple(stage_card(runs[stage][1], (mirror_axes or {}).get(stage)) for stage in ordered),
        training_data=training_data or "; ".join(_data_text(*runs[stage]) for stage in ordered),
        training_seeds=training_seeds or "; ".join(_seeds_text(*runs[stage]) for stage in ordered),
        figures={**{k: v for stage in ordered for k, v in _figures(runs[stage][1]).items()}, **(figures or {})},
    )
    states = {stage: runs[stage][1].state_dict for stage in ordered}
    return save_model(folder, card, states, precision=precision)


def _system(stages: set[str], name: str | None) -> System:
    found = system_of_stages(stages) if name is None else find_system(name)
    if found is not None and set(found.stages) <= stages <= {*found.stages, *found.optional}:
        return found
    texts = "; or ".join(f"{' and '.join(s.stages)} ({s.name})" for s in ([found] if found else SYSTEMS.values()))
    given = ", ".join(sorted(stages)) or "none"
    raise TrainingError(f"A model needs the stages {texts}. But the runs trained {given}. Add the missing run.")


def stage_card(weights: TrainedWeights, mirror_axes: tuple[int, ...] | None = None) -> StageCard:
    """The card of the stage a run trained; ``mirror_axes`` where its source mirrored by itself."""
    config, spec = weights.config, weights.config.spec
    mirrored: tuple[int, ...] = mirror_axes or ()
    if config.augment and mirror_axes is None:
        from .augment import flip_axes

        mirrored = flip_axes(spec)
    return StageCard(
        name=spec.name, network=config.network, arguments=config.built_arguments(), inputs=spec.inputs,
        outputs=spec.outputs, spacing_mm=spec.spacing_mm, hu_window=spec.hu_window, mirror_axes=mirrored,
        native=spec.native, normalisation=spec.normalisation, sharpen=spec.sharpen,
        binarisation=spec.binarisation,
        # A fully convolutional network trained on small patches runs on the stage's larger ones; a squeezed whole
        # volume must keep the size it was trained with.
        patch_zyx=config.patch if spec.resized else spec.patch_zyx,
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
    if weights.config.spec.of_angiograms:
        from ..angiogram.training.phantoms import heart_seeds

        hearts = heart_seeds(choice.phantoms, weights.config.seed)
        return f"{text}, hearts {hearts[0]}-{hearts[-1]}"
    from .phantom_opening import phantom_seeds

    train, validation = phantom_seeds(choice.phantoms, weights.config.seed)
    return f"{text}, anatomies {train[0]}-{train[-1]}, validated on {validation[0]}-{validation[-1]}"


def _figures(weights: TrainedWeights) -> dict[str, float]:
    stage = weights.config.stage
    dice = weights.scores.get("dice", {})
    return {f"validation_dice_{stage}_{name}": round(value, 4) for name, value in dice.items() if value is not None}
