"""Several processes on one run, as torchrun starts them: each takes its own patches, all take the same step.

The gradients of all processes are averaged before a step, so that N processes with B patches each do what one with N*B
does (but for the norms, which see B patches). Only the first process writes. One process alone needs none of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import distributed

LONGEST_WAIT = timedelta(days=1)


class Workers:
    """This process among ``world``; ``rank`` 0 is the first, ``local`` its number on this machine."""

    def __init__(self, rank: int = 0, world: int = 1, local: int = 0):
        self.rank, self.world, self.local = rank, world, local

    @property
    def first(self) -> bool:
        return self.rank == 0

    def any(self, flag: bool, device: torch.device) -> bool:
        """True in every process when ``flag`` is in one of them."""
        if self.world == 1:
            return flag
        value = torch.tensor([float(flag)], device=device)
        distributed.all_reduce(value, op=distributed.ReduceOp.MAX)
        return bool(value.item() > 0)

    @torch.no_grad()
    def average(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replace every gradient by its mean over the processes, in one message."""
        if self.world == 1:
            return
        # A parameter that a step did not reach counts as zero: the message must be alike everywhere.
        gradients = []
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            gradients.append(parameter.grad)
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.world
        start = 0
        for gradient in gradients:
            gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()

    def wait(self) -> None:
        """Until every process is here."""
        if self.world > 1:
            distributed.barrier()


@contextmanager
def workers_of_torchrun(device: str = "auto") -> Iterator[Workers]:
    """The processes torchrun started, or this one alone; NCCL between GPUs, gloo between processors."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world < 2:
        yield Workers()
        return
    rank, local = int(os.environ["RANK"]), int(os.environ.get("LOCAL_RANK", "0"))
    on_gpu = device in ("auto", "cuda") and torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(local)
    ours = not distributed.is_initialized()
    if ours:
        # The others wait while the first prepares the data, which may take hours.
        distributed.init_process_group("nccl" if on_gpu else "gloo", timeout=LONGEST_WAIT)
    workers = Workers(rank, world, local)
    try:
        yield workers
        # One that ends while the first still writes may be aborted on its way out, and torchrun then ends the first.
        workers.wait()
    finally:
        if ours:
            distributed.destroy_process_group()
