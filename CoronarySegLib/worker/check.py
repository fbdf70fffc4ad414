"""The check of a machine: does everything import, is the model whole, how long does one patch take."""

from __future__ import annotations

import time

import numpy as np

from ..environment import Finding, import_findings
from ..errors import CoronarySegError
from ..progress import Progress
from .jobs import CheckJob
from .outcomes import CheckOutcome

REPETITIONS = 3


def check(job: CheckJob, progress: Progress) -> CheckOutcome:
    """Look at packages, model and device. Never raises for what it finds: that stands in the findings."""
    progress(0.0, "Importing the packages")
    findings = list(import_findings())
    if any(finding.state in ("missing", "broken") for finding in findings):
        return CheckOutcome(tuple(findings))
    engine, seconds = "", None
    try:
        progress(0.5, "Verifying the model")
        from ..models import find_model

        folder = find_model(job.model)
        findings.append(Finding("model", "ok", f"Model {folder.card.name} {folder.card.version}: checksums are right."))
        progress(0.7, "Timing one patch")
        engine, seconds = _timed_patch(folder, job.device)
        findings.append(Finding("device", "ok", f"Runs on {engine}, {seconds:.2g} s for one patch."))
    except CoronarySegError as error:
        findings.append(Finding("model" if not engine else "device", "broken", str(error)))
    return CheckOutcome(tuple(findings), engine, seconds)


def _timed_patch(folder, device: str) -> tuple[str, float]:
    """Name of the engine and seconds of one patch through the finest network, the best of several."""
    from ..inference import choose_engine
    from ..models.folder import load_stage

    stage = folder.card.stages[-1]
    engine = choose_engine(load_stage(folder, stage.name), stage.patch_zyx, device=device)
    patch = np.zeros((1, len(stage.inputs), *stage.patch_zyx), np.float32)
    engine.predict(patch)  # the first one compiles
    times = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        engine.predict(patch)
        times.append(time.perf_counter() - start)
    return engine.name, min(times)
