"""Specks go; what flickers goes and gaps of one frame are closed, and a vessel that moves stays."""

import numpy as np

from CoronarySegLib.angiogram.postprocessing import consistent_in_time, without_specks


def vessel(at=60, gap=None):
    mask = np.zeros((128, 128), bool)
    mask[at : at + 6, 10:118] = True
    if gap is not None:
        mask[:, gap[0] : gap[1]] = False
    return mask


def test_specks_go_and_vessels_stay():
    mask = vessel()
    mask[20:22, 20:22] = True
    assert np.array_equal(without_specks(mask), vessel())
    assert not without_specks(np.zeros((128, 128), bool)).any()


def test_a_piece_in_one_frame_only_goes():
    frames = np.stack([vessel()] * 3)
    frames[1, 100:110, 20:60] = True
    assert np.array_equal(consistent_in_time(frames.astype(np.float32), frames), np.stack([vessel()] * 3))


def test_a_gap_of_one_frame_is_closed_where_it_is_likely():
    frames = np.stack([vessel(), vessel(gap=(50, 60)), vessel()])
    likely = frames.astype(np.float32)
    likely[1, 60:66, 50:60] = 0.3
    assert consistent_in_time(likely, frames)[1].sum() == vessel().sum()
    unlikely = frames.astype(np.float32)
    assert np.array_equal(consistent_in_time(unlikely, frames)[1], frames[1])


def test_a_soft_rim_is_not_added():
    frames = np.stack([vessel()] * 3)
    likely = frames.astype(np.float32)
    likely[:, 58:60, 10:118] = 0.3
    assert np.array_equal(consistent_in_time(likely, frames), frames)


def test_a_moving_vessel_stays():
    frames = np.stack([vessel(60), vessel(64), vessel(68), vessel(64)])
    assert np.array_equal(consistent_in_time(frames.astype(np.float32), frames), frames)


def test_one_frame_stays_as_it_is():
    assert np.array_equal(consistent_in_time(vessel()[None].astype(np.float32), vessel()[None]), vessel()[None])
