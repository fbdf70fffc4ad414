"""torchrun with two processes on the processor."""

import subprocess
import sys
from pathlib import Path

import torch

from CoronarySegLib.training.loop import train
from CoronarySegLib.training.recorder import read_log
from CoronarySegLib.training.sources import fixed_patches
from CoronarySegLib.training.state import read_checkpoint, read_weights


def test_two_processes_with_one_patch_each_do_what_one_does_with_two(small_config, balls, tmp_path):
    # Means over voxels add up; Dice, which pools its batch, does not, and neither does a batch norm.
    config = small_config.with_changes(
        precision="off", dice_weight=0.0, steps=3,
        network_arguments={**small_config.network_arguments, "norm": "instance"},
    )
    config.with_changes(batch=1).write(tmp_path / "two.json")
    script = Path(__file__).with_name("two_processes.py")
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", script,
         tmp_path / "two.json", tmp_path / "two"], capture_output=True, text=True, check=False, timeout=500,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    train(config, balls, fixed_patches(balls, 1), tmp_path / "one")
    one, two = (read_weights(tmp_path / name, "last").state_dict for name in ("one", "two"))
    assert all(torch.allclose(one[k], two[k], atol=1e-5) for k in one)
    assert read_checkpoint(tmp_path / "two")["step"] == 3
    events = read_log(tmp_path / "two")
    assert events[0]["processes"] == 2
    assert [e["step"] for e in events if e["event"] == "train"] == [1, 2, 3]
