"""Every orientation comes to one canonical order and back without a bit changed."""

from itertools import permutations, product

import numpy as np
import pytest
import SimpleITK as sitk

from CoronarySegLib.preparation import canonical, orientation_of
from CoronarySegLib.volume import Geometry, Volume

STRAIGHT = np.eye(3)
ORIENTATIONS = list(product(permutations(range(3)), product((1, -1), repeat=3)))


def rotation(degrees_xyz):
    transform = sitk.Euler3DTransform()
    transform.SetRotation(*np.radians(degrees_xyz))
    return np.reshape(transform.GetMatrix(), (3, 3))


def oriented_volume(order, signs, tilt=STRAIGHT):
    """A small volume whose index axes are anatomical axes ``order`` with ``signs``, then tilted."""
    direction = tilt @ (np.eye(3)[:, list(order)] * np.array(signs))
    array = np.random.default_rng(7).integers(-1000, 1000, (3, 4, 5)).astype(np.int16)
    return Volume(array, Geometry(array.shape, (0.4, 0.5, 0.7), (11.0, -22.0, 33.0), tuple(direction.ravel())))


@pytest.mark.parametrize("tilt", [np.eye(3), rotation((12, -20, 31))], ids=["straight", "oblique"])
@pytest.mark.parametrize(("order", "signs"), ORIENTATIONS)
def test_canonical_and_back_changes_no_bit(order, signs, tilt):
    volume = oriented_volume(order, signs, tilt)
    moved, orientation = canonical(volume)
    back = orientation.restore_volume(moved)
    assert back.array.tobytes() == volume.array.tobytes()
    assert back.geometry is volume.geometry


@pytest.mark.parametrize("tilt", [np.eye(3), rotation((12, -20, 31))], ids=["straight", "oblique"])
@pytest.mark.parametrize(("order", "signs"), ORIENTATIONS)
def test_canonical_axes_run_left_posterior_superior(order, signs, tilt):
    moved, _ = canonical(oriented_volume(order, signs, tilt))
    direction = np.reshape(moved.geometry.direction, (3, 3))
    assert (np.diag(direction) > 0.5).all()


@pytest.mark.parametrize(("order", "signs"), ORIENTATIONS)
def test_every_voxel_stays_where_it_is_in_the_patient(order, signs):
    volume = oriented_volume(order, signs, rotation((12, -20, 31)))
    moved, _ = canonical(volume)
    index = np.argwhere(np.ones(moved.array.shape, bool))[:, ::-1]
    origin = np.rint(volume.geometry.index_of(moved.geometry.points_lps(index))).astype(int)[:, ::-1]
    assert np.array_equal(volume.array[tuple(origin.T)], moved.array.ravel())


def test_a_canonical_volume_is_not_copied():
    volume = oriented_volume((0, 1, 2), (1, 1, 1))
    moved, orientation = canonical(volume)
    assert orientation.is_identity
    assert moved.array is volume.array or np.shares_memory(moved.array, volume.array)


def test_restore_takes_channels_in_front():
    volume = oriented_volume((2, 0, 1), (-1, 1, -1))
    moved, orientation = canonical(volume)
    back = orientation.restore(np.stack([moved.array, moved.array + 1]))
    assert np.array_equal(back[1], volume.array + 1)


def test_restore_refuses_an_array_of_another_grid():
    orientation = orientation_of(oriented_volume((2, 0, 1), (1, 1, 1)).geometry)
    with pytest.raises(ValueError, match="does not fit"):
        orientation.restore(np.zeros((3, 4, 6)))


def test_a_direction_of_exactly_45_degrees_still_gives_each_axis_once():
    orientation = orientation_of(oriented_volume((0, 1, 2), (1, 1, 1), rotation((0, 0, 45))).geometry)
    assert sorted(orientation.source_axis_xyz) == [0, 1, 2]
