"""Patches into batches of tensors, made ahead of the network by worker processes, in an order fixed by the seed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from ..errors import CoronarySegError, TrainingError
from .sources import Patch, PatchSource, sample_generator


@dataclass(frozen=True)
class Batch:
    """``image`` (N, C, z, y, x), ``target`` and ``weight`` (N, K, z, y, x) broadcastable; float32."""

    image: torch.Tensor
    target: torch.Tensor
    weight: torch.Tensor

    def to(self, device: torch.device, memory_format: torch.memory_format = torch.contiguous_format) -> Batch:
        return Batch(
            self.image.to(device, non_blocking=True, memory_format=memory_format),
            self.target.to(device, non_blocking=True), self.weight.to(device, non_blocking=True),
        )

    def pin_memory(self) -> Batch:
        return Batch(self.image.pin_memory(), self.target.pin_memory(), self.weight.pin_memory())


class PatchDataset(Dataset):
    """Sample ``index`` of an endless sequence: the same patch for the same seed, in any process, in any order."""

    def __init__(self, source: PatchSource, seed: int, augment=None):
        self._source = source
        self._seed = seed
        self._augment = augment

    def __getitem__(self, index: int) -> Patch | CoronarySegError:
        rng = sample_generator(self._seed, index)
        try:
            patch = self._source.sample(rng)
            return patch if self._augment is None else self._augment(patch, rng)
        except CoronarySegError as error:
            # Raised here it would arrive wrapped in a worker's traceback; as a value its text stays readable.
            return error


def collate(patches: list[Patch | CoronarySegError]) -> Batch | CoronarySegError:
    """Stack patches; an error among them, or about their shapes, is returned instead of a batch."""
    for patch in patches:
        if isinstance(patch, CoronarySegError):
            return patch
    try:
        image = np.stack([np.asarray(p.image, np.float32) for p in patches])
        target = np.stack([np.asarray(p.target, np.float32) for p in patches])
        ones = np.ones((target.shape[1], 1, 1, 1), np.float32)
        weights = [ones if p.weight is None else np.asarray(p.weight, np.float32) for p in patches]
        if len({w.shape for w in weights}) > 1:
            weights = [np.broadcast_to(w, target.shape[1:]) for w in weights]
        weight = np.stack(weights)
    except ValueError:
        shapes = sorted({str(np.shape(p.image)) for p in patches})
        return TrainingError(
            f"The patches of one batch differ in shape: {', '.join(shapes)}. Give the source one patch size."
        )
    return Batch(torch.from_numpy(image), torch.from_numpy(target), torch.from_numpy(weight))


def _start_worker(_: int) -> None:
    # The network needs the cores; and a stop signal for the whole process group must reach the loop, which writes a
    # checkpoint, before its workers vanish under it.
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


@dataclass(frozen=True)
class _Order:
    """The samples of batches ``first`` .. ``last`` - 1 that process ``rank`` of ``world`` makes."""

    first: int
    last: int
    batch: int
    rank: int
    world: int

    def __iter__(self) -> Iterator[int]:
        for number in range(self.first, self.last):
            start = (number * self.world + self.rank) * self.batch
            yield from range(start, start + self.batch)

    def __len__(self) -> int:
        return (self.last - self.first) * self.batch


def batches(dataset: PatchDataset, *, batch: int, first: int, last: int, workers: int, rank: int = 0, world: int = 1,
            pin_memory: bool = False) -> Iterator[Batch]:
    """Batches ``first`` .. ``last`` - 1; batch n holds samples n * batch .. n * batch + batch - 1.

    With several processes batch n of all together holds ``world`` times as many, and each makes its own share.
    """
    loader = DataLoader(
        dataset, batch_size=batch, sampler=_Order(first, last, batch, rank, world), num_workers=workers,
        collate_fn=collate, worker_init_fn=_start_worker if workers else None, pin_memory=pin_memory,
        prefetch_factor=4 if workers else None,
        generator=torch.Generator(),  # its own, or the loader would draw from the run's random numbers
    )
    for made in loader:
        if isinstance(made, CoronarySegError):
            raise made
        yield made


def in_groups(made: Iterator[Batch], size: int) -> Iterator[list[Batch]]:
    """``size`` batches at a time: those whose gradients make one step."""
    group = []
    for batch in made:
        group.append(batch)
        if len(group) == size:
            yield group
            group = []
