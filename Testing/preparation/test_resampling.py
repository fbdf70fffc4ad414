"""Resampling keeps positions and values, keeps thin vessels at coarse grids and returns to the input grid."""

import numpy as np
import pytest
import SimpleITK as sitk

from CoronarySegLib.preparation import hu_window, isotropic_grid, resample
from CoronarySegLib.volume import Geometry, Volume


def oblique_direction():
    transform = sitk.Euler3DTransform()
    transform.SetRotation(0.2, -0.3, 0.5)
    return tuple(transform.GetMatrix())


def ramp(geometry, dtype=np.float32):
    """A volume whose value is a linear function of the LPS position: interpolation must reproduce it exactly."""
    index = np.moveaxis(np.indices(geometry.shape_zyx), 0, -1)[..., ::-1]
    values = geometry.points_lps(index) @ np.array([2.0, -3.0, 5.0])
    return Volume(values.astype(dtype), geometry)


@pytest.fixture
def scanner_grid():
    return Geometry((40, 48, 56), (0.4, 0.5, 0.7), (-10.0, 5.0, 20.0), oblique_direction())


def inside(geometry, other, margin_mm):
    """Mask on ``geometry`` of voxels that lie inside ``other`` by a margin."""
    index = np.moveaxis(np.indices(geometry.shape_zyx), 0, -1)[..., ::-1]
    place = other.index_of(geometry.points_lps(index))
    margin = margin_mm / np.asarray(other.spacing_xyz_mm)
    return ((place >= margin) & (place <= np.asarray(other.size_xyz) - 1 - margin)).all(-1)


@pytest.mark.parametrize("interpolation", ["linear", "cubic"])
@pytest.mark.parametrize("spacing_mm", [0.5, 2.0])
def test_a_ramp_survives_any_grid(scanner_grid, spacing_mm, interpolation):
    target = isotropic_grid(scanner_grid, spacing_mm)
    got = resample(ramp(scanner_grid), target, interpolation=interpolation)
    middle = inside(target, scanner_grid, 4.0)
    assert middle.sum() > 20
    # The ramp spans more than 200; the B-spline's mirror boundary is still felt in the third digit.
    assert np.abs(got.array - ramp(target).array)[middle].max() < 0.2


def test_back_on_the_input_grid_a_ramp_is_the_ramp(scanner_grid):
    isotropic = isotropic_grid(scanner_grid, 0.5)
    back = resample(resample(ramp(scanner_grid), isotropic), scanner_grid)
    middle = inside(scanner_grid, scanner_grid, 1.5)
    assert np.abs(back.array - ramp(scanner_grid).array)[middle].max() < 0.05


def test_a_vessel_of_two_millimetres_never_vanishes_at_two_millimetres():
    geometry = Geometry((60, 200, 200), (0.4, 0.4, 0.4))
    y = np.arange(200) * 0.4
    brightest = []
    for offset in np.linspace(0, 2, 6):
        array = np.full(geometry.shape_zyx, -100, np.int16)
        array[:, ((y[:, None] - 40 - offset) ** 2 + (y[None, :] - 41) ** 2) < 1.0] = 400
        coarse = resample(Volume(array, geometry), isotropic_grid(geometry, 2.0))
        brightest.append(coarse.array[5].max())
    # Sampled without a low-pass, the vessel between four samples is lost: -100.
    assert min(brightest) > 0


def test_noise_is_averaged_on_a_coarse_grid():
    geometry = Geometry((50, 100, 100), (0.4, 0.4, 0.4))
    noise = np.random.default_rng(1).normal(0, 50, geometry.shape_zyx).astype(np.float32)
    coarse = resample(Volume(noise, geometry), isotropic_grid(geometry, 2.0))
    assert coarse.array[1:-1, 1:-1, 1:-1].std() < 12


def test_labels_keep_their_values_and_type_with_nearest(scanner_grid):
    labels = np.random.default_rng(0).choice([0, 1, 2, 7], scanner_grid.shape_zyx).astype(np.uint8)
    got = resample(Volume(labels, scanner_grid), isotropic_grid(scanner_grid, 0.6), interpolation="nearest")
    assert got.array.dtype == np.uint8
    assert set(np.unique(got.array)) == {0, 1, 2, 7}


def test_a_mask_becomes_a_share_with_linear():
    geometry = Geometry((20, 20, 20), (0.5, 0.5, 0.5))
    mask = np.zeros(geometry.shape_zyx, bool)
    mask[:10] = True
    coarse = resample(Volume(mask, geometry), isotropic_grid(geometry, 2.0))
    assert coarse.array.dtype == np.float32
    assert ((coarse.array > 0.05) & (coarse.array < 0.95)).any()


def test_outside_the_field_lies_the_fill():
    geometry = Geometry((10, 10, 10), (1.0, 1.0, 1.0))
    target = isotropic_grid(geometry, 1.0, lower_lps_mm=(-5, 0, 0), upper_lps_mm=(9, 9, 9))
    got = resample(Volume(np.full((10, 10, 10), 40, np.int16), geometry), target, fill=-1024)
    assert (got.array[:, :, :4] == -1024).all()
    assert (got.array[:, :, 5:] == 40).all()


def test_outside_the_field_lies_the_lowest_value_by_default():
    geometry = Geometry((10, 10, 10), (1.0, 1.0, 1.0))
    array = np.full((10, 10, 10), 40, np.int16)
    array[0, 0, 0] = -1000
    target = isotropic_grid(geometry, 1.0, lower_lps_mm=(100, 0, 0), upper_lps_mm=(110, 9, 9))
    assert (resample(Volume(array, geometry), target).array == -1000).all()


@pytest.mark.parametrize("spacing_mm", [0.4, 2.0])
def test_a_part_of_the_field_equals_the_same_part_of_the_whole(spacing_mm):
    geometry = Geometry((60, 60, 60), (0.5, 0.5, 0.5))
    smooth = np.random.default_rng(0).normal(0, 100, geometry.shape_zyx).astype(np.float32)
    volume = Volume(smooth, geometry)
    whole = resample(volume, isotropic_grid(geometry, spacing_mm))
    low, high = np.array([8.0, 8.0, 8.0]), np.array([20.0, 20.0, 20.0])
    part = resample(volume, isotropic_grid(geometry, spacing_mm, lower_lps_mm=low, upper_lps_mm=high))
    start = np.rint(low / spacing_mm).astype(int)
    same = whole.array[tuple(slice(a, a + n) for a, n in zip(start[::-1], part.array.shape, strict=True))]
    # A coarser grid averages blocks; where the blocks begin depends on the part.
    assert np.corrcoef(part.array.ravel(), same.ravel())[0, 1] > (0.999 if spacing_mm < 0.5 else 0.6)


def test_the_last_millimetres_are_not_lost_on_a_coarse_grid():
    geometry = Geometry((23, 23, 23), (0.4, 0.4, 0.4))
    coarse = resample(Volume(np.full(geometry.shape_zyx, 100.0, np.float32), geometry),
                      isotropic_grid(geometry, 2.0, upper_lps_mm=(8.8, 8.8, 8.8)), fill=-1000)
    assert (coarse.array[:5, :5, :5] == 100).all()


def test_left_handed_grids_are_resampled_too():
    direction = (-1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)
    geometry = Geometry((20, 20, 20), (0.5, 0.5, 0.5), (9.5, 0.0, 0.0), direction)
    target = isotropic_grid(geometry, 0.5)
    assert np.abs(resample(ramp(geometry), target).array - ramp(target).array).max() < 1e-3


def test_half_precision_is_accepted():
    geometry = Geometry((10, 10, 10), (1.0, 1.0, 1.0))
    got = resample(Volume(np.ones((10, 10, 10), np.float16), geometry), isotropic_grid(geometry, 0.5))
    assert got.array.dtype == np.float32
    assert (got.array == 1).all()


def test_an_unknown_interpolation_is_named():
    geometry = Geometry((4, 4, 4), (1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="known are"):
        resample(Volume(np.zeros((4, 4, 4), np.float32), geometry), geometry, interpolation="lanczos")


def test_the_isotropic_grid_covers_every_corner(scanner_grid):
    grid = isotropic_grid(scanner_grid, 0.5)
    corners = scanner_grid.corners_lps()
    low, high = grid.corners_lps().min(0), grid.corners_lps().max(0)
    assert (low <= corners.min(0) + 1e-6).all()
    assert (high >= corners.max(0) - 1e-6).all()
    assert (high - corners.max(0) < 0.5).all()


def test_the_isotropic_grid_of_an_isotropic_grid_is_itself():
    geometry = Geometry((31, 32, 33), (0.5, 0.5, 0.5), (1.0, 2.0, 3.0))
    assert isotropic_grid(geometry, 0.5).same_grid(geometry)


def test_a_grid_without_positive_spacing_is_refused(scanner_grid):
    with pytest.raises(ValueError, match="positive"):
        isotropic_grid(scanner_grid, 0.0)


def test_a_box_inside_out_is_refused(scanner_grid):
    with pytest.raises(ValueError, match="ends"):
        isotropic_grid(scanner_grid, 1.0, lower_lps_mm=(0, 0, 0), upper_lps_mm=(-5, 5, 5))


def test_the_window_clips_and_scales():
    got = hu_window(np.array([-2000, -500, 250, 1000, 3000], np.int16))
    assert got.dtype == np.float32
    assert np.allclose(got, [0, 0, 0.5, 1, 1])


def test_the_window_leaves_its_input_alone():
    array = np.array([-2000.0, 250.0], np.float32)
    hu_window(array)
    assert array.tolist() == [-2000.0, 250.0]


def test_an_empty_window_is_refused():
    with pytest.raises(ValueError, match="empty"):
        hu_window(np.zeros(3), 100, 100)
