"""Every volume file is read with its values and its place, or refused with what is wrong and what to do."""

import gzip
import struct

import numpy as np
import pytest
import SimpleITK as sitk

from CoronarySegLib.errors import Cancelled, InputError
from CoronarySegLib.reading import read_volume

FORMATS = ("nii", "nii.gz", "nrrd", "nhdr", "mha", "mhd")


@pytest.fixture
def an_image():
    """Oblique, anisotropic, off-centre."""
    array = np.random.default_rng(0).integers(-1000, 1500, (6, 7, 8)).astype(np.int16)
    image = sitk.GetImageFromArray(array)
    transform = sitk.Euler3DTransform()
    transform.SetRotation(0.1, -0.2, 0.3)
    image.SetDirection(transform.GetMatrix())
    image.SetSpacing((0.4, 0.5, 0.75))
    image.SetOrigin((12.0, -34.0, 56.0))
    return image


def write(image, path):
    sitk.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("extension", FORMATS)
def test_values_and_grid_come_through(an_image, tmp_path, extension):
    volume = read_volume(write(an_image, tmp_path / f"ct.{extension}"))
    assert np.array_equal(volume.array, sitk.GetArrayFromImage(an_image))
    corner = np.array(volume.geometry.size_xyz) - 1
    expected = an_image.TransformIndexToPhysicalPoint([int(v) for v in corner])
    assert np.allclose(volume.geometry.points_lps(corner), expected, atol=1e-3)


@pytest.mark.parametrize("folder", ["Ärzte Größe", "冠状動脈", "a b c", "x" * 120 + "/" + "y" * 120])
@pytest.mark.parametrize("extension", ["nii.gz", "nrrd"])
def test_unusual_paths_work(an_image, tmp_path, folder, extension):
    path = tmp_path / folder / f"CT données.{extension}"
    path.parent.mkdir(parents=True)
    assert read_volume(write(an_image, path)).array.shape == (6, 7, 8)


def test_the_source_is_the_path(an_image, tmp_path):
    path = write(an_image, tmp_path / "ct.nrrd")
    assert read_volume(str(path)).source == str(path)


@pytest.mark.parametrize("pixel", [sitk.sitkInt32, sitk.sitkUInt16, sitk.sitkInt64])
def test_whole_numbers_become_int16(an_image, tmp_path, pixel):
    path = write(sitk.Cast(an_image + 1000, pixel), tmp_path / "ct.nrrd")
    assert read_volume(path).array.dtype == np.int16


def test_whole_numbers_beyond_int16_become_float(an_image, tmp_path):
    path = write(sitk.Cast(an_image, sitk.sitkInt32) + 60000, tmp_path / "ct.nrrd")
    assert read_volume(path).array.dtype == np.float32


def test_fractions_stay_fractions(an_image, tmp_path):
    path = write(sitk.Cast(an_image, sitk.sitkFloat64) + 0.25, tmp_path / "ct.mha")
    volume = read_volume(path)
    assert volume.array.dtype == np.float32
    assert np.allclose(volume.array % 1, 0.25)


@pytest.mark.parametrize("extension", ["nii", "nii.gz", "nrrd", "mha"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_a_truncated_file_is_named(tmp_path, extension, share):
    array = np.random.default_rng(0).integers(-1000, 1500, (10, 20, 30)).astype(np.int16)
    path = write(sitk.GetImageFromArray(array), tmp_path / f"ct.{extension}")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError, match=r"truncated|damaged"):
        read_volume(path)


def test_a_flipped_byte_in_a_compressed_nifti_is_noticed(tmp_path):
    array = np.random.default_rng(0).integers(-1000, 1500, (10, 20, 30)).astype(np.int16)
    path = write(sitk.GetImageFromArray(array), tmp_path / "ct.nii.gz")
    packed = bytearray(path.read_bytes())
    packed[len(packed) // 2] ^= 0xFF
    path.write_bytes(packed)
    with pytest.raises(InputError, match="damaged"):
        read_volume(path)


@pytest.mark.parametrize("extension", FORMATS)
def test_an_empty_file_is_named(tmp_path, extension):
    path = tmp_path / f"ct.{extension}"
    path.touch()
    with pytest.raises(InputError, match="empty"):
        read_volume(path)


@pytest.mark.parametrize("extension", FORMATS)
def test_a_file_that_is_not_what_it_says_is_named(tmp_path, extension):
    path = tmp_path / f"ct.{extension}"
    path.write_bytes(b"this is no volume " * 60)
    with pytest.raises(InputError, match=r"ct\."):
        read_volume(path)


@pytest.mark.parametrize("extension", ["nii.gz", "nrrd", "mha"])
def test_a_2d_image_is_refused(an_image, tmp_path, extension):
    path = write(an_image[:, :, 3], tmp_path / f"ct.{extension}")
    with pytest.raises(InputError, match="2D"):
        read_volume(path)


def test_a_single_slice_is_refused(an_image, tmp_path):
    with pytest.raises(InputError, match="single slice"):
        read_volume(write(an_image[:, :, 3:4], tmp_path / "ct.nrrd"))


@pytest.mark.parametrize("extension", ["nii.gz", "nrrd"])
def test_a_4d_file_asks_for_a_phase(an_image, tmp_path, extension):
    path = write(sitk.JoinSeries([an_image, an_image, an_image]), tmp_path / f"ct.{extension}")
    with pytest.raises(InputError, match="phase 1 to 3"):
        read_volume(path)


@pytest.mark.parametrize("extension", ["nii.gz", "nrrd"])
def test_a_phase_of_a_4d_file_is_read(an_image, tmp_path, extension):
    path = write(sitk.JoinSeries([an_image, an_image + 7, an_image]), tmp_path / f"ct.{extension}")
    assert np.array_equal(read_volume(path, phase=2).array, sitk.GetArrayFromImage(an_image + 7))


@pytest.mark.parametrize("phase", [0, 4, 1.5, "late"])
def test_a_phase_that_is_not_there_is_refused(an_image, tmp_path, phase):
    path = write(sitk.JoinSeries([an_image, an_image, an_image]), tmp_path / "ct.nrrd")
    with pytest.raises(InputError, match="phase 1 to 3"):
        read_volume(path, phase=phase)


@pytest.mark.parametrize("extension", ["nii.gz", "nrrd"])
def test_a_4d_file_with_one_frame_is_a_volume(an_image, tmp_path, extension):
    path = write(sitk.JoinSeries([an_image]), tmp_path / f"ct.{extension}")
    assert read_volume(path).array.shape == (6, 7, 8)


@pytest.mark.parametrize("extension", ["nii.gz", "nrrd"])
def test_a_colour_image_is_refused(an_image, tmp_path, extension):
    path = write(sitk.Compose([an_image] * 3), tmp_path / f"ct.{extension}")
    with pytest.raises(InputError, match="3 values per voxel"):
        read_volume(path)


@pytest.mark.parametrize("extension", ["nii", "nii.gz", "nrrd", "mha"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_number_are_refused(an_image, tmp_path, bad, extension):
    array = sitk.GetArrayFromImage(an_image).astype(np.float32)
    array[2, 3, 4] = bad
    with pytest.raises(InputError, match="1 voxels that are no number"):
        read_volume(write(sitk.GetImageFromArray(array), tmp_path / f"ct.{extension}"))


def test_a_zero_voxel_size_in_nifti_is_refused(an_image, tmp_path):
    path = write(an_image, tmp_path / "ct.nii")
    content = bytearray(path.read_bytes())
    struct.pack_into("<f", content, 76 + 4 * 3, 0.0)
    path.write_bytes(content)
    with pytest.raises(InputError, match="voxel size of zero"):
        read_volume(path)


def test_a_zero_voxel_size_in_metaimage_is_refused(tmp_path):
    path = write(sitk.Image(4, 4, 4, sitk.sitkInt16), tmp_path / "ct.mha")
    path.write_bytes(path.read_bytes().replace(b"ElementSpacing = 1 1 1", b"ElementSpacing = 0 1 1"))
    with pytest.raises(InputError, match="voxel size of zero"):
        read_volume(path)


def test_a_nifti_without_orientation_is_read_with_a_warning(an_image, tmp_path):
    path = write(an_image, tmp_path / "ct.nii.gz")
    content = bytearray(gzip.decompress(path.read_bytes()))
    struct.pack_into("<hh", content, 252, 0, 0)
    path.write_bytes(gzip.compress(bytes(content)))
    assert "left and right" in read_volume(path).warnings[0]


def test_a_sheared_nifti_is_refused(tmp_path):
    path = write(sitk.Image(8, 8, 8, sitk.sitkInt16), tmp_path / "ct.nii")
    content = bytearray(path.read_bytes())
    struct.pack_into("<hh", content, 252, 0, 1)
    struct.pack_into("<12f", content, 280, -1, 0, 0.3, 0, 0, -1, 0, 0, 0, 0, 1, 0)
    path.write_bytes(content)
    with pytest.raises(InputError, match="right angles"):
        read_volume(path)


def sheared_nrrd(path, lean):
    """z grows by 1 mm and y by ``lean`` mm per slice; the value is the physical y, so a true resampling shows it."""
    z, y, _ = np.indices((20, 30, 10))
    image = sitk.GetImageFromArray((10 * (y + lean * z)).astype(np.int16))
    sitk.WriteImage(image, str(path))
    path.write_bytes(path.read_bytes().replace(b"(0,0,1)", f"(0,{lean},1)".encode()))
    return path


def test_a_sheared_nrrd_is_put_on_right_angles_with_a_warning(tmp_path):
    volume = read_volume(sheared_nrrd(tmp_path / "ct.nrrd", 0.3))
    place = np.rint(volume.geometry.index_of([5.0, 15.0, 10.0])).astype(int)[::-1]
    assert abs(int(volume.array[tuple(place)]) - 150) <= 5
    assert "right angle" in volume.warnings[0]


def test_an_impossible_shear_is_refused(tmp_path):
    with pytest.raises(InputError, match="no grid of a scanner"):
        read_volume(sheared_nrrd(tmp_path / "ct.nrrd", 3.0))


@pytest.mark.parametrize(("extension", "data"), [("mhd", "raw"), ("nhdr", "raw")])
def test_a_header_without_its_data_file_is_refused(an_image, tmp_path, extension, data):
    path = write(an_image, tmp_path / f"ct.{extension}")
    next(p for p in tmp_path.iterdir() if p != path).unlink()
    with pytest.raises(InputError, match="only a header"):
        read_volume(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_volume(tmp_path / "nowhere.nii.gz")


def test_an_unknown_extension_lists_the_known_ones(tmp_path):
    path = tmp_path / "ct.tif"
    path.write_bytes(b"II*\0" * 100)
    with pytest.raises(InputError, match=r"\.nrrd"):
        read_volume(path)


def test_an_archive_is_to_be_unpacked(tmp_path):
    path = tmp_path / "ct.zip"
    path.write_bytes(b"PK\3\4" * 100)
    with pytest.raises(InputError, match="Unpack"):
        read_volume(path)


def test_a_folder_of_volume_files_points_at_the_files(an_image, tmp_path):
    write(an_image, tmp_path / "ct.nii.gz")
    with pytest.raises(InputError, match=r"ct\.nii\.gz"):
        read_volume(tmp_path)


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="no DICOM images"):
        read_volume(tmp_path)


def test_reading_can_be_cancelled(an_image, tmp_path):
    path = write(an_image, tmp_path / "ct.nrrd")
    with pytest.raises(Cancelled):
        read_volume(path, progress=lambda fraction, text: False)
