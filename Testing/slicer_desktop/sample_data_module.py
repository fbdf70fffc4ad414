"""``SampleData``: what the desktop's module takes from others, and nothing is downloaded.

``slicer.modules.sampleDataSources`` holds the sources by category, as on the desktop.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import ModuleType

import slicer


@dataclass(frozen=True)
class SampleDataSource:
    sampleName: str
    uris: object = None
    fileNames: object = None
    nodeNames: object = None
    checksums: object = None
    loadFiles: object = None
    customDownloader: object = None
    thumbnailFileName: str | None = None
    loadFileTypes: object = None
    loadFileProperties: object = None


class SampleDataLogic:
    @staticmethod
    def registerCustomSampleDataSource(category="Custom", sampleName=None, **about):
        if not (about.get("uris") or about.get("customDownloader")):
            raise ValueError(f"'{sampleName}' has neither an address nor a function to get it.")
        if not hasattr(slicer.modules, "sampleDataSources"):
            slicer.modules.sampleDataSources = {}
        slicer.modules.sampleDataSources.setdefault(category, []).append(SampleDataSource(sampleName, **about))


def publish() -> None:
    module = ModuleType("SampleData")
    module.SampleDataLogic, module.SampleDataSource = SampleDataLogic, SampleDataSource
    sys.modules["SampleData"] = module
