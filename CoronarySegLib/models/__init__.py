"""Name or folder to model card and verified weights. Importing this loads no torch."""

from .card import INTENDED_USE, LIMITS, ModelCard, StageCard
from .folder import ModelFolder, load_stage, open_model, save_model
from .library import DEFAULT_MODEL, FOLDERS_VARIABLE, ListedModel, find_model, list_models

__all__ = [
    "DEFAULT_MODEL", "FOLDERS_VARIABLE", "INTENDED_USE", "LIMITS", "ListedModel", "ModelCard", "ModelFolder",
    "StageCard", "find_model", "list_models", "load_stage", "open_model", "save_model",
]
