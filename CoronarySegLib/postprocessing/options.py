"""What a person may choose about post-processing, with the values the default and the paper use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PostOptions:
    """Choices of :func:`~CoronarySegLib.postprocessing.extract_trees`. Lengths in mm, volumes in mm³.

    ``threshold``: fixed probability threshold; None lowers it from 0.5 in steps of 0.1 to 0.1 while the foreground
    stays below ``plausible_mm3``. ``weak_threshold``: a branch between this and the threshold is kept when it hangs on
    one above (hysteresis); None switches that off. ``opening``: the paper's binary opening; breaks thin branches.
    ``keep``: number of largest components kept and nothing else done to them (the paper's filter, ``keep=1`` loses one
    of the two trees); None keeps the left and the right tree with what belongs to them. ``exclude_veins``: what the
    network holds for a cardiac vein rather than for lumen is no lumen. ``exclude_dense``: nor is a large body denser
    than any contrast in a coronary artery (a lead, the superior cava). A fragment is joined over at most
    ``maximum_gap_mm``; one that cannot be joined stays when it has ``minimum_fragment_mm3``, lies within
    ``far_mm`` of a tree (a main part, large and in the middle of the coarse prior, at any distance) and looks like a
    branch as bright as the trees. Where the coarse prior sees nothing, fragments of that volume must look like one to
    be joined too.
    ``walls_by_ct``: the wall lies where the CT is half-way between blood and what surrounds it, rather than
    where the network's probability is one half.
    """

    threshold: float | None = None
    weak_threshold: float | None = 0.3
    plausible_mm3: float = 300.0
    exclude_veins: bool = True
    exclude_dense: bool = True
    opening: bool = False
    keep: int | None = None
    minimum_tree_mm3: float = 40.0

    reconnect: bool = True
    maximum_gap_mm: float = 8.0
    minimum_path_probability: float = 0.15
    minimum_fragment_mm3: float = 30.0
    far_mm: float = 20.0

    calcium: bool = True
    calcium_threshold: float = 0.5

    walls_by_ct: bool = True

    def __post_init__(self) -> None:
        for name in ("threshold", "weak_threshold"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value < 1.0:
                raise ValueError(f"{name} must lie between 0 and 1, not {value}")
        if self.keep is not None and self.keep < 1:
            raise ValueError(f"keep must be at least 1 or None, not {self.keep}")

    @staticmethod
    def paper() -> PostOptions:
        """The published chain: adaptive threshold, opening, the largest component. No calcium, no reconnection."""
        return PostOptions(
            weak_threshold=None, exclude_veins=False, exclude_dense=False, opening=True, keep=1, reconnect=False,
            calcium=False, walls_by_ct=False,
        )
