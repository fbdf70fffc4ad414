"""The training loop: patches in, weights that survive a kill out.

Adam on the configured loss with reduced precision where the device has it (ResUNet3D paper: autocast and GradScaler), a
running mean of the weights, validation on fixed patches, and a checkpoint from which a run goes on exactly where it
was: same patches, same optimiser, same random numbers. Started by torchrun, its processes take every step together.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from ..errors import Cancelled, OutputError, TrainingError
from ..progress import Progress, ProgressCallback, as_progress
from .config import TrainConfig
from .distributed import Workers, workers_of_torchrun
from .hardware import Hardware, choose_hardware
from .loading import Batch, PatchDataset, batches, in_groups
from .objective import Objective
from .recorder import Recorder
from .schedule import Clock, learning_rate
from .sources import Patch, PatchSource
from .state import BEST, CHECKPOINT, TrainState, new_state, read_checkpoint, restore, save_checkpoint, save_weights
from .step import StepValues, take_step
from .validation import ValidationScore, validate

LOCK = "training.lock"
LOCK_WAIT_S = 10.0
"""The processes that make patches outlive a killed run by seconds, and hold its lock as long."""
MOST_SKIPPED_IN_A_ROW = 10


@dataclass(frozen=True)
class TrainResult:
    """Where a run stands. ``stopped`` is True when a signal ended it before ``steps``, ``ended_early`` when its
    validations had stopped getting better."""

    run_folder: Path
    step: int
    steps: int
    seconds: float
    skipped_steps: int
    best_dice: float
    scores: dict[str, Any]
    hardware: str
    stopped: bool
    ended_early: bool = False


def train(config: TrainConfig, source: PatchSource, validation_patches: Sequence[Patch], run_folder: str | Path, *,
          progress: Progress | ProgressCallback | None = None, resume: bool = False,
          initial_weights: str | Path | None = None) -> TrainResult:
    """Train one stage into ``run_folder``.

    ``resume`` continues the run of that folder; without it the folder must not hold a run yet. ``progress`` may stop
    the run: a checkpoint is written, then Cancelled raised. SIGTERM and SIGINT write a checkpoint and return with
    ``stopped``. ``initial_weights`` is a safetensors file to start from, e.g. the best one of another run.

    Raises TrainingError (patches that do not fit, checkpoint that does not fit, loss that stays not finite, another
    process training in the folder) and OutputError (folder not writable).
    """
    report = as_progress(progress)
    threads_before = torch.get_num_threads()
    with workers_of_torchrun(config.device) as workers, torch.random.fork_rng(enabled=True), _stop_signal() as stop:
        # The first process looks for an older run before any of them makes the folder.
        folder = Path(run_folder)
        lock = _open_folder(folder, resume) if workers.first else None
        try:
            workers.wait()
            hardware = choose_hardware(config, workers.local)
            if config.threads:
                torch.set_num_threads(config.threads)
            state = new_state(config, hardware, None if initial_weights is None else Path(initial_weights))
            if resume:
                restore(state, read_checkpoint(folder), config)
            if workers.first:
                config.write(folder / "config.json")
            return _Run(config, hardware, workers, state, folder, report, stop).go(source, validation_patches)
        finally:
            torch.set_num_threads(threads_before)
            if lock is not None:
                lock.release()


def _open_folder(folder: Path, resume: bool) -> FileLock:
    """Make the folder, or find its run; the lock, which ends with the process too, keeps a second one out."""
    if not resume and (folder / CHECKPOINT).exists():
        raise TrainingError(f"{folder} already holds a run. Resume it, or choose another folder.")
    if resume and not folder.is_dir():
        raise TrainingError(f"There is no run in {folder} to resume. Check the path, or start without resuming.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The run folder {folder} cannot be made: {error}. Choose another place.") from error
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=LOCK_WAIT_S)
    except Timeout as error:
        raise TrainingError(
            f"Another process is training in {folder}. Wait until it has ended, or choose another folder."
        ) from error
    except OSError as error:
        raise OutputError(f"Nothing can be written to {folder}: {error}. Choose another place.") from error
    return lock


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set instead of ending the process; only the main thread may listen."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def asked(*_) -> None:
        if event.is_set():  # asked twice: somebody does not want to wait for the step to end
            raise KeyboardInterrupt
        event.set()

    before = {kind: signal.signal(kind, asked) for kind in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield event
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


class _Run:
    """One call of :func:`train`: the collaborators that every step needs."""

    def __init__(self, config: TrainConfig, hardware: Hardware, workers: Workers, state: TrainState, folder: Path,
                 report: Progress, stop: threading.Event):
        self.config, self.hardware, self.workers, self.state = config, hardware, workers, state
        self.folder, self.report, self.stop = folder, report, stop
        self.spec = config.spec
        self.objective = Objective(config).to(hardware.device)
        self.clock = Clock(state.seconds)
        self.saved_at = time.monotonic()

    def go(self, source: PatchSource, validation_patches: Sequence[Patch]) -> TrainResult:
        state, config, workers = self.state, self.config, self.workers
        recorder = Recorder(
            self.folder, first_step=state.step, tensorboard=config.tensorboard, silent=not workers.first
        )
        recorder.write("start", step=state.step, hardware=self.hardware.name, config=config.to_dict(),
                       weights=sum(p.numel() for p in state.network.parameters()), processes=workers.world)
        steps = state.step if self._out_of_patience() else config.steps
        loader = batches(
            PatchDataset(source, config.seed, self._augmentation()), batch=config.batch,
            first=state.step * config.accumulate, last=steps * config.accumulate, workers=config.workers,
            rank=workers.rank, world=workers.world, pin_memory=self.hardware.device.type == "cuda",
        )
        try:
            for group in in_groups(loader, config.accumulate):
                loss = self._step(group, recorder)
                last = state.step >= config.steps
                if validation_patches and (last or state.step % config.validate_every_steps == 0) and workers.first:
                    self._validate(validation_patches, recorder)
                # After the validation, which belongs to the step: a run stopped here has lost nothing of it.
                self.report(state.step / config.steps, self.clock.text(state.step, config.steps, loss))
                end = workers.any(self.stop.is_set() or self._out_of_patience(), self.hardware.device)
                if (last or end or self._checkpoint_is_due()) and workers.first:
                    self._save()
                if end:
                    break
        except Cancelled as error:
            self._save()
            raise Cancelled(f"Stopped after step {state.step}. Resume the run in {self.folder} to go on.") from error
        finally:
            # Its processes must not live as long as somebody keeps the error that ended the run.
            loader.close()
            recorder.write("end", step=state.step, seconds=round(self.clock.seconds, 1))
            recorder.close()
        early = self._out_of_patience() and state.step < config.steps
        return TrainResult(self.folder, state.step, config.steps, self.clock.seconds, state.skipped, state.best_dice,
                           state.scores, self.hardware.name, state.step < config.steps and not early, early)

    def _augmentation(self):
        if not self.config.augment:
            return None
        from .augment import Augmentation

        return Augmentation(self.spec)

    def _out_of_patience(self) -> bool:
        return self.config.patience is not None and self.state.validations_since_best >= self.config.patience

    def _step(self, group: Sequence[Batch], recorder: Recorder) -> float:
        state, config = self.state, self.config
        if state.step == 0:
            self._check_shapes(group[0])
        group = [batch.to(self.hardware.device, self.hardware.memory_format) for batch in group]
        rate = learning_rate(config, state.step)
        values = take_step(state, group, self.objective, config, self.hardware, self.workers, rate)
        self._count(values)
        state.step += 1
        self.clock.tick()
        if state.step % config.log_every_steps == 0 or state.step == config.steps:
            recorder.write("train", step=state.step, loss=values.loss, **values.parts,
                           gradient_norm=values.gradient_norm, learning_rate=rate,
                           steps_per_s=round(self.clock.rate, 4), skipped=state.skipped)
        return values.loss

    def _count(self, values: StepValues) -> None:
        state = self.state
        state.skipped_in_a_row = 0 if values.moved else state.skipped_in_a_row + 1
        state.skipped += not values.moved
        if state.skipped_in_a_row >= MOST_SKIPPED_IN_A_ROW:
            raise TrainingError(
                f"The loss was not a finite number in {MOST_SKIPPED_IN_A_ROW} steps in a row (step {state.step}). "
                "Check the images for NaN, or start again with a smaller learning rate or precision 'off'."
            )

    def _validate(self, patches: Sequence[Patch], recorder: Recorder) -> None:
        score: ValidationScore = validate(
            self.state.exported, patches, self.spec.outputs, self.objective, hardware=self.hardware,
            batch=self.config.batch,
        )
        self.state.scores = {"loss": score.loss, "dice": score.dice, "mean_dice": score.mean_dice}
        if score.further_dice:
            self.state.scores["further_dice"] = score.further_dice
        recorder.write("validation", step=self.state.step, **self.state.scores)
        self.state.validations_since_best += 1
        if score.mean_dice > self.state.best_dice:
            self.state.best_dice, self.state.validations_since_best = score.mean_dice, 0
            self.state.seconds = self.clock.seconds
            save_weights(self.state, self.config, self.folder / BEST)

    def _checkpoint_is_due(self) -> bool:
        every = self.config.checkpoint_every_steps
        if every and self.state.step % every == 0:
            return True
        return time.monotonic() - self.saved_at > 60 * self.config.checkpoint_every_minutes

    def _save(self) -> None:
        self.state.seconds = self.clock.seconds
        save_checkpoint(self.state, self.config, self.folder)
        self.saved_at = time.monotonic()

    def _check_shapes(self, batch: Batch) -> None:
        wanted = (len(self.spec.inputs), len(self.spec.outputs))
        given = (batch.image.shape[1], batch.target.shape[1])
        if given != wanted or batch.image.shape[2:] != batch.target.shape[2:]:
            raise TrainingError(
                f"The patches do not fit stage {self.spec.name!r}: image {tuple(batch.image.shape[1:])} and target "
                f"{tuple(batch.target.shape[1:])}, but it has {wanted[0]} inputs ({', '.join(self.spec.inputs)}) and "
                f"{wanted[1]} outputs ({', '.join(self.spec.outputs)}). Use a source made for this stage."
            )
