"""Everything the user chooses and that belongs to the scene, in the module's parameter node.

What belongs to the machine (folders of models and packages, times) is in the application's settings instead.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper

from CoronarySegLib.cfd.units import PER_MM
from CoronarySegLib.inference import DEVICES


class Quality(Enum):
    """The qualities of the library, in its order."""

    fast = "fast"
    standard = "standard"
    best = "best"

    def label(self) -> str:
        return {"fast": _("Fast"), "standard": _("Standard"), "best": _("Best")}[self.value]


@parameterNodeWrapper
class CoronarySegParameterNode:
    """``model`` is the folder of a model, empty for the one that ships with the extension; ``result`` is what the
    sections below the button show and export; the flags are formats of flow models."""

    inputVolume: vtkMRMLScalarVolumeNode
    quality: Quality = Quality.standard
    device: Annotated[str, Choice(list(DEVICES))] = "auto"
    model: str = ""
    keepEarlier: bool = False
    result: vtkMRMLSegmentationNode
    unit: Annotated[str, Choice(list(PER_MM))] = "mm"
    extensions: Annotated[float, WithinRange(0.0, 20.0)] = 5.0
    asStl: bool = True
    asVtp: bool = True
    asOpenFoam: bool = False
    asGmsh: bool = False

    def formats(self) -> tuple[str, ...]:
        """The formats as the library names them."""
        chosen = {"stl": self.asStl, "vtp": self.asVtp, "openfoam": self.asOpenFoam, "gmsh": self.asGmsh}
        return tuple(name for name, wanted in chosen.items() if wanted)
