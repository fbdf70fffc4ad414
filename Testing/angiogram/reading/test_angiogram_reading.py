"""From a file to frames with dark vessels, a scale and a best frame; and what is refused with which words."""

import numpy as np
import pydicom
import pytest
from helpers.angiograms import bolus_run, bright_vessels, drawn_angiogram, write_jpeg_lossless, write_xa
from helpers.dicom import write_series
from PIL import Image

from CoronarySegLib.angiogram.reading import checked_run, is_angiogram, read_angiogram
from CoronarySegLib.errors import InputError, NotAnAngiogramError


@pytest.fixture(scope="module")
def frame():
    return drawn_angiogram()


def eight_bit(frame):
    return np.rint(255.0 * frame).astype(np.uint8)


@pytest.mark.parametrize("name", ["one.png", "one.jpg", "one.pgm", "one.tif"])
def test_a_grey_picture_is_read_as_it_looks(tmp_path, frame, name):
    Image.fromarray(eight_bit(frame)).save(tmp_path / name)
    run = read_angiogram(tmp_path / name)
    assert run.frames.shape == (1, 256, 256)
    assert np.abs(run.frames[0] - frame).max() < 0.1
    assert not run.inverted
    assert run.spacing_mm is None
    assert "states no pixel size" in run.warnings[0]


@pytest.mark.parametrize(("bits", "white"), [(10, 1023), (12, 4095), (16, 65535)])
def test_deep_pictures_keep_their_grey_values(tmp_path, frame, bits, white):
    Image.fromarray(np.rint(white * frame).astype(np.uint16)).save(tmp_path / "deep.png")
    assert np.abs(read_angiogram(tmp_path / "deep.png").frames[0] - frame).max() < 0.01, bits


def test_a_picture_that_uses_a_tenth_of_its_range_is_stretched(tmp_path, frame):
    Image.fromarray(np.rint(6000 * frame).astype(np.uint16)).save(tmp_path / "faint.png")
    read = read_angiogram(tmp_path / "faint.png").frames[0]
    assert read.max() > 0.9
    assert np.corrcoef(read.ravel(), frame.ravel())[0, 1] > 0.999


def test_a_grey_picture_stored_in_three_channels_is_grey(tmp_path, frame):
    Image.fromarray(eight_bit(frame)).convert("RGB").save(tmp_path / "grey.jpg", quality=80)
    assert np.abs(read_angiogram(tmp_path / "grey.jpg").frames[0] - frame).max() < 0.1


def test_bright_vessels_are_turned_dark_and_it_is_said(tmp_path, frame):
    Image.fromarray(eight_bit(bright_vessels(frame))).save(tmp_path / "negative.png")
    run = read_angiogram(tmp_path / "negative.png")
    assert run.inverted
    assert np.abs(run.frames[0] - frame).max() < 0.01
    assert "turned round" in run.warnings[-1]


def test_a_run_of_8_bit_has_its_frames_rate_and_scale(tmp_path):
    frames = bolus_run((0.0, 0.2, 0.35))
    path = write_xa(
        tmp_path / "run.dcm", frames, ImagerPixelSpacing=[0.39, 0.39], EstimatedRadiographicMagnificationFactor=1.3
    )
    run = read_angiogram(path)
    assert np.abs(run.frames - frames).max() < 0.003
    assert run.spacing_mm == pytest.approx(0.3)
    assert run.frames_per_second == pytest.approx(15.0, abs=0.01)
    assert "magnification of 1.30" in run.warnings[0]


@pytest.mark.parametrize(
    ("fields", "spacing_mm"),
    [
        ({"ImagerPixelSpacing": [0.4, 0.4], "DistanceSourceToDetector": 1000, "DistanceSourceToPatient": 800}, 0.32),
        ({"ImagerPixelSpacing": [0.4, 0.4]}, None),
        ({"ImagerPixelSpacing": [0.4, 0.2], "EstimatedRadiographicMagnificationFactor": 1.25}, None),
        ({"ImagerPixelSpacing": [0.4, 0.4], "PixelSpacing": [0.25, 0.25]}, 0.25),
        ({}, None),
    ],
)
def test_the_scale_is_that_of_the_heart_or_none(tmp_path, frame, fields, spacing_mm):
    run = read_angiogram(write_xa(tmp_path / "one.dcm", frame[None], **fields))
    assert run.spacing_mm == (None if spacing_mm is None else pytest.approx(spacing_mm))


def test_a_spacing_given_stands_above_the_file(tmp_path, frame):
    path = write_xa(tmp_path / "one.dcm", frame[None], PixelSpacing=[0.25, 0.25])
    assert read_angiogram(path, spacing_mm=0.4).spacing_mm == 0.4


def test_jpeg_lossless_gives_the_same_pixels_as_no_compression(tmp_path):
    frames = bolus_run((0.1, 0.35))
    path = write_jpeg_lossless(tmp_path / "lossless.dcm", frames)
    assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == pydicom.uid.JPEGLosslessSV1
    plain = read_angiogram(write_xa(tmp_path / "plain.dcm", frames))
    assert np.array_equal(read_angiogram(path).frames, plain.frames)


def test_12_bit_and_monochrome1(tmp_path, frame):
    path = write_xa(tmp_path / "m1.dcm", bright_vessels(frame)[None], bits=12, PhotometricInterpretation="MONOCHROME1")
    run = read_angiogram(path)
    assert np.abs(run.frames[0] - frame).max() < 0.001
    assert not any("turned round" in text for text in run.warnings)


def test_the_best_frame_is_the_one_most_filled(tmp_path):
    run = read_angiogram(write_xa(tmp_path / "run.dcm", bolus_run((0.0, 0.02, 0.1, 0.3, 0.36, 0.3, 0.1))))
    assert run.best == 4
    assert run.image().frame == 4
    assert run.image(2).frame == 2
    with pytest.raises(InputError, match="no frame 8: the run has 7"):
        run.image(7)


def test_a_folder_with_one_run_is_that_run_and_several_are_listed(tmp_path, frame):
    write_xa(tmp_path / "a.dcm", frame[None])
    assert len(read_angiogram(tmp_path)) == 1
    write_xa(tmp_path / "b.dcm", frame[None])
    with pytest.raises(InputError, match=r"2 angiographic runs \(a.dcm, b.dcm\)"):
        read_angiogram(tmp_path)


def test_what_is_an_angiogram_is_recognised(tmp_path, frame):
    Image.fromarray(eight_bit(frame)).save(tmp_path / "one.png")
    write_xa(tmp_path / "one.dcm", frame[None])
    write_series(tmp_path / "ct", np.zeros((3, 16, 16)))
    (tmp_path / "volume.nii.gz").write_bytes(b"x")
    assert is_angiogram(tmp_path / "one.png")
    assert is_angiogram(tmp_path / "one.dcm")
    assert not is_angiogram(tmp_path / "ct")
    assert not is_angiogram(tmp_path / "volume.nii.gz")
    assert not is_angiogram(tmp_path / "nowhere.png")


def test_a_colour_photograph_is_refused(tmp_path):
    y, x = np.mgrid[:128, :128]
    photo = np.stack([2 * x, 2 * y, 255 - 2 * x], axis=-1).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "cat.jpg")
    with pytest.raises(NotAnAngiogramError, match=r"cat.jpg is a colour picture"):
        read_angiogram(tmp_path / "cat.jpg")


def test_a_ct_slice_is_refused_as_dicom_and_as_a_picture(tmp_path):
    y, x = np.mgrid[:256, :256] - 128.0
    body = np.hypot(x / 110, y / 80) < 1
    lungs = (np.hypot((np.abs(x) - 50) / 32, y / 52) < 1) & body
    hu = np.where(lungs, -850.0, np.where(body, 40.0, -1000.0)) + np.random.default_rng(1).normal(0, 15, x.shape)
    write_series(tmp_path / "ct", hu[None])
    with pytest.raises(NotAnAngiogramError, match=r"a CT slice.*whole CT series"):
        read_angiogram(next((tmp_path / "ct").iterdir()))
    Image.fromarray(np.clip((hu + 200) / 600 * 255, 0, 255).astype(np.uint8)).save(tmp_path / "slice.png")
    with pytest.raises(NotAnAngiogramError, match=r"slice.png looks like a slice of a CT"):
        read_angiogram(tmp_path / "slice.png")


def test_an_empty_frame_is_refused(tmp_path):
    Image.fromarray(np.full((128, 128), 90, np.uint8)).save(tmp_path / "flat.png")
    with pytest.raises(NotAnAngiogramError, match=r"flat.png is empty"):
        read_angiogram(tmp_path / "flat.png")
    with pytest.raises(NotAnAngiogramError, match="is empty"):
        read_angiogram(write_xa(tmp_path / "flat.dcm", np.full((2, 128, 128), 0.4)))


@pytest.mark.parametrize("share", [0.3, 0.9])
@pytest.mark.parametrize("write", [write_xa, write_jpeg_lossless])
def test_a_truncated_dicom_is_refused(tmp_path, frame, write, share):
    path = write(tmp_path / "cut.dcm", np.stack([frame] * 4))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match=r"cut.dcm is truncated or damaged"):
        read_angiogram(path)


def test_a_truncated_picture_is_refused(tmp_path, frame):
    path = tmp_path / "cut.png"
    Image.fromarray(eight_bit(frame)).save(path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError, match=r"cut.png is truncated or damaged"):
        read_angiogram(path)


@pytest.mark.parametrize("photometric", ["RGB", "PALETTE COLOR", "YBR_FULL_422"])
def test_a_wrong_photometric_interpretation_is_refused(tmp_path, frame, photometric):
    path = write_xa(tmp_path / "colour.dcm", frame[None], PhotometricInterpretation=photometric)
    with pytest.raises(NotAnAngiogramError, match=f"photometric interpretation {photometric}"):
        read_angiogram(path)


def test_other_files_and_sizes_are_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_angiogram(tmp_path / "nothing.png")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(InputError, match="no picture although its name says so"):
        read_angiogram(tmp_path / "text.png")
    (tmp_path / "none.png").touch()
    with pytest.raises(InputError, match="0 bytes"):
        read_angiogram(tmp_path / "none.png")
    with pytest.raises(InputError, match="2000 x 100 pixels"):
        checked_run(np.zeros((1, 100, 2000)), name="wide")
    with pytest.raises(InputError, match="no number"):
        checked_run(np.full((1, 100, 100), np.nan), name="nan")
