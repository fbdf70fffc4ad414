"""From a folder of another program to a model folder: what it is, what it needs, what it predicts, its weights.

Nothing of the folder is run: numbers are read without pickled objects, settings are read as data, and a network's name
is looked up in a list of known ones. Afterwards the model is safetensors and a card like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...errors import ModelError
from ..card import ModelCard, StageCard
from ..folder import ModelFolder, load_stage, new_folder, save_model
from .foreign import Foreign
from .monai_bundle import is_bundle, read_bundle
from .nnunet import find_trained, read_nnunet

STAGE = "patches"
LIMITS = (
    "Trained elsewhere: what it learned from, and how good it is, are for its makers to say. Here it was only made to "
    "run. Check every result against the images."
)


def import_model(
    source: Path | str, folder: Path | str, *, name: str | None = None, fold: str | None = None,
    weights: str | None = None, outputs: Mapping[str, Sequence[str]] | None = None,
) -> ModelFolder:
    """Write the model in ``source`` as the model folder ``folder``.

    ``source`` is an nnU-Net v2 results folder (of a data set or of one trainer in it) or a MONAI bundle. ``fold`` is
    that of nnU-Net ("all" or the lowest by default), ``weights`` a file's name where there are several. ``outputs``
    says which of its labels make up "lumen", "calcium" and "vein"; by default their names do.

    Raises ModelError for a folder that is neither, is incomplete, or wants what cannot be done here,
    MissingPackageError for an architecture whose package is not installed.
    """
    source = Path(source).expanduser()
    if not source.is_dir():
        raise ModelError(f"{source} is not a folder. Give an nnU-Net results folder or a MONAI bundle.")
    folder = new_folder(folder)
    try:
        foreign = _read(source, fold, weights, outputs)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ModelError(
            f"The settings in {source} are not laid out as nnU-Net v2 or MONAI lay them out ({type(error).__name__}: "
            f"{error}). Copy the folder again, or give one of a newer version."
        ) from error
    model = save_model(folder, _card(foreign, name or folder.name), {STAGE: _state(foreign)}, precision="float32")
    load_stage(model, STAGE)
    return model


def _read(
    source: Path, fold: str | None, weights: str | None, outputs: Mapping[str, Sequence[str]] | None
) -> Foreign:
    if is_bundle(source):
        return read_bundle(source, weights=weights, outputs=outputs)
    trained = find_trained(source)
    if trained is None:
        raise ModelError(
            f"{source} is neither an nnU-Net v2 results folder (plans.json, dataset.json, fold_*) nor a MONAI bundle "
            "(configs/metadata.json). Give one of these."
        )
    return read_nnunet(trained, fold=fold, checkpoint=weights, outputs=outputs)


def _card(foreign: Foreign, name: str) -> ModelCard:
    stage = StageCard(
        STAGE, "ImportedNetwork", foreign.arguments, ("ct",), foreign.outputs, None, foreign.patch_zyx,
        hu_window=foreign.hu_window, mirror_axes=foreign.mirror_axes, native=foreign.spacing_zyx_mm is None,
        normalisation=foreign.normalisation,
    )
    return ModelCard(
        name=name, profile="recommended", version=foreign.version, description=foreign.description,
        stages=(replace(stage, spacing_zyx_mm=foreign.spacing_zyx_mm),), training_data=foreign.training_data,
        training_seeds="not known", licence=foreign.licence, limits=LIMITS, system="patches",
        deviations=foreign.remarks,
    )


def _state(foreign: Foreign):
    """The weights as the network here calls them; ModelError when they do not fit."""
    from ...networks import build_network

    network = build_network("ImportedNetwork", foreign.arguments)
    try:
        network.network.load_state_dict(dict(foreign.state))
    except RuntimeError as error:
        first = str(error).splitlines()[1:2] or [str(error)]
        raise ModelError(
            f"The weights {foreign.source} do not fit the network that their folder describes: {first[0].strip()} Take "
            "both from the same training."
        ) from error
    return network.weights()
