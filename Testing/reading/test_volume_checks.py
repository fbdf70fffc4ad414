"""What is a contrast CT of the heart is accepted with findings; what is not is refused with its reason."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.chest import make_chest

from CoronarySegLib.errors import InputError, NotACoronaryCTError
from CoronarySegLib.reading import HUOffsetError, check_coronary_ct, with_hu_offset
from CoronarySegLib.volume import Geometry, Volume


@pytest.fixture(scope="module")
def a_chest():
    return make_chest()


def codes(findings, severity="warning"):
    return {finding.code for finding in findings if finding.severity == severity}


def test_a_contrast_heart_passes_without_a_warning_at_half_resolution():
    assert codes(check_coronary_ct(make_chest(spacing_mm=0.9))) == set()


def test_a_coarse_heart_passes_with_a_warning(a_chest):
    assert codes(check_coronary_ct(a_chest)) == {"coarse"}


def test_the_noise_is_measured(a_chest):
    noise = next(f.value for f in check_coronary_ct(a_chest) if f.code == "noise")
    assert noise == pytest.approx(20, rel=0.1)


def test_the_blood_is_measured(a_chest):
    blood = next(f.value for f in check_coronary_ct(a_chest) if f.code == "blood")
    assert blood == pytest.approx(420, abs=5)


@pytest.mark.parametrize("flip", [(), (0,), (1,), (2,), (0, 1, 2)])
def test_the_axes_of_the_file_do_not_matter(a_chest, flip):
    direction = np.eye(3)
    origin = a_chest.geometry.points_lps([(a_chest.geometry.size_xyz[i] - 1 if i in flip else 0) for i in range(3)])
    for axis in flip:
        direction[axis, axis] = -1
    geometry = replace(a_chest.geometry, origin_lps_mm=tuple(origin), direction=tuple(direction.ravel()))
    flipped = Volume(np.flip(a_chest.array, [2 - axis for axis in flip]), geometry)
    assert codes(check_coronary_ct(flipped)) == {"coarse"}


def test_transposed_axes_do_not_matter(a_chest):
    array = np.transpose(a_chest.array, (2, 0, 1))
    direction = (0, 0, 1, 1, 0, 0, 0, 1, 0)
    turned = Volume(array, Geometry(array.shape, (1.5, 1.5, 1.5), a_chest.geometry.origin_lps_mm, direction))
    assert codes(check_coronary_ct(turned)) == {"coarse"}


@pytest.mark.parametrize(("stored", "remedy"), [(1024, -1024), (-1024, 1024)])
def test_a_rescale_left_out_or_applied_twice_is_offered_its_offset(a_chest, stored, remedy):
    with pytest.raises(HUOffsetError, match=rf"\{remedy:+d}") as caught:
        check_coronary_ct(with_hu_offset(a_chest, stored))
    assert caught.value.offset_hu == remedy


def test_the_offered_offset_repairs_the_volume(a_chest):
    stored = with_hu_offset(a_chest, 1024)
    with pytest.raises(HUOffsetError) as caught:
        check_coronary_ct(stored)
    repaired = with_hu_offset(stored, caught.value.offset_hu)
    assert codes(check_coronary_ct(repaired)) == {"coarse"}
    assert "-1024 HU" in repaired.warnings[-1]


def test_a_plain_chest_is_told_apart_from_no_heart():
    with pytest.raises(NotACoronaryCTError, match="contrast"):
        check_coronary_ct(make_chest(blood_hu=45))


def test_a_belly_is_no_heart():
    with pytest.raises(NotACoronaryCTError, match="No heart in the field"):
        check_coronary_ct(make_chest(with_heart=False, with_lungs=False, extent_mm=(270, 220, 130)))


def test_lungs_without_a_heart_are_no_heart_even_with_an_enhanced_aorta():
    with pytest.raises(NotACoronaryCTError, match="contrast"):
        check_coronary_ct(make_chest(with_heart=False))


def test_an_mr_is_no_ct(a_chest):
    values = np.random.default_rng(0).gamma(2, 150, a_chest.array.shape).astype(np.int16)
    with pytest.raises(NotACoronaryCTError, match="no CT"):
        check_coronary_ct(a_chest.with_array(values))


def test_eight_bits_are_a_picture(a_chest):
    grey = np.clip((a_chest.array + 500) / 6, 0, 255).astype(np.uint8)
    with pytest.raises(NotACoronaryCTError, match="8-bit"):
        check_coronary_ct(a_chest.with_array(grey))


def test_a_probability_is_no_ct(a_chest):
    values = np.clip((a_chest.array + 500) / 1500, 0, 1).astype(np.float32)
    with pytest.raises(NotACoronaryCTError, match="probability"):
        check_coronary_ct(a_chest.with_array(values))


def test_a_segmentation_is_no_ct(a_chest):
    labels = np.digitize(a_chest.array, [-500, 100, 300]).astype(np.uint8)
    with pytest.raises(NotACoronaryCTError, match="segmentation"):
        check_coronary_ct(a_chest.with_array(labels))


def test_a_constant_volume_is_no_image(a_chest):
    with pytest.raises(NotACoronaryCTError, match="Every voxel"):
        check_coronary_ct(a_chest.with_array(np.zeros(a_chest.array.shape, np.int16)))


def test_voxels_above_two_and_a_half_millimetres_are_too_coarse():
    with pytest.raises(NotACoronaryCTError, match="too coarse"):
        check_coronary_ct(make_chest(spacing_mm=3.0))


@pytest.mark.parametrize("extent", [(170, 170, 45), (70, 170, 120)], ids=["low", "narrow"])
def test_a_field_smaller_than_a_heart_is_refused(extent):
    with pytest.raises(NotACoronaryCTError, match="too small"):
        check_coronary_ct(make_chest(extent_mm=extent))


def test_a_heart_cut_at_the_bottom_is_flagged():
    findings = check_coronary_ct(make_chest(extent_mm=(170, 170, 80), centre_mm=(0, 0, 30)))
    assert "bottom" in next(f.text for f in findings if f.code == "truncated-heart")


def test_a_heart_cut_at_the_top_is_flagged():
    findings = check_coronary_ct(make_chest(extent_mm=(170, 170, 80), centre_mm=(0, 0, -35)))
    assert "top" in next(f.text for f in findings if f.code == "truncated-heart")


def test_metal_at_the_heart_is_flagged():
    assert "metal" in codes(check_coronary_ct(make_chest(metal_hu=2800)))


def test_faint_contrast_is_flagged():
    assert "faint-contrast" in codes(check_coronary_ct(make_chest(blood_hu=220)))


def test_loud_noise_is_flagged():
    assert "noisy" in codes(check_coronary_ct(make_chest(noise_hu=90)))


def test_padding_outside_the_scan_circle_does_not_matter(a_chest):
    padded = a_chest.array.copy()
    padded[:, :12, :12] = -3024
    assert codes(check_coronary_ct(a_chest.with_array(padded))) == {"coarse"}


def test_nan_is_refused_before_anything_is_computed(a_chest):
    values = a_chest.array.astype(np.float32)
    values[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="NaN"):
        check_coronary_ct(a_chest.with_array(values))


def test_warnings_come_before_information(a_chest):
    severities = [finding.severity for finding in check_coronary_ct(a_chest)]
    assert severities == sorted(severities, key=lambda severity: severity != "warning")


def test_an_offset_beyond_int16_is_clipped_not_wrapped():
    volume = Volume(np.full((2, 2, 2), 32000, np.int16), Geometry((2, 2, 2), (1.0, 1.0, 1.0)))
    assert with_hu_offset(volume, 1024).array.max() == 32767
