"""Published systems as settings: complete, buildable, honest about what they do otherwise."""

import pytest
import torch

from CoronarySegLib.errors import MissingPackageError, TrainingError
from CoronarySegLib.networks import build_network
from CoronarySegLib.training.published import PUBLISHED, deviations_of, published_config


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("profile", ["paper", "recommended"])
def test_every_system_has_settings_a_network_can_be_built_from(name, profile):
    config = published_config(name, profile)
    try:
        with torch.device("meta"):
            build_network(config.network, config.built_arguments())
    except MissingPackageError as error:
        pytest.skip(str(error))
    assert len(config.spec.outputs) == 1


@pytest.mark.parametrize("name", PUBLISHED)
def test_as_published_nothing_is_otherwise(name):
    said = deviations_of(published_config(name, "paper"))
    # Their weights are a file that only the user can have.
    assert [text for text in said if not (PUBLISHED[name].imagenet and "ImageNet" in text)] == []


def test_what_is_otherwise_is_said():
    said = deviations_of(published_config("mask-guided", learning_rate=3e-4))
    assert any("learning_rate is 0.0003 instead of 0.0001" in text for text in said)
    assert "mask-guided: native is False instead of True." in said
    assert "mask-guided: normalisation is window instead of minmax." in said


def test_the_papers_numbers_are_there():
    mask_guided, sfanet, gan = (published_config(n, "paper") for n in ("mask-guided", "sfanet", "attention-gan"))
    assert (mask_guided.learning_rate, mask_guided.batch, mask_guided.patch) == (1e-4, 4, (64, 64, 64))
    assert (sfanet.learning_rate, sfanet.weight_decay, sfanet.dice_weight) == (1e-4, 1e-5, 0.5)
    assert sfanet.patch == (1, 512, 512)
    assert sfanet.spec.hu_window == (-100.0, 500.0)
    assert (gan.dice_weight, gan.learning_rate, gan.adam_beta1, gan.critic_base) == (5.0, 2e-4, 0.5, 64)


def test_ablations_differ_in_what_they_ablate():
    whole = published_config("mask-guided").to_dict()
    for name, changed in (("mask-guided-coarse-only", {"network_arguments"}), ("mask-guided-no-topology", {"topology"}),
                          ("mask-guided-no-gates", {"network_arguments"})):
        other = published_config(name).to_dict()
        assert {k for k in whole if whole[k] != other[k]} == {"published"} | changed


def test_steps_are_the_papers_epochs():
    assert published_config("mask-guided", "paper", cases=100).steps == 100 * 100 * 16 // 4
    assert published_config("resunet3d", "paper", cases=100).steps == 200 * 100 // 2


@pytest.mark.parametrize(("name", "profile"), [("nnunet", "paper"), ("sfanet", "fast")])
def test_unknown_names_list_the_known_ones(name, profile):
    with pytest.raises(TrainingError, match="Choose one of"):
        published_config(name, profile)
