"""The worker from outside: progress heard, last words kept, nothing left of it when it ends or is ended."""

import os
import signal
import sys

import psutil
import pytest
from waiting import lines_of, wait_for

from CoronarySegLib.errors import Cancelled, NotACoronaryCTError, WorkerError
from CoronarySegLib.worker import WorkerProcess
from CoronarySegLib.worker.parent import is_alive
from CoronarySegLib.worker.process import remove_left_folders
from CoronarySegLib.worker.protocol import Said, heard

FOREVER = "import time; time.sleep(600)"
WITH_CHILD = (
    "import subprocess, sys, time, pathlib; "
    f"child = subprocess.Popen([sys.executable, '-c', {FOREVER!r}]); "
    "pathlib.Path({path!r}).write_text(str(child.pid)); time.sleep(600)"
)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_progress_is_heard_once_and_other_lines_are_not_progress(start):
    process = start(
        "from CoronarySegLib.worker.protocol import say; say(0.25, 'Finding the heart'); print('hello'); say(0.5, 'ä')"
    )
    wait_for(lambda: not process.running)
    assert process.said() == [Said(0.25, "Finding the heart"), Said(0.5, "ä")]
    assert process.said() == []


@pytest.mark.parametrize("line", ["hello", "CoronarySeg-progress [0.5", 'CoronarySeg-progress {"a": 1}'])
def test_a_damaged_line_is_no_progress(line):
    assert heard(line) is None


def test_a_worker_without_a_result_has_died_and_its_last_words_are_told(start):
    process = start("import sys; print('one'); sys.exit('two')")
    wait_for(lambda: not process.running)
    with pytest.raises(WorkerError, match=r"(?s)ended with code 1.*one\ntwo") as caught:
        process.outcome()
    assert "Nothing was changed" in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
def test_a_killed_worker_names_the_signal_and_the_usual_cause(start):
    process = start(FOREVER)
    os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: not process.running)
    with pytest.raises(WorkerError, match="SIGKILL, often because memory ran out"):
        process.outcome()


def test_cancel_ends_the_worker_and_what_it_has_started(start, tmp_path):
    note = tmp_path / "child"
    process = start(WITH_CHILD.format(path=str(note)))
    wait_for(lambda: lines_of(note))
    child = int(lines_of(note)[0])
    process.cancel()
    wait_for(lambda: gone(process.pid) and gone(child), seconds=10)
    with pytest.raises(Cancelled):
        process.outcome()


def test_what_a_dead_worker_has_started_ends_with_its_folder(start, tmp_path):
    note = tmp_path / "child"
    process = start(WITH_CHILD.format(path=str(note)).replace("time.sleep(600)", "time.sleep(0)"))
    wait_for(lambda: lines_of(note) and not process.running)
    child = int(lines_of(note)[0])
    process.close()
    wait_for(lambda: gone(child), seconds=10)
    assert not process.folder.exists()


def test_a_worker_ends_when_its_parent_is_gone_and_takes_its_folder_along(tmp_path, start):
    short = start("pass")
    wait_for(lambda: not short.running)
    folder = tmp_path / "job"
    folder.mkdir()
    process = start(
        "import shutil, time; from CoronarySegLib.worker.parent import end_with_parent; "
        f"end_with_parent({short.pid}, lambda: shutil.rmtree({str(folder)!r})); time.sleep(600)"
    )
    wait_for(lambda: not process.running)
    assert not folder.exists()


def test_folders_of_programs_that_crashed_are_removed_and_those_of_living_ones_stay(tmp_path, start):
    short = start("pass")
    wait_for(lambda: not short.running)
    old, young = (tmp_path / f"CoronarySeg-worker-{short.pid}-{name}" for name in ("old", "young"))
    old.mkdir()
    young.mkdir()
    os.utime(old, (0, 0))
    os.utime(short.folder, (0, 0))
    remove_left_folders(tmp_path)
    assert not old.exists()
    assert young.exists()  # on a shared disk its program may live elsewhere
    assert short.folder.exists()


def test_a_process_that_cannot_start_leaves_no_folder(tmp_path):
    with pytest.raises(WorkerError, match="cannot be started"):
        WorkerProcess(None, temporary=tmp_path, command=[str(tmp_path / "no such program")])
    assert list(tmp_path.iterdir()) == []


def test_this_process_lives():
    assert is_alive(os.getpid())


def test_the_real_worker_refuses_what_is_no_heart_ct_with_the_librarys_own_error(a_ct, tmp_path):
    from CoronarySegLib.worker import SegmentJob

    with WorkerProcess(SegmentJob(a_ct), python=sys.executable, temporary=tmp_path) as process:
        wait_for(lambda: not process.running)
        with pytest.raises(NotACoronaryCTError):
            process.outcome()
    assert list(tmp_path.iterdir()) == []
