"""The training loop: patches in, weights that survive a kill out.

Adam on Dice + BCE with reduced precision where the device has it (ResUNet3D paper: autocast and GradScaler), a running
mean of the weights, validation on fixed patches, and a checkpoint from which a run goes on exactly where it was: same
patches, same optimiser, same random numbers.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..errors import Cancelled, OutputError, TrainingError
from ..progress import Progress, ProgressCallback, as_progress
from .config import TrainConfig
from .hardware import Hardware, choose_hardware
from .loading import Batch, PatchDataset, batches
from .losses import DiceBCELoss
from .recorder import Recorder
from .sources import Patch, PatchSource
from .stages import stage_spec
from .state import BEST, CHECKPOINT, TrainState, new_state, read_checkpoint, restore, save_checkpoint, save_weights
from .validation import ValidationScore, validate

MOST_SKIPPED_IN_A_ROW = 10


@dataclass(frozen=True)
class TrainResult:
    """Where a run stands. ``stopped`` is True when a signal ended it before ``steps``."""

    run_folder: Path
    step: int
    steps: int
    seconds: float
    skipped_steps: int
    best_dice: float
    scores: dict[str, Any]
    hardware: str
    stopped: bool


def train(config: TrainConfig, source: PatchSource, validation_patches: Sequence[Patch], run_folder: str | Path, *,
          progress: Progress | ProgressCallback | None = None, resume: bool = False,
          initial_weights: str | Path | None = None) -> TrainResult:
    """Train one stage into ``run_folder``.

    ``resume`` continues the run of that folder; without it the folder must not hold a run yet. ``progress`` may stop
    the run: a checkpoint is written, then Cancelled raised. SIGTERM and SIGINT write a checkpoint and return with
    ``stopped``. ``initial_weights`` is a safetensors file to start from, e.g. the best one of another run.

    Raises TrainingError (patches that do not fit, checkpoint that does not fit, loss that stays not finite) and
    OutputError (folder not writable).
    """
    folder = _open_folder(Path(run_folder), resume)
    hardware = choose_hardware(config)
    report = as_progress(progress)
    threads_before = torch.get_num_threads()
    with torch.random.fork_rng(enabled=True), _stop_signal() as stop:
        try:
            if config.threads:
                torch.set_num_threads(config.threads)
            state = new_state(config, hardware, None if initial_weights is None else Path(initial_weights))
            if resume:
                restore(state, read_checkpoint(folder), config)
            config.write(folder / "config.json")
            return _Run(config, hardware, state, folder, report, stop).go(source, validation_patches)
        finally:
            torch.set_num_threads(threads_before)


def _open_folder(folder: Path, resume: bool) -> Path:
    if not resume and (folder / CHECKPOINT).exists():
        raise TrainingError(f"{folder} already holds a run. Resume it, or choose another folder.")
    if resume and not folder.is_dir():
        raise TrainingError(f"There is no run in {folder} to resume. Check the path, or start without resuming.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The run folder {folder} cannot be made: {error}. Choose another place.") from error
    return folder


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

    def __init__(self, config: TrainConfig, hardware: Hardware, state: TrainState, folder: Path, report: Progress,
                 stop: threading.Event):
        self.config, self.hardware, self.state = config, hardware, state
        self.folder, self.report, self.stop = folder, report, stop
        self.spec = stage_spec(config.stage)
        self.loss = DiceBCELoss(
            channels=len(self.spec.outputs), dice_weight=config.dice_weight, bce_weight=config.bce_weight,
            channel_weights=config.channel_weights, positive_weights=config.positive_weights,
            dice_smooth=config.dice_smooth,
        ).to(hardware.device)
        self.clock = _Clock(state.seconds)
        self.saved_at = time.monotonic()

    def go(self, source: PatchSource, validation_patches: Sequence[Patch]) -> TrainResult:
        state, config = self.state, self.config
        recorder = Recorder(self.folder, first_step=state.step, tensorboard=config.tensorboard)
        recorder.write("start", step=state.step, hardware=self.hardware.name, config=config.to_dict(),
                       weights=sum(p.numel() for p in state.network.parameters()))
        loader = batches(
            PatchDataset(source, config.seed, self._augmentation()), batch=config.batch, first_step=state.step,
            steps=config.steps, workers=config.workers, pin_memory=self.hardware.device.type == "cuda",
        )
        try:
            for batch in loader:
                self._step(batch.to(self.hardware.device, self.hardware.memory_format), recorder)
                last = state.step >= config.steps
                if validation_patches and (last or state.step % config.validate_every_steps == 0):
                    self._validate(validation_patches, recorder)
                if last or self.stop.is_set() or self._checkpoint_is_due():
                    self._save()
                if self.stop.is_set():
                    break
        except Cancelled as error:
            self._save()
            raise Cancelled(f"Stopped after step {state.step}. Resume the run in {self.folder} to go on.") from error
        finally:
            recorder.write("end", step=state.step, seconds=round(self.clock.seconds, 1))
            recorder.close()
        return TrainResult(self.folder, state.step, config.steps, self.clock.seconds, state.skipped, state.best_dice,
                           state.scores, self.hardware.name, stopped=state.step < config.steps)

    def _augmentation(self):
        if not self.config.augment:
            return None
        from .augment import Augmentation

        return Augmentation(self.spec)

    def _step(self, batch: Batch, recorder: Recorder) -> None:
        state, config = self.state, self.config
        if state.step == 0:
            self._check_shapes(batch)
        rate = learning_rate(config, state.step)
        for group in state.optimiser.param_groups:
            group["lr"] = rate
        state.optimiser.zero_grad(set_to_none=True)
        buffers = list(state.network.buffers())
        kept = [buffer.clone() for buffer in buffers]
        with self.hardware.autocast():
            logits = state.network(batch.image)
        total, dice, bce = self.loss(logits, batch.target, batch.weight)
        loss = float(total.detach())
        if not math.isfinite(loss):
            # One NaN in the running statistics of a normalisation would stay there for good.
            torch._foreach_copy_(buffers, kept)
        norm = self._descend(total) if math.isfinite(loss) else math.nan
        self._count(math.isfinite(norm) or (state.scaler.is_enabled() and math.isfinite(loss)))
        state.step += 1
        self.clock.tick()
        if state.step % config.log_every_steps == 0 or state.step == config.steps:
            recorder.write("train", step=state.step, loss=loss, dice_loss=float(dice.detach()), bce=float(bce.detach()),
                           gradient_norm=norm, learning_rate=rate, steps_per_s=round(self.clock.rate, 4),
                           skipped=state.skipped)
        self.report(state.step / config.steps, self.clock.text(state.step, config.steps, loss))

    def _descend(self, total: torch.Tensor) -> float:
        """Backward, clip, one optimiser step; returns the gradient norm. Nothing moves when it is not finite."""
        state = self.state
        state.scaler.scale(total).backward()
        state.scaler.unscale_(state.optimiser)
        norm = float(torch.nn.utils.clip_grad_norm_(
            state.network.parameters(), self.config.gradient_clip or math.inf, foreach=True
        ))
        if state.scaler.is_enabled() or math.isfinite(norm):
            state.scaler.step(state.optimiser)
            state.scaler.update()
            if math.isfinite(norm):
                state.update_mean()
        return norm

    def _count(self, moved: bool) -> None:
        state = self.state
        state.skipped_in_a_row = 0 if moved else state.skipped_in_a_row + 1
        state.skipped += not moved
        if state.skipped_in_a_row >= MOST_SKIPPED_IN_A_ROW:
            raise TrainingError(
                f"The loss was not a finite number in {MOST_SKIPPED_IN_A_ROW} steps in a row (step {state.step}). "
                "Check the images for NaN, or start again with a smaller learning rate or precision 'off'."
            )

    def _validate(self, patches: Sequence[Patch], recorder: Recorder) -> None:
        score: ValidationScore = validate(
            self.state.exported, patches, self.spec.outputs, self.loss, hardware=self.hardware, batch=self.config.batch
        )
        self.state.scores = {"loss": score.loss, "dice": score.dice, "mean_dice": score.mean_dice}
        recorder.write("validation", step=self.state.step, **self.state.scores)
        if score.mean_dice > self.state.best_dice:
            self.state.best_dice = score.mean_dice
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


def learning_rate(config: TrainConfig, step: int) -> float:
    """Rate of ``step`` (0-based) under the configured schedule."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    done = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    done = min(max(done, 0.0), 1.0)
    factor = {
        "constant": 1.0,
        "cosine": 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * done)),
        "poly": (1.0 - done) ** 0.9,
    }[config.schedule]
    return config.learning_rate * factor


class _Clock:
    """Seconds trained over all parts of a run, and steps per second over the last fifty."""

    def __init__(self, seconds_before: float):
        self._before = seconds_before
        self._start = time.monotonic()
        self._ticks: deque[float] = deque([self._start], maxlen=51)

    def tick(self) -> None:
        self._ticks.append(time.monotonic())

    @property
    def seconds(self) -> float:
        return self._before + time.monotonic() - self._start

    @property
    def rate(self) -> float:
        span = self._ticks[-1] - self._ticks[0]
        return (len(self._ticks) - 1) / span if span > 0 else 0.0

    def text(self, step: int, steps: int, loss: float) -> str:
        left = (steps - step) / self.rate if self.rate else 0.0
        hours, minutes = divmod(round(left / 60), 60)
        span = f"{hours} h {minutes:02d} min" if hours else f"{minutes} min" if left >= 90 else f"{left:.0f} s"
        return f"step {step}/{steps}, loss {loss:.3f}, {self.rate:.2f} steps/s, {span} left"
