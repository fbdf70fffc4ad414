"""Device and precision of a run."""

from __future__ import annotations

import pytest
import torch

from CoronarySegLib.training.hardware import choose_hardware, cpu_has_bf16


def test_full_precision_can_be_asked_for(small_config):
    assert choose_hardware(small_config.with_changes(precision="off")).reduced is None


def test_automatic_precision_is_bf16_exactly_where_the_processor_has_it(small_config):
    expected = torch.bfloat16 if cpu_has_bf16() else None
    assert choose_hardware(small_config.with_changes(precision="auto")).reduced is expected


@pytest.mark.parametrize("precision", ["auto", "fp16", "bf16", "off"])
def test_gradients_are_not_scaled_on_a_processor(small_config, precision):
    assert not choose_hardware(small_config.with_changes(precision=precision)).gradient_scaler().is_enabled()


def test_autocast_gives_the_reduced_type(small_config):
    hardware = choose_hardware(small_config.with_changes(precision="bf16"))
    with hardware.autocast():
        assert torch.nn.Conv3d(1, 1, 1)(torch.zeros(1, 1, 2, 2, 2)).dtype is torch.bfloat16
