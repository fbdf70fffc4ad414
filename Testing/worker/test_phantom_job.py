"""A phantom made by the worker is the CT that the library makes."""

import numpy as np

from CoronarySegLib.progress import Progress
from CoronarySegLib.worker.__main__ import _do
from CoronarySegLib.worker.jobs import PhantomJob, read_job, write_job
from CoronarySegLib.worker.outcomes import PhantomOutcome, read_outcome


def test_a_phantom_comes_back_as_a_ct_in_hu(tmp_path):
    write_job(PhantomJob(seed=3, shape_zyx=(20, 24, 26), spacing_xyz_mm=(6.0, 6.0, 6.0)), tmp_path)
    _do(read_job(tmp_path), tmp_path, Progress(lambda fraction, text: None))
    made = read_outcome(tmp_path)
    assert isinstance(made, PhantomOutcome)
    assert made.ct.array.shape == (20, 24, 26)
    assert made.ct.array.dtype == np.int16
    assert made.ct.array.min() < -700  # lung
    assert made.ct.array.max() > 250  # contrast
