"""The masks a refining stage learns to correct: an earlier stage's answers on cases it has never trained on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import TrainingError
from ..in_place import file_in_place, write_text
from ..inference.slices_refined import initial_mask
from ..inference.stage_inputs import stage_channels
from ..inference.stage_run import run_stage
from ..networks import build_network
from ..progress import Progress, ProgressCallback, as_progress
from ..volume import Geometry, Volume
from .folder_preparation import PreparedPair
from .sources import PatchSource
from .stages import StageSpec
from .state import BEST, read_weights

CASES_FILE = "cases.json"


def note_cases(run_folder: Path, source: PatchSource) -> None:
    """Note in a run folder which cases of a data folder the run learns from and which it only validates on."""
    held_back = getattr(source, "held_back", None)
    if held_back is None:
        return
    names = {"train": [case.name for case in source.cases], "validation": list(held_back)}
    write_text(run_folder / CASES_FILE, json.dumps(names, indent=2) + "\n")


def trained_on(run_folder: Path) -> frozenset[str] | None:
    """Names of the cases a run learned from; None when it does not say."""
    path = run_folder / CASES_FILE
    try:
        return frozenset(json.loads(path.read_text(encoding="utf-8"))["train"]) if path.is_file() else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{path} is damaged: {error}. Train that run again.") from error


def store_initial(cases: Sequence[PreparedPair], spec: StageSpec, run: Path, *, device: str = "auto",
                  progress: Progress | ProgressCallback | None = None) -> str:
    """Write the mask of ``run`` (best weights) beside every case that lacks it; returns the name it is kept under.

    Raises TrainingError when the run learned from one of ``cases`` or works on another grid than ``spec``.
    """
    from .export import stage_card

    report = as_progress(progress)
    weights = read_weights(run)
    known = trained_on(run)
    leaked = sorted({case.name for case in cases} & (known or frozenset()))
    if leaked:
        raise TrainingError(
            f"{run} learned from {', '.join(leaked[:20])}, whose masks would be better here than on any new case. "
            "Refine on cases that stage has only validated on: give both runs the same --split and fold."
        )
    first = weights.config.spec
    if (first.native, first.spacing_mm) != (spec.native, spec.spacing_mm):
        raise TrainingError(f"{run} works on another grid than the stage {spec.name!r}. Give both the same spacing.")
    card = stage_card(weights)
    network = build_network(card.network, card.arguments)
    network.load_state_dict(weights.state_dict)
    network.eval()
    name = f"initial-{hashlib.sha256((run / BEST).read_bytes()).hexdigest()[:12]}"
    for number, case in enumerate(cases):
        report(number / len(cases), f"First mask of {case.name} ({number + 1}/{len(cases)})")
        path = case.folder / f"{name}.npy"
        if path.exists():
            continue
        hu = np.asarray(case.array("image"), np.float32)
        ct = Volume(hu, Geometry(hu.shape, (1.0, 1.0, 1.0)))
        range_hu = case.range_hu if card.normalisation == "minmax" else None
        inputs = stage_channels(card, ct, {}, range_hu=range_hu)
        answer, _, _ = run_stage(network, card, inputs, device=device, quality="fast")
        mask = initial_mask(answer[card.output("lumen")]).astype(np.uint8)
        with file_in_place(path) as partial:
            np.save(partial, mask)
    return name
