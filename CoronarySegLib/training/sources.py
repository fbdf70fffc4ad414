"""Where patches come from: the value a source gives and the one method it needs.

A source draws everything it decides from the generator it is given and keeps no state of its own between calls. That is
what makes a resumed run see the very patches the interrupted one would have seen, whatever the number of workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np


@dataclass(frozen=True)
class Patch:
    """One training example.

    ``image`` float32 (C, z, y, x), 0..1 as the stage's inputs; ``target`` float32 (K, z, y, x), 0..1 as its outputs.
    ``weight`` float32 broadcastable to the target, e.g. (K, 1, 1, 1): 0 where the truth is not known, which takes these
    voxels out of the loss and the figures; None means all known.
    """

    image: np.ndarray
    target: np.ndarray
    weight: np.ndarray | None = None


@runtime_checkable
class PatchSource(Protocol):
    """Anything that can draw a patch. ``Patch`` by shape: an object with ``image``, ``target``, ``weight``."""

    def sample(self, rng: np.random.Generator) -> Patch:
        """One patch, decided by ``rng`` alone."""
        ...


def sample_generator(seed: int, index: int, stream: str = "train") -> np.random.Generator:
    """The generator of sample ``index``: independent between indices, seeds and streams ("train", "validation")."""
    return np.random.default_rng(np.random.SeedSequence([seed, index, int.from_bytes(stream.encode(), "little")]))


def fixed_patches(source: PatchSource, count: int, seed: int = 0) -> tuple[Patch, ...]:
    """``count`` patches that stay the same for a whole run, to validate on."""
    return tuple(source.sample(sample_generator(seed, index, "validation")) for index in range(count))
