"""A vein that hangs on a tree goes by its lower contrast, where the network half sees a vein as well."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tree_samples import FAT_HU, GRID, LEFT, LEFT_END, LEFT_FORK, LUMEN_HU, RIGHT, between, prediction_of, tube, tubes

from CoronarySegLib.postprocessing import PostOptions, extract_trees
from CoronarySegLib.postprocessing.dim_branches import dim_branches
from CoronarySegLib.volume import Volume

TOUCH = between(LEFT_FORK, LEFT_END, 0.6)
END = (TOUCH[0], TOUCH[1], TOUCH[2] + 28.0)
ARTERIES = tubes(LEFT + RIGHT)


def with_vein(radius_mm: float, hu: float, vein: float):
    """Both trees and a vessel that hangs on the left one: lumen, CT, vein probability, and that vessel beyond a stub of
    a few millimetres that its neighbours on the artery speak for."""
    branch = tube(TOUCH, END, radius_mm)
    alone = (branch > 0.5) & (ARTERIES < 0.1)
    beyond = alone & (tube(between(TOUCH, END, 0.3), END, radius_mm) > 0.5)
    lumen = np.maximum(ARTERIES, branch)
    ct = np.maximum(FAT_HU + (LUMEN_HU - FAT_HU) * ARTERIES, FAT_HU + (hu - FAT_HU) * branch)
    return lumen, ct, np.where(alone, np.float32(vein), np.float32(0.0)), beyond


def found(lumen, ct, vein):
    return dim_branches(lumen > 0.5, lumen, vein, ct, GRID, None)


def test_a_dim_vessel_that_may_be_a_vein_goes_and_the_arteries_stay():
    lumen, ct, vein, alone = with_vein(1.4, 260.0, 0.45)
    gone = found(lumen, ct, vein)
    assert gone[alone].mean() > 0.9
    assert gone[(ARTERIES > 0.5)].mean() < 0.01


@pytest.mark.parametrize(("radius_mm", "hu", "vein"), [
    (1.4, LUMEN_HU, 0.45),  # as bright as the arteries
    (1.4, 260.0, 0.1),  # the network sees no vein
    (0.6, 260.0, 0.45),  # too thin to have a HU of its own
], ids=["bright", "no vein", "thin"])
def test_one_sign_alone_is_not_enough(radius_mm, hu, vein):
    lumen, ct, veins, _ = with_vein(radius_mm, hu, vein)
    assert not found(lumen, ct, veins).any()


def test_a_thin_vessel_goes_where_the_network_is_sure():
    lumen, ct, vein, alone = with_vein(0.6, 260.0, 0.95)
    assert found(lumen, ct, vein)[alone].mean() > 0.8


def test_a_stretch_without_any_vein_stays_between_veined_ones():
    lumen, ct, vein, alone = with_vein(1.4, 260.0, 0.6)
    spared = (tube(between(TOUCH, END, 0.6), between(TOUCH, END, 0.75), 1.4) > 0.5) & alone
    gone = found(lumen, ct, np.where(spared, np.float32(0.0), vein))
    assert gone[alone & ~spared].mean() > 0.8
    assert gone[spared].mean() < 0.2


def test_a_short_stain_stays():
    place = between(LEFT_FORK, LEFT_END, 0.5)
    stain = tube(place, between(LEFT_FORK, LEFT_END, 0.56), 1.2) > 0.5
    ct = FAT_HU + (LUMEN_HU - FAT_HU) * ARTERIES
    assert not found(ARTERIES, np.where(stain, 200.0, ct), np.where(stain, np.float32(0.6), np.float32(0.0))).any()


def test_without_sure_arteries_nothing_goes():
    lumen, ct, vein, _ = with_vein(1.4, 260.0, 0.45)
    assert not found(lumen * 0.7, ct, vein).any()
    assert not dim_branches(np.zeros(GRID.shape_zyx, bool), lumen, vein, ct, GRID, None).any()


def test_the_trees_come_without_it():
    lumen, ct, vein, alone = with_vein(1.4, 260.0, 0.45)
    prediction = replace(prediction_of(lumen, ct=ct), vein=Volume(vein, GRID))
    cleaned = extract_trees(prediction).labels.array
    kept = extract_trees(prediction, PostOptions(exclude_veins=False)).labels.array
    assert (cleaned[alone] == 0).mean() > 0.9
    assert (kept[alone] > 0).mean() > 0.9
    assert (cleaned[ARTERIES > 0.6] > 0).mean() > 0.98
