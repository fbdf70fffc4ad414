"""CT nodes whose parts are known, because each has an HU of its own."""

from __future__ import annotations

import numpy as np
from hand_worker import HU
from slicer_samples import oblique_matrix, two_vessels, volume_node


def ct_by_hand(name: str):
    labels = two_vessels((30, 40, 50))
    array = np.full(labels.shape, 60, np.int16)
    for value, part in enumerate(("left", "right", "calcium"), start=1):
        array[labels == value] = HU[part]
    return volume_node(name, array, oblique_matrix())
