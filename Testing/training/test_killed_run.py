"""kill -9 in the middle of a run, and on from there."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from CoronarySegLib.training.loop import train
from CoronarySegLib.training.recorder import read_log
from CoronarySegLib.training.state import read_checkpoint

HERE = Path(__file__).resolve().parent
STEPS, EVERY, KILL_AT = 16, 3, 8


def losses(folder):
    return {e["step"]: e["loss"] for e in read_log(folder) if e["event"] == "train"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_and_resumed_run_has_the_loss_curve_of_an_uninterrupted_one(small_config, balls, held_out, tmp_path):
    config = small_config.with_changes(steps=STEPS, checkpoint_every_steps=EVERY, precision="off")
    config.write(tmp_path / "config.json")
    train(config, balls, held_out, tmp_path / "whole")

    killed = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, str(HERE / "killed_run.py"), str(tmp_path / "config.json"), str(killed)],
        cwd=HERE.parents[1], env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (HERE.parents[1], HERE)))},
    )
    try:
        until = time.monotonic() + 900
        while max(losses(killed), default=0) < KILL_AT and process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        assert process.wait() == -signal.SIGKILL
    reached = read_checkpoint(killed)["step"]
    assert EVERY <= reached < STEPS

    train(config, balls, held_out, killed, resume=True)
    whole, resumed = losses(tmp_path / "whole"), losses(killed)
    assert list(resumed) == list(range(1, STEPS + 1))
    assert resumed == pytest.approx(whole, rel=1e-6)
