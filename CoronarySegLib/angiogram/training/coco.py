"""COCO files as ARCADE publishes them: images/ beside annotations/<any>.json, in any number of folders below the root.

Phase 1 and the final phase differ in the names of their folders only. The 26 regions of the SYNTAX scheme become one
vessel; boxes of stenoses, ARCADE's second task, are no vessel and are left out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import TrainingError
from .cases import AngiogramCase

STENOSIS = "stenosis"


def coco_cases(folder: Path) -> tuple[AngiogramCase, ...]:
    """All images of a folder that COCO files give vessel polygons for; none where there is no such file.

    A case is named by its folder and its file ("seg_train_12"). Raises TrainingError for a file that cannot be read and
    for images that are missing.
    """
    cases: list[AngiogramCase] = []
    missing: list[str] = []
    for path in sorted(folder.rglob("annotations/*.json")):
        for case in _cases_of(path):
            (cases if case.image.is_file() else missing).append(case if case.image.is_file() else str(case.image))
    if missing:
        raise TrainingError(f"{len(missing)} images named by annotations in {folder} are missing, the first is "
                            f"{missing[0]}. Copy the data again.")
    return tuple(cases)


def _cases_of(path: Path) -> list[AngiogramCase]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        stenoses = {c["id"] for c in values["categories"] if str(c["name"]).lower() == STENOSIS}
        polygons: dict[Any, list[np.ndarray]] = {}
        for annotation in values["annotations"]:
            if annotation["category_id"] not in stenoses:
                made = [np.asarray(part, float).reshape(-1, 2) for part in annotation["segmentation"]]
                polygons.setdefault(annotation["image_id"], []).extend(part for part in made if len(part) >= 3)
        files = {image["id"]: image["file_name"] for image in values["images"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{path} is no COCO file of polygons: {error!r}. Copy it again.") from error
    root = path.parent.parent
    return [
        AngiogramCase(f"{root.name}_{Path(files[number]).stem}", root / "images" / files[number], polygons=tuple(parts))
        for number, parts in polygons.items() if parts and number in files
    ]
