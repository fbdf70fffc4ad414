"""One phantom's anatomy: what is where, free of any voxel grid and of how a scanner shows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..progress import Progress, ProgressCallback, as_progress
from .coronaries import grow_tree
from .courses import Surface
from .heart import Heart, build_heart
from .lesions import add_lesions
from .shapes import Lattice
from .thorax import Thorax, build_thorax
from .tree import USUAL_BUILD, CoronaryTree, Dominance, TreeBuild
from .veins import Tube, grow_veins

LATTICE = Lattice((-114.0, -114.0, -99.0), (133, 153, 153), 1.5)
"""The whole field of a cardiac CT round the heart, coarse: structures are smooth distances and interpolate well."""


@dataclass(frozen=True)
class Anatomy:
    """Heart, surroundings, coronary tree and veins. Frame LPS mm with the heart's centre as origin."""

    seed: int
    heart: Heart
    thorax: Thorax
    tree: CoronaryTree
    veins: tuple[Tube, ...]


def make_anatomy(
    seed: int,
    *,
    dominance: Dominance | None = None,
    stenoses_per_trunk: int | None = None,
    build: TreeBuild = USUAL_BUILD,
    progress: Progress | ProgressCallback | None = None,
) -> Anatomy:
    """Draw one anatomy. The same seed gives the same anatomy; a few seconds on one core."""
    report = as_progress(progress)
    rng = np.random.default_rng([seed, 7101])
    report(0.0, "Building the heart")
    heart = build_heart(LATTICE, rng)
    surface = Surface.of(heart)
    drawn: Dominance = rng.choice(["right", "left", "co-dominant"], p=[0.85, 0.11, 0.04]).item()
    report(0.6, "Growing coronary arteries and veins")
    tree = add_lesions(grow_tree(surface, rng, dominance or drawn, build), rng, stenoses_per_trunk)
    veins = grow_veins(surface, tree, rng, build.veins)
    report(0.7, "Building the thorax")
    thorax = build_thorax(heart, rng)
    report(1.0, "Anatomy ready")
    return Anatomy(seed, heart, thorax, tree, veins)
