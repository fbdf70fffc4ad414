"""What the loop does beyond one network and one loss: coarse masks, discriminators, accumulation, early ends."""

import pytest
import torch
from test_training_loop import interrupted_at, same
from training_samples import Balls

from CoronarySegLib.errors import Cancelled
from CoronarySegLib.training.config import TrainConfig
from CoronarySegLib.training.critic import Critic
from CoronarySegLib.training.distributed import Workers
from CoronarySegLib.training.hardware import choose_hardware
from CoronarySegLib.training.loop import train
from CoronarySegLib.training.recorder import read_log
from CoronarySegLib.training.sources import fixed_patches
from CoronarySegLib.training.state import new_state, read_checkpoint, read_weights

QUICK = {"workers": 0, "threads": 1, "tensorboard": False, "device": "cpu", "log_every_steps": 1, "warmup_steps": 0,
         "precision": "off"}


@pytest.fixture
def mask_guided():
    return TrainConfig(
        stage="patches", network="MaskGuidedNet", patch_zyx=(16, 16, 16), steps=2, validate_every_steps=2,
        network_arguments={"coarse_channels": [4, 4], "channels": [4, 4, 8]}, topology="cldice", **QUICK,
    )


@pytest.fixture
def adversarial():
    return TrainConfig(
        stage="refine", network="AttentionGANGenerator", network_arguments={"base": 2}, patch_zyx=(32, 32, 32),
        batch=1, steps=6, learning_rate=2e-4, schedule="constant", adam_beta1=0.5, dice_weight=5.0, bce_weight=0.0,
        betti0="literal", critic_base=2, ema_decay=0.0, validate_every_steps=3, **QUICK,
    )


def test_both_masks_of_the_mask_guided_network_learn_and_are_scored(mask_guided, balls, held_out, tmp_path):
    result = train(mask_guided, balls, held_out, tmp_path)
    assert result.scores["dice"].keys() == {"lumen"}
    assert result.scores["further_dice"].keys() == {"coarse_lumen"}
    logged = next(e for e in read_log(tmp_path) if e["event"] == "train")
    assert {"dice_loss", "bce", "topology", "auxiliary"} <= logged.keys()


def test_both_masks_begin_as_background(mask_guided):
    network = new_state(mask_guided, choose_hardware(mask_guided)).network
    assert [float(head.bias.detach()) for head in network.heads] == [-4.0, -4.0]


def test_slices_are_trained_through_the_same_loop(tmp_path):
    class Slices(Balls):
        def sample(self, rng):
            patch = super().sample(rng)
            return type(patch)(patch.image[:, 8:9], patch.target[:, 8:9])

    config = TrainConfig(
        stage="slices", network="SFANet", network_arguments={"channels": [4, 8, 8], "image_size": 16}, steps=2,
        patch_zyx=(1, 16, 16), vessel_share=0.05, dice_weight=0.5, bce_weight=0.5, weight_decay=1e-5, augment=True,
        **QUICK,
    )
    assert train(config, Slices(), (), tmp_path).step == 2


def test_an_interrupted_adversarial_run_goes_on_bit_by_bit(adversarial, tmp_path):
    source = Balls(32, (2, 1))
    held_out = fixed_patches(source, 1, seed=7)
    train(adversarial, source, held_out, tmp_path / "whole")
    with pytest.raises(Cancelled):
        train(adversarial, source, held_out, tmp_path / "parts", progress=interrupted_at(3))
    train(adversarial, source, held_out, tmp_path / "parts", resume=True)
    whole, parts = read_checkpoint(tmp_path / "whole"), read_checkpoint(tmp_path / "parts")
    assert same(whole, parts)
    assert whole["critic"]["optimiser"]["state"]
    logged = [e for e in read_log(tmp_path / "parts") if e["event"] == "train"]
    assert all({"adversarial", "critic_loss", "betti0"} <= e.keys() for e in logged)


def test_a_discriminator_learns_to_tell_balls_from_noise(adversarial):
    torch.manual_seed(0)
    config = adversarial.with_changes(learning_rate=1e-2)
    critic, patch = Critic(config, choose_hardware(config)), fixed_patches(Balls(32, (2, 1)), 1)[0]
    image, truth = torch.from_numpy(patch.image)[None], torch.from_numpy(patch.target)[None]
    losses = [critic.learn(image, truth, torch.rand_like(truth), 1e-2, Workers()) for _ in range(15)]
    assert losses[-1] < 0.5 * losses[0]


def test_the_network_is_told_to_look_true_and_the_discriminator_is_left_alone(adversarial):
    critic, patch = Critic(adversarial, choose_hardware(adversarial)), fixed_patches(Balls(32, (2, 1)), 1)[0]
    answer = torch.rand(1, 1, 32, 32, 32, requires_grad=True)
    critic.cost(torch.from_numpy(patch.image)[None], answer).backward()
    assert answer.grad.abs().max() > 0
    assert all(p.grad is None for p in critic.network.parameters())


def test_two_batches_a_step_are_one_batch_of_twice_the_size(small_config, balls, tmp_path):
    # Means over voxels add up; Dice, which pools its batch, does not, and neither does a batch norm.
    config = small_config.with_changes(
        precision="off", dice_weight=0.0, ema_decay=0.0, steps=3,
        network_arguments={**small_config.network_arguments, "norm": "instance"},
    )
    train(config, balls, (), tmp_path / "one")
    train(config.with_changes(batch=1, accumulate=2), balls, (), tmp_path / "two")
    one, two = (read_weights(tmp_path / name, "last").state_dict for name in ("one", "two"))
    assert all(torch.allclose(one[k], two[k], atol=1e-5) for k in one)


def test_a_run_ends_when_validations_stop_getting_better(small_config, balls, held_out, tmp_path):
    config = small_config.with_changes(steps=50, learning_rate=1e-12, validate_every_steps=1, patience=2)
    result = train(config, balls, held_out, tmp_path)
    assert (result.step, result.ended_early, result.stopped) == (3, True, False)
    assert train(config, balls, held_out, tmp_path, resume=True).step == 3
    assert train(config.with_changes(patience=3), balls, held_out, tmp_path, resume=True).step == 4
