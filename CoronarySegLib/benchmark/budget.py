"""The same training time for everybody: how many steps a stage can take in its share of it.

The same number of steps is no equal budget where one system sees patches of 16 voxels and another of 128. Measured
once and kept in the run folder, so that a stopped run goes on with the same schedule.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import TrainingError
from ..in_place import write_text
from ..progress import Progress
from ..training.config import TrainConfig
from ..training.estimate import estimate
from ..training.sources import PatchSource

BUDGET = "budget.json"
FEWEST_STEPS = 10


def steps_within(minutes: float, config: TrainConfig, source: PatchSource, run: Path, report: Progress) -> int:
    """Steps of ``config`` that take about ``minutes`` on this machine, at least ten. Raises TrainingError."""
    path = run / BUDGET
    if path.is_file():
        try:
            return int(json.loads(path.read_text(encoding="utf-8"))["steps"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrainingError(f"{path} is damaged: {error}. Remove the folder to start that run again.") from error
    report(0.0, "Measuring how long a step takes")
    speed = estimate(config, source)
    steps = max(FEWEST_STEPS, int(60.0 * minutes / speed.seconds_per_step))
    measured = {"minutes": minutes, "seconds_per_step": speed.seconds_per_step, "hardware": speed.hardware}
    write_text(path, json.dumps({**measured, "steps": steps}, indent=1) + "\n")
    return steps
