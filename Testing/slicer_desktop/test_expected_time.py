"""How long a run will take, from how long others took here."""

import pytest


@pytest.fixture
def settings(a_desktop):
    import slicer

    return slicer.app.userSettings()


@pytest.fixture
def expected_time(a_desktop):
    from CoronarySegModule import expected_time

    return expected_time


def test_before_the_first_run_nothing_is_promised(expected_time, settings):
    assert expected_time.expected_seconds(settings, "standard", "auto") is None


def test_the_last_run_is_the_estimate(expected_time, settings):
    expected_time.remember(settings, "standard", "auto", 40.0)
    expected_time.remember(settings, "standard", "auto", 30.0)
    assert expected_time.expected_seconds(settings, "standard", "auto") == 30.0


def test_another_quality_is_estimated_by_the_measured_ratio(expected_time, settings):
    expected_time.remember(settings, "standard", "auto", 30.0)
    ratio = expected_time.RATIO["best"] / expected_time.RATIO["standard"]
    assert expected_time.expected_seconds(settings, "best", "auto") == pytest.approx(30.0 * ratio)


def test_another_device_has_no_estimate(expected_time, settings):
    expected_time.remember(settings, "standard", "cpu", 30.0)
    assert expected_time.expected_seconds(settings, "standard", "cuda") is None


def test_a_damaged_setting_is_no_estimate(expected_time, settings):
    settings.setValue(expected_time.KEY, "[1")
    assert expected_time.expected_seconds(settings, "fast", "cpu") is None


@pytest.mark.parametrize(("seconds", "words"), [(1, "5 s"), (23, "25 s"), (100, "2 min"), (600, "10 min")])
def test_estimates_are_rounded(expected_time, seconds, words):
    assert expected_time.in_words(seconds) == words
