"""The heart CTs that the module offers in Sample Data."""

from types import SimpleNamespace

import numpy as np
import pytest
import slicer


@pytest.fixture
def sources(a_desktop, panel):
    """What is registered once the desktop has started."""
    slicer.modules.sampleDataSources = {}
    slicer.app.startupCompleted()
    return {one.sampleName: one for one in slicer.modules.sampleDataSources["CoronarySeg"]}


def test_both_are_registered_when_slicer_has_started(sources):
    assert set(sources) == {"CoronarySegCTA", "CoronarySegPhantom"}


def test_the_real_ct_is_slicers_own_and_verified(sources):
    cta = sources["CoronarySegCTA"]
    assert cta.nodeNames == "CTACardio"
    assert cta.checksums == "SHA256:" + cta.uris.rsplit("/", 1)[1]


def test_registering_again_doubles_nothing(sources):
    slicer.app.startupCompleted()
    assert len(slicer.modules.sampleDataSources["CoronarySeg"]) == 2


def test_the_phantom_is_made_in_a_worker_and_becomes_a_ct(a_desktop, sources, worker_mode):
    run = sources["CoronarySegPhantom"].customDownloader(SimpleNamespace(sampleName="CoronarySegPhantom"))
    a_desktop.wait_until(lambda: run.over)
    assert run.error is None, run.error
    values = slicer.util.arrayFromVolume(run.result)
    assert values.shape == (220, 250, 260)
    assert values.dtype == np.int16
    assert not run.result.GetAttribute("CoronarySeg.Probability")
