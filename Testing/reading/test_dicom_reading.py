"""DICOM as archives hand it out: the right series, the right phase, whole and in HU; or the reason why not."""

import numpy as np
import pytest
from helpers.dicom import write_enhanced, write_series

from CoronarySegLib.errors import Cancelled, InputError
from CoronarySegLib.reading import list_series, read_volume


def some_hu(slices=16, rows=10, columns=12):
    """Each slice and row has a value of its own."""
    z, y, x = np.indices((slices, rows, columns))
    return (40 * z + 10 * y + x - 300).astype(np.int16)


def warnings_of(volume):
    return " ".join(volume.warnings)


def test_a_series_is_read_in_hu_in_order(tmp_path):
    write_series(tmp_path, some_hu())
    volume = read_volume(tmp_path)
    assert np.array_equal(volume.array, some_hu())
    assert volume.array.dtype == np.int16
    assert volume.warnings == ()


def test_the_grid_is_that_of_the_headers(tmp_path):
    write_series(tmp_path, some_hu(), spacing_xyz_mm=(0.4, 0.5, 0.7), origin_lps_mm=(-1.0, -2.0, -3.0))
    geometry = read_volume(tmp_path).geometry
    assert geometry.spacing_xyz_mm == pytest.approx((0.4, 0.5, 0.7))
    assert geometry.origin_lps_mm == pytest.approx((-1.0, -2.0, -3.0))


@pytest.mark.parametrize("orientation", [(0.0, 1, 0, 0, 0, -1), (-1.0, 0, 0, 0, 1, 0), (0.96, 0.28, 0, -0.28, 0.96, 0)])
def test_every_voxel_lies_where_its_header_says(tmp_path, orientation):
    write_series(tmp_path, some_hu(), spacing_xyz_mm=(0.4, 0.5, 0.7), orientation=orientation)
    volume = read_volume(tmp_path)
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    place = np.array([-10, -20, 30]) + 5 * 0.4 * row + 3 * 0.5 * column + 7 * 0.7 * np.cross(row, column)
    index = np.rint(volume.geometry.index_of(place)).astype(int)[::-1]
    assert volume.array[tuple(index)] == some_hu()[7, 3, 5]


def test_one_file_of_a_series_stands_for_all(tmp_path):
    write_series(tmp_path, some_hu(), name="a")
    write_series(tmp_path, some_hu(20) + 5, name="b")
    assert np.array_equal(read_volume(tmp_path / "b_0007.dcm").array, some_hu(20) + 5)


def test_files_without_extension_are_read(tmp_path):
    write_series(tmp_path, some_hu(), name="IM")
    for path in tmp_path.glob("*.dcm"):
        path.rename(path.with_suffix(""))
    assert read_volume(tmp_path / "IM_0003").array.shape == some_hu().shape


def test_unusual_folder_names_work(tmp_path):
    folder = tmp_path / "Ärzte Größe 冠状" / ("long " * 30)
    write_series(folder, some_hu())
    assert np.array_equal(read_volume(folder).array, some_hu())


def test_other_files_in_the_folder_do_not_disturb(tmp_path):
    write_series(tmp_path / "deep" / "er", some_hu())
    (tmp_path / "readme.txt").write_text("report")
    (tmp_path / "broken.dcm").write_bytes(b"\0" * 50)
    assert np.array_equal(read_volume(tmp_path).array, some_hu())


def test_images_exported_twice_count_once(tmp_path):
    write_series(tmp_path, some_hu(), name="a")
    for path in list(tmp_path.glob("*.dcm")):
        (tmp_path / f"copy_{path.name}").write_bytes(path.read_bytes())
    assert np.array_equal(read_volume(tmp_path).array, some_hu())


def test_a_multi_frame_ct_is_read(tmp_path):
    path = write_enhanced(tmp_path, some_hu(), spacing_xyz_mm=(0.4, 0.5, 0.7))
    volume = read_volume(path)
    assert np.array_equal(volume.array, some_hu())
    assert volume.geometry.spacing_xyz_mm == pytest.approx((0.4, 0.5, 0.7))


def test_the_thin_series_wins_and_the_choice_is_stated(tmp_path):
    write_series(tmp_path / "thick", some_hu(), spacing_xyz_mm=(0.5, 0.5, 3.0))
    thin = write_series(tmp_path / "thin", some_hu(100), spacing_xyz_mm=(0.5, 0.5, 0.7))
    volume = read_volume(tmp_path)
    assert thin in volume.source
    assert "2 series can be used" in warnings_of(volume)


def test_the_calcium_scan_loses_against_the_angiogram(tmp_path):
    write_series(tmp_path / "ca", some_hu(100), SeriesDescription="CaScoring 0.7 Qr36")
    wanted = write_series(tmp_path / "cta", some_hu(100), SeriesDescription="CorCTA 0.7 Bv40")
    assert list_series(tmp_path)[0].uid == wanted


def test_the_series_at_75_percent_wins_among_phase_series(tmp_path):
    for percent in (35, 45, 75, 85):
        write_series(tmp_path / str(percent), some_hu(80), SeriesDescription=f"CorCTA 0.6 {percent} %")
    assert list_series(tmp_path)[0].phases == ("75 %",)


def test_a_series_is_chosen_by_its_uid(tmp_path):
    thick = write_series(tmp_path / "thick", some_hu(), spacing_xyz_mm=(0.5, 0.5, 3.0))
    write_series(tmp_path / "thin", some_hu(100))
    assert read_volume(tmp_path, series_uid=thick).geometry.spacing_xyz_mm[2] == 3.0


def test_an_unknown_uid_lists_what_is_there(tmp_path):
    uid = write_series(tmp_path, some_hu())
    with pytest.raises(InputError, match=uid):
        read_volume(tmp_path, series_uid="1.2.3")


def test_a_series_info_says_what_a_person_chooses_by(tmp_path):
    uid = write_series(tmp_path, some_hu(), spacing_xyz_mm=(0.4, 0.5, 0.7))
    (info,) = list_series(tmp_path)
    assert (info.uid, info.modality, info.slice_count, info.shape_zyx) == (uid, "CT", 16, (16, 10, 12))
    assert info.usable
    assert "CorCTA" in info.summary()


PICTURES = [
    ({"Modality": "MR"}, "modality is MR"),
    ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "secondary capture"),
    ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
    ({"ImageType": ["DERIVED", "SECONDARY", "CURVED", "CPR"]}, "CPR"),
    ({"ImageType": ["DERIVED", "PRIMARY", "MIP"]}, "MIP"),
    ({"ImageType": ["DERIVED", "SECONDARY", "PROJECTION IMAGE"]}, "MIP"),
    ({"SeriesDescription": "LAD CPR 0-360"}, "CPR"),
    ({"SeriesDescription": "Cor thin MIP 5mm"}, "MIP"),
    ({"ImageType": ["DERIVED", "SECONDARY", "REFORMATTED"]}, "derived"),
    ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, "no CT image object"),
]


@pytest.mark.parametrize(("fields", "reason"), PICTURES, ids=[reason for _, reason in PICTURES])
def test_what_is_no_original_ct_is_refused_by_name(tmp_path, fields, reason):
    write_series(tmp_path, some_hu(), **fields)
    with pytest.raises(InputError, match=reason):
        read_volume(tmp_path)


def test_a_refused_series_is_listed_with_its_verdict(tmp_path):
    write_series(tmp_path / "a", some_hu())
    write_series(tmp_path / "b", some_hu(), SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    usable, refused = list_series(tmp_path)
    assert usable.usable
    assert "secondary capture" in refused.verdict


def test_a_derived_series_is_read_when_chosen_by_uid(tmp_path):
    uid = write_series(tmp_path, some_hu(), ImageType=["DERIVED", "SECONDARY", "REFORMATTED"])
    assert "derived" in warnings_of(read_volume(tmp_path, series_uid=uid))


def test_a_file_of_a_refused_series_says_why(tmp_path):
    write_series(tmp_path, some_hu(), name="a", SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    with pytest.raises(InputError, match="secondary capture"):
        read_volume(tmp_path / "a_0001.dcm")


def test_eight_bit_pixels_are_refused(tmp_path):
    write_series(tmp_path, some_hu(), BitsStored=8, HighBit=7)
    with pytest.raises(InputError, match="8 bits"):
        read_volume(tmp_path)


def test_lossy_compression_is_a_warning(tmp_path):
    write_series(tmp_path, some_hu(), LossyImageCompression="01")
    assert "lossy" in warnings_of(read_volume(tmp_path))


def test_a_missing_rescale_is_a_warning_and_the_values_stay_as_stored(tmp_path):
    write_series(tmp_path, some_hu(), rescale=False)
    volume = read_volume(tmp_path)
    assert "rescale" in warnings_of(volume)
    assert np.array_equal(volume.array, some_hu() + 1024)


def test_a_fractional_rescale_gives_fractional_hu(tmp_path):
    write_series(tmp_path, some_hu(), RescaleSlope="0.5", RescaleIntercept="-1024")
    volume = read_volume(tmp_path)
    assert volume.array.dtype == np.float32
    assert np.allclose(volume.array, (some_hu() + 1024) * 0.5 - 1024)


def test_a_small_gap_is_bridged_and_its_place_reported(tmp_path):
    write_series(tmp_path, some_hu(30), spacing_xyz_mm=(0.5, 0.5, 0.8), skip=(9, 10))
    volume = read_volume(tmp_path)
    assert np.abs(volume.array.astype(int) - some_hu(30)).max() <= 1
    assert "z = 36.4" in warnings_of(volume)
    assert "2 slices are missing" in warnings_of(volume)


def test_a_large_gap_is_refused_with_its_place(tmp_path):
    write_series(tmp_path, some_hu(60), spacing_xyz_mm=(0.5, 0.5, 0.8), skip=(9, 10, 11))
    with pytest.raises(InputError, match=r"z = 36\.4 mm"):
        read_volume(tmp_path)


def test_many_small_gaps_are_refused(tmp_path):
    write_series(tmp_path, some_hu(40), spacing_xyz_mm=(0.5, 0.5, 0.5), skip=tuple(range(3, 40, 5)))
    with pytest.raises(InputError, match="slices are missing"):
        read_volume(tmp_path)


def test_uneven_slices_are_put_on_an_even_grid(tmp_path):
    positions = np.arange(16) + np.where(np.arange(16) % 2, 0.3, 0.0)
    hu = np.broadcast_to((positions * 50)[:, None, None], (16, 10, 12)).astype(np.int16)
    write_series(tmp_path, hu, positions_mm=positions)
    volume = read_volume(tmp_path)
    z = volume.geometry.points_lps([[0, 0, k] for k in range(len(volume.array))])[:, 2] - 30
    assert np.abs(volume.array[:, 0, 0] - z * 50).max() <= 1
    assert "unevenly" in warnings_of(volume)


def test_positions_rounded_by_the_exporter_are_even(tmp_path):
    positions = np.round(np.arange(40) * 0.625, 2)
    write_series(tmp_path, some_hu(40), positions_mm=positions)
    volume = read_volume(tmp_path)
    assert volume.warnings == ()
    assert np.array_equal(volume.array, some_hu(40))


def test_a_gantry_tilt_is_resampled_with_a_warning(tmp_path):
    z, y, _ = np.indices((20, 30, 12))
    true_y = 0.5 * y + 0.3 * z
    write_series(tmp_path, (20 * true_y).astype(np.int16), shear_mm_per_slice=(0.0, 0.3, 0.0))
    volume = read_volume(tmp_path)
    index = np.rint(volume.geometry.index_of([-7.0, -20 + 10.0, 30 + 10.0])).astype(int)[::-1]
    assert abs(int(volume.array[tuple(index)]) - 200) <= 10
    assert "tilted by 16.7°" in warnings_of(volume)


def test_a_steep_tilt_is_refused(tmp_path):
    write_series(tmp_path, some_hu(), shear_mm_per_slice=(0.0, 0.9, 0.0))
    with pytest.raises(InputError, match="tilted by 42"):
        read_volume(tmp_path)


def test_slices_shifted_sideways_are_refused(tmp_path):
    def shifted(index):
        return {"ImagePositionPatient": [-10.0 + (5.0 if index > 8 else 0.0), -20.0, 30.0 + index]}

    write_series(tmp_path, some_hu(), per_slice=shifted)
    with pytest.raises(InputError, match="sideways"):
        read_volume(tmp_path)


def test_slices_fanned_out_round_an_axis_are_no_volume(tmp_path):
    def fanned(index):
        angle = 0.2 * index
        return {"ImageOrientationPatient": [round(np.cos(angle), 6), round(np.sin(angle), 6), 0, 0, 0, -1]}

    write_series(tmp_path, some_hu(), per_slice=fanned)
    with pytest.raises(InputError, match="different directions"):
        read_volume(tmp_path)


def test_a_scout_inside_the_series_does_not_disturb(tmp_path):
    uid = write_series(tmp_path, some_hu(), name="a")
    write_series(tmp_path, some_hu(1), name="scout", series_uid=uid, orientation=(0, 1, 0, 0, 0, -1))
    assert np.array_equal(read_volume(tmp_path).array, some_hu())


def test_a_single_slice_is_refused(tmp_path):
    write_series(tmp_path, some_hu(1), name="a")
    with pytest.raises(InputError, match="single slice"):
        read_volume(tmp_path / "a_0001.dcm")


def test_slices_without_a_position_are_refused(tmp_path):
    write_series(tmp_path, some_hu(), ImagePositionPatient=None)
    with pytest.raises(InputError, match="no position"):
        read_volume(tmp_path)


def test_a_truncated_slice_is_named(tmp_path):
    write_series(tmp_path, some_hu(rows=64, columns=64), name="a")
    path = tmp_path / "a_0005.dcm"
    path.write_bytes(path.read_bytes()[:-4000])
    with pytest.raises(InputError, match=r"a_0005\.dcm"):
        read_volume(tmp_path)


def four_phases(folder, **keyword_by_phase):
    """One series with four phases at every position; each phase's values differ by 100 HU."""
    uid = write_series(folder, some_hu(), name="p0", **{k: v[0] for k, v in keyword_by_phase.items()})
    for phase in (1, 2, 3):
        fields = {k: v[phase] for k, v in keyword_by_phase.items()}
        write_series(folder, some_hu() + 100 * phase, name=f"p{phase}", series_uid=uid, **fields)


PHASE_FIELDS = [
    {"NominalPercentageOfCardiacPhase": [35.0, 45.0, 75.0, 85.0]},
    {"ImageComments": ["35 %", "45 %", "75 %", "85 %"]},
    {"TriggerTime": [350, 450, 750, 850], "HeartRate": [60, 60, 60, 60]},
]


@pytest.mark.parametrize("fields", PHASE_FIELDS, ids=["percentage", "comment", "trigger time"])
def test_the_phase_at_75_percent_is_taken_and_stated(tmp_path, fields):
    four_phases(tmp_path, **fields)
    volume = read_volume(tmp_path)
    assert np.array_equal(volume.array, some_hu() + 200)
    assert "4 heart phases (35 %, 45 %, 75 %, 85 %); 75 % was taken" in warnings_of(volume)


@pytest.mark.parametrize("phase", [45, "45", "45 %", 46.0])
def test_a_phase_is_chosen_by_its_percentage(tmp_path, phase):
    four_phases(tmp_path, NominalPercentageOfCardiacPhase=[35.0, 45.0, 75.0, 85.0])
    assert np.array_equal(read_volume(tmp_path, phase=phase).array, some_hu() + 100)


def test_without_percentages_the_middle_phase_is_taken(tmp_path):
    four_phases(tmp_path, TemporalPositionIdentifier=[1, 2, 3, 4])
    volume = read_volume(tmp_path)
    assert np.array_equal(volume.array, some_hu() + 200)
    assert "the middle one" in warnings_of(volume)


def test_without_percentages_a_phase_is_chosen_by_number(tmp_path):
    four_phases(tmp_path, AcquisitionNumber=[1, 2, 3, 4])
    assert np.array_equal(read_volume(tmp_path, phase=1).array, some_hu())


def test_phases_that_no_field_tells_apart_are_split_by_their_order(tmp_path):
    four_phases(tmp_path)
    assert len(list_series(tmp_path)[0].phases) == 4


def test_a_phase_that_is_not_there_lists_the_phases(tmp_path):
    four_phases(tmp_path, NominalPercentageOfCardiacPhase=[35.0, 45.0, 75.0, 85.0])
    with pytest.raises(InputError, match="35 %, 45 %, 75 %, 85 %"):
        read_volume(tmp_path, phase=10)


def test_doubled_slices_at_a_slab_border_are_no_phases(tmp_path):
    uid = write_series(tmp_path, some_hu(), name="a", AcquisitionNumber=1)
    write_series(tmp_path, some_hu()[7:9], name="b", series_uid=uid, origin_lps_mm=(-10.0, -20.0, 37.0))
    volume = read_volume(tmp_path)
    assert volume.array.shape == some_hu().shape
    assert "2 slices lie on positions that were there already" in warnings_of(volume)


def test_progress_runs_forward_to_the_end(tmp_path):
    write_series(tmp_path, some_hu())
    seen = []
    read_volume(tmp_path, progress=lambda fraction, text: seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_cancelling_stops_the_reading_of_slices(tmp_path):
    write_series(tmp_path, some_hu())
    with pytest.raises(Cancelled):
        read_volume(tmp_path, progress=lambda fraction, text: fraction < 0.6)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        list_series(tmp_path / "nowhere")
