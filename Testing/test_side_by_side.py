"""Work side by side: really at once, heard in one thread, stopped together."""

from __future__ import annotations

import threading

import pytest

from CoronarySegLib.errors import Cancelled, SurfaceError
from CoronarySegLib.progress import Progress
from CoronarySegLib.side_by_side import side_by_side

SOON = 20.0


def waits_for(barrier: threading.Barrier, answer: int):
    def piece(report: Progress) -> int:
        report(0.5, f"piece {answer}")
        barrier.wait(SOON)
        report(1.0, f"piece {answer}")
        return answer

    return piece


def reports_until_stopped(started: threading.Event, stopped: threading.Event):
    def piece(report: Progress) -> None:
        started.set()
        try:
            for _ in range(int(SOON / 0.01)):
                report(0.1, "at work")
                threading.Event().wait(0.01)
        except Cancelled:
            stopped.set()
            raise

    return piece


def test_two_pieces_run_at_the_same_time_and_keep_their_names():
    barrier = threading.Barrier(2)  # neither comes past it alone
    assert side_by_side({"left": waits_for(barrier, 1), "right": waits_for(barrier, 2)}, Progress()) == {
        "left": 1, "right": 2
    }


def test_progress_is_heard_in_the_calling_thread_and_never_goes_back():
    heard: list[tuple[int, float]] = []
    report = Progress(lambda fraction, text: heard.append((threading.get_ident(), fraction)), 0.2, 0.8)
    barrier = threading.Barrier(2)
    side_by_side({"left": waits_for(barrier, 1), "right": waits_for(barrier, 2)}, report)
    assert {thread for thread, _ in heard} == {threading.get_ident()}
    fractions = [fraction for _, fraction in heard]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(0.8)


def test_cancelling_stops_every_piece():
    started, stopped = threading.Event(), [threading.Event(), threading.Event()]
    work = {str(n): reports_until_stopped(started, event) for n, event in enumerate(stopped)}
    with pytest.raises(Cancelled):
        side_by_side(work, Progress(lambda fraction, text: False))
    assert all(event.is_set() for event in stopped)


def test_an_error_of_one_is_raised_and_stops_the_other():
    started, stopped = threading.Event(), threading.Event()

    def fails(report: Progress) -> None:
        started.wait(SOON)
        raise SurfaceError("no surface")

    with pytest.raises(SurfaceError, match="no surface"):
        side_by_side({"left": reports_until_stopped(started, stopped), "right": fails}, Progress())
    assert stopped.is_set()


def test_one_piece_alone_runs_in_the_calling_thread():
    assert side_by_side({"root": lambda report: threading.get_ident()}, Progress()) == {"root": threading.get_ident()}
    assert side_by_side({}, Progress()) == {}
