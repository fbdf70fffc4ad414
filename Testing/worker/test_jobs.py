"""Jobs and outcomes survive the way through files."""

import json

import numpy as np
import pytest

from CoronarySegLib.centreline.tree import CentrelineBranch, CentrelineTree
from CoronarySegLib.errors import InputError, ModelError, WorkerError
from CoronarySegLib.worker import CfdJob, CheckJob, FollowJob, SegmentJob
from CoronarySegLib.worker.jobs import read_job, write_job
from CoronarySegLib.worker.outcomes import CheckOutcome, finish, read_outcome, write_error


def there_and_back(job, folder):
    write_job(job, folder)
    return read_job(folder)


def test_a_segmentation_job_keeps_voxels_grid_and_choices(a_ct, tmp_path):
    back = there_and_back(SegmentJob(a_ct, "mine", "cpu", "fast", centrelines=False), tmp_path)
    assert (back.model, back.device, back.quality, back.centrelines) == ("mine", "cpu", "fast", False)
    assert np.array_equal(back.ct.array, a_ct.array)
    assert back.ct.array.dtype == a_ct.array.dtype
    assert (back.ct.geometry, back.ct.source, back.ct.warnings) == (a_ct.geometry, "scan", ("odd",))


def test_a_flow_job_keeps_the_names_of_its_centrelines(a_ct, tmp_path):
    points = np.linspace([0.0, 0.0, 0.0], [10.0, 0.0, 0.0], 11)
    branch = CentrelineBranch(-1, points, np.ones(11), np.full(11, np.pi), "my LAD", 0.5)
    labels = a_ct.with_array((a_ct.array > 30).astype(np.uint8))
    job = CfdJob(labels, None, {"left": CentrelineTree("left", (branch,))}, "cm", ("left",), ("stl",), 2.0)
    back = there_and_back(job, tmp_path)
    assert (back.unit, back.sides, back.formats, back.extension_diameters) == ("cm", ("left",), ("stl",), 2.0)
    assert back.trees["left"].branches[0].name == "my LAD"
    assert np.allclose(back.trees["left"].branches[0].points_lps_mm, points)


def test_names_of_earlier_centrelines_and_the_trees_of_a_job_do_not_mix(a_ct, tmp_path):
    def tree(name: str) -> dict[str, CentrelineTree]:
        points = np.linspace([0.0, 0.0, 0.0], [10.0, 0.0, 0.0], 11)
        return {"left": CentrelineTree("left", (
            CentrelineBranch(-1, points, np.ones(11), np.full(11, np.pi), name, 1.0),
        ))}

    labels = a_ct.with_array((a_ct.array > 30).astype(np.uint8))
    back = there_and_back(CfdJob(labels, None, tree("now"), names_from=tree("given")), tmp_path)
    assert back.trees["left"].branches[0].name == "now"
    assert (back.names_from["left"].branches[0].name, back.names_from["left"].branches[0].confidence) == ("given", 1.0)


def test_a_job_for_what_follows_a_correction_keeps_labels_and_trees(a_ct, tmp_path):
    labels = a_ct.with_array((a_ct.array > 30).astype(np.uint8))
    back = there_and_back(FollowJob(labels, {}, anew=True), tmp_path)
    assert np.array_equal(back.labels.array, labels.array)
    assert (back.trees, back.anew) == ({}, True)


def test_a_check_job_keeps_its_choices(tmp_path):
    assert there_and_back(CheckJob("mine", "cpu"), tmp_path) == CheckJob("mine", "cpu")


@pytest.mark.parametrize("text", ["", "{}", '{"kind": "SegmentJob"}', '{"kind": "Breakfast"}'])
def test_a_job_that_cannot_be_read_is_refused(tmp_path, text):
    (tmp_path / "job.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="Start it again"):
        read_job(tmp_path)


def test_an_error_comes_back_as_the_class_it_was(tmp_path):
    write_error(tmp_path, ModelError("The model is damaged. Install it again."))
    with pytest.raises(ModelError, match="Install it again"):
        read_outcome(tmp_path)


def test_no_result_file_is_no_outcome(tmp_path):
    assert read_outcome(tmp_path) is None


def test_a_damaged_result_is_an_error_of_the_worker(tmp_path):
    (tmp_path / "result.json").write_text(json.dumps({"kind": "SegmentOutcome", "warnings": []}), encoding="utf-8")
    with pytest.raises(WorkerError, match="cannot be read"):
        read_outcome(tmp_path)


def test_a_check_comes_back_with_its_findings(tmp_path):
    findings = [{"name": "torch", "state": "ok", "text": "torch 2"}]
    finish(tmp_path, {"kind": "CheckOutcome", "findings": findings, "engine": "CPU", "patch_seconds": 0.5,
                      "warnings": []})
    back = read_outcome(tmp_path)
    assert isinstance(back, CheckOutcome)
    assert (back.findings[0].name, back.engine, back.patch_seconds) == ("torch", "CPU", 0.5)
