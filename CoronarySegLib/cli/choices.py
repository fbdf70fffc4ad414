"""Options that several subcommands share, and what they mean to the library."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from .display import PROGRESS_HELP, ProgressStyle

if TYPE_CHECKING:
    from ..segmentation import SegmentOptions


class QualityChoice(str, Enum):
    fast = "fast"
    standard = "standard"
    best = "best"


class SurfaceChoice(str, Enum):
    default = "default"
    paper = "paper"


ModelOption = Annotated[
    str | None, typer.Option("--model", "-m", help="Model name or folder (see: coronaryseg models).")
]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cuda, mps, cpu, openvino or torch.")]
QualityOption = Annotated[
    QualityChoice, typer.Option("--quality", help="Overlap of patches; best also averages mirrored patches.")
]
ProgressOption = Annotated[ProgressStyle, typer.Option("--progress", help=PROGRESS_HELP)]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier case in the output folder.")]


def segment_options(
    quality: QualityChoice = QualityChoice.standard,
    surface: SurfaceChoice = SurfaceChoice.default,
    opening: bool = False,
    keep: int | None = None,
    threshold: float | None = None,
) -> SegmentOptions:
    """What the options of the command line mean to ``segment``."""
    from ..postprocessing import PostOptions
    from ..reconstruction import SurfaceOptions
    from ..segmentation import SegmentOptions

    try:
        post = PostOptions(threshold=threshold, opening=opening, keep=keep)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    method = "paper" if surface is SurfaceChoice.paper else "probability"
    return SegmentOptions(quality=quality.value, post=post, surface=SurfaceOptions(method=method))
