"""One run on a volume node: node to volume, the library's ``segment``, result to nodes.

The library runs to its end before the first node is touched, so a refused volume, a missing model or a cancelled run
leaves the scene as it was.
"""

from __future__ import annotations

import json

from CoronarySegLib import __version__
from CoronarySegLib.inference import QUALITIES

from .conversion import volume_from_node
from .nodes import CoronaryNodes, write_result


def segment_volume_node(
    volume_node, *, model=None, device: str = "auto", quality: str = "standard", output_segmentation=None,
    replace: bool = True, progress=None,
) -> CoronaryNodes:
    """Segment the coronaries of a CT volume node and put the result beside it.

    ``model`` is the name of a shipped model or a model folder, ``device`` and ``quality`` as in
    ``CoronarySegLib.inference``, ``progress`` a callback (fraction 0..1, text) that stops the run by returning False.
    Raises ValueError for arguments that do not fit and the errors of ``CoronarySegLib.errors`` for everything the user
    can mend; their text says how.
    """
    if quality not in QUALITIES:
        raise ValueError(f"Unknown quality '{quality}'. Choose one of: {', '.join(QUALITIES)}.")
    volume = volume_from_node(volume_node)
    from CoronarySegLib.segmentation import SegmentOptions, segment  # brings VTK and torch: only for a run

    result = segment(volume, model=model, device=device, options=SegmentOptions(quality=quality), progress=progress)
    return write_result(
        volume_node, result, output_segmentation=output_segmentation, replace=replace, attributes=provenance(result)
    )


def provenance(result) -> dict[str, str]:
    """What made the result, as node attributes: they stay with the nodes through saving and copying."""
    card = result.model_card
    return {
        "CoronarySeg.Version": __version__,
        "CoronarySeg.Model": f"{card.name} {card.version}",
        "CoronarySeg.ModelChecksum": json.dumps({stage.name: stage.sha256 for stage in card.stages}),
        "CoronarySeg.Engine": result.prediction.engine,
        "CoronarySeg.Timings_s": json.dumps({step: round(seconds, 2) for step, seconds in result.timings.items()}),
        "CoronarySeg.Warnings": json.dumps(list(result.warnings)),
    }
