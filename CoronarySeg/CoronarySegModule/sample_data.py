"""Two heart CTs in Slicer's module Sample Data: its own real one, and a phantom that is made on this machine."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _

from CoronarySegLib.worker import PhantomJob

from .conversion import node_from_volume
from .run import Run

CATEGORY = "CoronarySeg"
# Slicer's sample CTACardio: one heart, resolution too coarse for thin branches, but real.
CTA_SHA256 = "3b0d4eb1a7d8ebb0c5a89cc0504640f76a030b4e869e33ff34c564c3d3b88ad2"
PHANTOM = PhantomJob(seed=77, shape_zyx=(220, 250, 260), spacing_xyz_mm=(0.6, 0.6, 0.6))


def register() -> None:
    """Put both into the module Sample Data, in a section of their own; again without effect."""
    import SampleData

    if CATEGORY in getattr(slicer.modules, "sampleDataSources", {}):
        return
    add = SampleData.SampleDataLogic.registerCustomSampleDataSource
    add(
        category=CATEGORY, sampleName="CoronarySegCTA", uris=f"{slicer.util.TESTING_DATA_URL}SHA256/{CTA_SHA256}",
        fileNames="CTA-cardio.nrrd", nodeNames="CTACardio", checksums=f"SHA256:{CTA_SHA256}",
    )
    add(category=CATEGORY, sampleName="CoronarySegPhantom", customDownloader=lambda _source: make_phantom_node())


def make_phantom_node(*, waitForCompletion: bool = False):
    """Make the phantom in a worker process and show it; returns the run, or with ``waitForCompletion`` the node.

    The run ends with the errors of ``CoronarySegLib.errors``, which a run nobody waits for shows.
    """
    def finish(outcome):
        node = node_from_volume(outcome.ct, slicer.mrmlScene.GetUniqueNameByString(_("Coronary phantom")))
        node.GetDisplayNode().SetAutoWindowLevel(False)
        node.GetDisplayNode().SetWindowLevel(900, 250)
        if slicer.app.layoutManager() is not None:
            slicer.util.setSliceViewerLayers(background=node, fit=True)
        return node

    def ended(run: Run) -> None:
        if run.error is not None and not waitForCompletion:
            slicer.util.errorDisplay(str(run.error), windowTitle="CoronarySeg")

    run = Run(PHANTOM, finish, ended=ended)
    return run.wait() if waitForCompletion else run.follow()
