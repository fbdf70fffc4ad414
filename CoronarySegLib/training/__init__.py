"""Patches to a trained model folder: settings, sources, the loop, the export. Importing this loads no torch.

The path: a source (``folder_source``, ``phantom_source``) draws patches, ``loading`` makes batches of them in worker
processes, ``loop`` trains and checkpoints a stage into a run folder, ``export`` makes a model folder of run folders.
"""

from importlib import import_module

from .config import TrainConfig, paper_config, read_config, recommended_config
from .sources import Patch, PatchSource, fixed_patches
from .stages import STAGES, StageSpec, stage_spec

_HEAVY = {
    "train": "loop", "TrainResult": "loop", "Estimate": "estimate",
    "export_model": "export", "open_folder": "folder_source", "open_phantoms": "phantom_opening",
}

__all__ = [
    "STAGES", "Estimate", "Patch", "PatchSource", "StageSpec", "TrainConfig", "TrainResult", "export_model",
    "fixed_patches", "open_folder", "open_phantoms", "paper_config", "read_config", "recommended_config", "stage_spec",
    "train",
]


def __getattr__(name: str):
    if name in _HEAVY:
        return getattr(import_module(f".{_HEAVY[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
