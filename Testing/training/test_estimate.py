"""The dry run: what a run would cost."""

from __future__ import annotations

import pytest

from CoronarySegLib.training.estimate import estimate


def test_time_is_that_of_a_step_times_the_steps(small_config, balls):
    found = estimate(small_config.with_changes(steps=7200), balls, measured_steps=3)
    assert found.hours == pytest.approx(2 * found.seconds_per_step)
    assert 0 < found.seconds_per_step < 5


def test_summary_tells_time_and_memory(small_config, balls):
    text = estimate(small_config, balls, measured_steps=2).summary()
    assert "s a step" in text
    assert "peak memory" in text
