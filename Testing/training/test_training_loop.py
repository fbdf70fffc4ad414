"""The training loop: it learns, it can be killed, it goes on exactly where it was."""

from __future__ import annotations

import multiprocessing
import os
import signal

import numpy as np
import pytest
import torch
from filelock import FileLock
from training_samples import Balls

from CoronarySegLib.errors import Cancelled, MissingPackageError, OutputError, TrainingError
from CoronarySegLib.training import loop
from CoronarySegLib.training.loop import learning_rate, train
from CoronarySegLib.training.recorder import read_log
from CoronarySegLib.training.sources import Patch
from CoronarySegLib.training.state import read_checkpoint, read_weights


def interrupted_at(step):
    """A progress callback that answers False at ``step`` of six."""
    return lambda fraction, text: fraction < step / 6 - 0.01


def same(first, second) -> bool:
    """Deep equality of checkpoints, tensors bit by bit, elapsed time left out."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first if k != "seconds")
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(map(same, first, second))
    return torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second


def test_training_lowers_the_loss_and_finds_the_balls(small_config, balls, held_out, tmp_path):
    config = small_config.with_changes(steps=120, learning_rate=0.02, validate_every_steps=60, ema_decay=0.9)
    result = train(config, balls, held_out, tmp_path)
    assert result.best_dice > 0.9


@pytest.mark.parametrize("workers", [0, 2])
def test_interrupted_and_resumed_run_equals_an_uninterrupted_one_bit_by_bit(
    small_config, balls, held_out, tmp_path, workers
):
    # In float32: some CPUs' bf16 kernels answer differently, at times with NaN, when their memory held something else.
    config = small_config.with_changes(precision="off")
    train(config, balls, held_out, tmp_path / "whole")
    config = config.with_changes(workers=workers)
    with pytest.raises(Cancelled):
        train(config, balls, held_out, tmp_path / "parts", progress=interrupted_at(3))
    assert read_checkpoint(tmp_path / "parts")["step"] == 3
    train(config, balls, held_out, tmp_path / "parts", resume=True)
    whole, parts = read_checkpoint(tmp_path / "whole"), read_checkpoint(tmp_path / "parts")
    whole["config"] = parts["config"] = None
    assert same(whole, parts)


def test_resumed_log_reads_like_one_run(small_config, balls, held_out, tmp_path):
    with pytest.raises(Cancelled):
        train(small_config, balls, held_out, tmp_path, progress=interrupted_at(3))
    train(small_config, balls, held_out, tmp_path, resume=True)
    assert [e["step"] for e in read_log(tmp_path) if e["event"] == "train"] == [1, 2, 3, 4, 5, 6]


def test_log_lines_after_the_last_checkpoint_are_dropped_on_resume(small_config, balls, tmp_path):
    with pytest.raises(Cancelled):
        train(small_config, balls, (), tmp_path, progress=interrupted_at(2))
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"event": "train", "step": 5, "loss": 0.1}\n{"event": "tr')
    train(small_config, balls, (), tmp_path, resume=True)
    assert [e["step"] for e in read_log(tmp_path) if e["event"] == "train"] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_stop_signal_ends_with_a_checkpoint_instead_of_a_loss(small_config, balls, held_out, tmp_path, kind):
    def stop_at_two(fraction, text):
        if text.startswith("step 2/"):
            os.kill(os.getpid(), kind)

    result = train(small_config, balls, held_out, tmp_path, progress=stop_at_two)
    assert (result.stopped, result.step, read_checkpoint(tmp_path)["step"]) == (True, 2, 2)


def test_signal_handlers_of_the_caller_come_back(small_config, balls, tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    train(small_config.with_changes(steps=1), balls, (), tmp_path)
    assert signal.getsignal(signal.SIGTERM) is before


def test_random_numbers_of_the_caller_are_left_alone(small_config, balls, tmp_path):
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    train(small_config.with_changes(steps=1), balls, (), tmp_path)
    assert torch.rand(1) == expected


def test_a_resumed_run_may_be_longer(small_config, balls, tmp_path):
    train(small_config, balls, (), tmp_path)
    assert train(small_config.with_changes(steps=8), balls, (), tmp_path, resume=True).step == 8


def test_resuming_with_other_settings_names_them(small_config, balls, tmp_path):
    train(small_config, balls, (), tmp_path)
    with pytest.raises(TrainingError, match=r"\(learning_rate, seed\)"):
        train(small_config.with_changes(learning_rate=0.1, seed=3), balls, (), tmp_path, resume=True)


def test_a_folder_with_a_run_is_not_overwritten(small_config, balls, tmp_path):
    train(small_config, balls, (), tmp_path)
    with pytest.raises(TrainingError, match="already holds a run"):
        train(small_config, balls, (), tmp_path)


def test_a_second_process_is_kept_out_of_a_run(small_config, balls, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "LOCK_WAIT_S", 0.1)
    with FileLock(tmp_path / loop.LOCK), pytest.raises(TrainingError, match="Another process"):
        train(small_config, balls, (), tmp_path)
    assert train(small_config, balls, (), tmp_path).step == 6


def test_resuming_where_nothing_is_says_so(small_config, balls, tmp_path):
    with pytest.raises(TrainingError, match="no checkpoint"):
        train(small_config, balls, (), tmp_path, resume=True)


def test_truncated_checkpoint_is_named(small_config, balls, tmp_path):
    train(small_config, balls, (), tmp_path)
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(TrainingError, match="damaged"):
        train(small_config, balls, (), tmp_path, resume=True)


def test_failed_checkpoint_leaves_the_old_one_and_no_debris(small_config, balls, tmp_path, monkeypatch):
    train(small_config, balls, (), tmp_path)

    def full_disk(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OutputError, match="No space left"):
        train(small_config.with_changes(steps=7), balls, (), tmp_path, resume=True)
    assert read_checkpoint(tmp_path)["step"] == 6
    assert not list(tmp_path.glob(".*"))


class SometimesNaN(Balls):
    """Every patch whose draw falls below ``share`` is full of NaN."""

    def __init__(self, share):
        super().__init__()
        self.share = share

    def sample(self, rng):
        bad = rng.random() < self.share
        patch = super().sample(rng)
        return Patch(patch.image * np.nan, patch.target) if bad else patch


def test_steps_with_a_loss_that_is_no_number_are_skipped_and_counted(small_config, tmp_path):
    result = train(small_config.with_changes(steps=10, batch=1), SometimesNaN(0.3), (), tmp_path)
    assert 0 < result.skipped_steps < 10
    assert all(torch.isfinite(w).all() for w in read_weights(tmp_path, "last").state_dict.values())


def test_a_loss_that_stays_no_number_ends_the_run(small_config, tmp_path):
    with pytest.raises(TrainingError, match="not a finite number"):
        train(small_config.with_changes(steps=30), SometimesNaN(1.0), (), tmp_path)


def test_a_run_that_failed_leaves_no_process_behind(small_config, tmp_path):
    config = small_config.with_changes(steps=30, workers=2)
    with pytest.raises(TrainingError) as kept:  # and with it every frame that it came through
        train(config, SometimesNaN(1.0), (), tmp_path)
    assert "in a row" in str(kept.value)
    assert not multiprocessing.active_children()


def test_patches_of_another_stage_are_refused(small_config, tmp_path):
    with pytest.raises(TrainingError, match="do not fit stage 'whole'"):
        train(small_config, Balls(channels=(3, 3)), (), tmp_path)


class Broken(Balls):
    def sample(self, rng):
        raise TrainingError("Case 17 is unreadable. Remove it.")


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_of_the_source_arrives_as_it_is(small_config, tmp_path, workers):
    with pytest.raises(TrainingError, match=r"^Case 17 is unreadable\. Remove it\.$"):
        train(small_config.with_changes(workers=workers), Broken(), (), tmp_path)


def test_a_device_that_is_not_there_is_named(small_config, balls, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("this machine has the device")
    with pytest.raises(MissingPackageError, match="'cuda' is not available"):
        train(small_config.with_changes(device="cuda"), balls, (), tmp_path)


def test_best_weights_carry_settings_and_scores(small_config, balls, held_out, tmp_path):
    train(small_config, balls, held_out, tmp_path)
    weights = read_weights(tmp_path, "best")
    assert weights.config == small_config
    assert weights.scores["dice"].keys() == {"lumen"}


def test_a_run_can_start_from_the_weights_of_another(small_config, balls, tmp_path):
    config = small_config.with_changes(ema_decay=0.0)
    train(config, balls, (), tmp_path / "first")
    tiny = config.with_changes(steps=1, learning_rate=1e-12, warmup_steps=0)
    train(tiny, balls, (), tmp_path / "second", initial_weights=tmp_path / "first" / "last.safetensors")
    first, second = (read_weights(tmp_path / n, "last").state_dict for n in ("first", "second"))
    trained = [name for name in first if name.endswith((".weight", ".bias"))]
    assert all(torch.allclose(first[k], second[k], atol=1e-6) for k in trained)


def test_tensorboard_scalars_are_written_when_it_is_installed(small_config, balls, tmp_path):
    pytest.importorskip("tensorboard")
    train(small_config.with_changes(steps=1, tensorboard=True), balls, (), tmp_path)
    assert list((tmp_path / "tensorboard").glob("events.*"))


@pytest.mark.parametrize(("schedule", "end"), [("constant", 1.0), ("cosine", 0.01), ("poly", 0.0)])
def test_rate_ramps_up_and_ends_where_the_schedule_says(small_config, schedule, end):
    config = small_config.with_changes(schedule=schedule, steps=1000, warmup_steps=10, learning_rate=1.0)
    assert learning_rate(config, 0) == pytest.approx(0.1)
    assert learning_rate(config, 10) == pytest.approx(1.0)
    assert learning_rate(config, 1000) == pytest.approx(end, abs=1e-6)
