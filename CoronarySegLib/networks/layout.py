"""A network onto a device, its convolution weights in the layout that the device's kernels want."""

from __future__ import annotations

import torch


def placed(network: torch.nn.Module, device: torch.device | str, layout: torch.memory_format) -> torch.nn.Module:
    """``network`` on ``device``; ``layout`` is that of 5D tensors, and 4D ones (slices) follow it.

    ``Module.to(memory_format=...)`` refuses a network that holds weights of another number of axes than the layout's.
    """
    network = network.to(device)
    of_axes = {5: layout, 4: layout}
    if layout is torch.channels_last_3d:
        of_axes[4] = torch.channels_last
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim in of_axes:
                parameter.data = parameter.data.contiguous(memory_format=of_axes[parameter.ndim])
    return network
