"""The worker from outside: start it, hear how far it is, take its outcome, end it with all it has started.

Nothing here waits or uses threads, so that a program with an event loop can ask now and then. The folder of a job is
removed when it is closed, and those of programs that have crashed are removed when the next job starts.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import Cancelled, OutputError, WorkerError
from .jobs import Job, write_job
from .outcomes import Outcome, read_outcome
from .parent import is_alive
from .protocol import Said, heard

LOG = "log.txt"
LAST_LINES = 8
END_SECONDS = 5.0
LEFT_SECONDS = 24 * 3600
"""Age from which a folder counts as left behind: on a shared disk its program may live on another machine."""
_FOLDER = "CoronarySeg-worker-{pid}-"


class WorkerProcess:
    """One job in one process. Use it as a context manager, or call :meth:`close` at the end."""

    def __init__(
        self, job: Job | None, *, python: str = sys.executable, temporary: Path | None = None,
        command: Sequence[str] | None = None,
    ):
        """Write the job and start. ``command`` replaces the worker's own. Raises OutputError, WorkerError."""
        self._cancelled = False
        self._ended = False
        self._read = 0
        self._rest = ""
        self._lines: list[str] = []
        root = Path(temporary or tempfile.gettempdir())
        remove_left_folders(root)
        try:
            self.folder = Path(tempfile.mkdtemp(prefix=_FOLDER.format(pid=os.getpid()), dir=root))
        except OSError as error:
            raise OutputError(f"No temporary folder can be made in {root}: {error}. Free some space there.") from error
        try:
            if job is not None:
                write_job(job, self.folder)
            self._start(command or (python, "-m", __package__, str(self.folder), str(os.getpid())))
        except OSError as error:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise WorkerError(f"The worker process cannot be started: {error}.") from error
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def _start(self, command: Sequence[str]) -> None:
        # Started where the library lies, so that "-m" finds it also when it is not installed. On POSIX the worker
        # leads a session of its own: what it starts can be ended together with it.
        own_group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW} \
            if os.name == "nt" else {"start_new_session": True}
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
        with (self.folder / LOG).open("wb") as log:
            self._process = subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment,
                cwd=Path(__file__).resolve().parents[2], **own_group,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def said(self) -> list[Said]:
        """What the worker has said about its progress since the last time."""
        found = []
        try:
            with (self.folder / LOG).open("rb") as log:
                log.seek(self._read)
                new = log.read()
        except OSError:
            return found
        self._read += len(new)
        *lines, self._rest = (self._rest + new.decode("utf-8", "replace")).split("\n")
        for line in lines:
            said = heard(line)
            if said is not None:
                found.append(said)
            elif line.strip():
                self._lines = [*self._lines, line.rstrip()][-LAST_LINES:]
        return found

    def outcome(self) -> Outcome:
        """What came out, once the worker has ended. Raises the worker's own error, Cancelled, or WorkerError."""
        if self._cancelled:
            raise Cancelled("Cancelled. Nothing was changed; run again to start over.")
        outcome = read_outcome(self.folder)
        if outcome is None:
            raise WorkerError(self._obituary())
        return outcome

    def cancel(self) -> None:
        """End the worker and every process it has started, at once."""
        self._cancelled = True
        self._end()

    def close(self) -> None:
        """End what still runs and remove the folder of the job."""
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _end(self) -> None:
        if self._ended:  # the number of the process may belong to somebody else by now
            return
        self._ended = True
        if os.name == "nt":
            if self.running:
                command = ["taskkill", "/PID", str(self.pid), "/T", "/F"]
                subprocess.run(command, capture_output=True, check=False, creationflags=subprocess.CREATE_NO_WINDOW)
        else:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)  # also when the worker is gone: what it started may live on
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _obituary(self) -> str:
        self.said()
        code = self._process.returncode
        how = f"ended with code {code}"
        if code is not None and code < 0:
            how = f"was ended by the signal {signal.Signals(-code).name}"
            if -code == signal.SIGKILL:
                how += ", often because memory ran out: close other programs or crop the volume to the heart"
        words = "\n".join(self._lines) or "It said nothing."
        return f"The worker process {how}. Nothing was changed. Its last words:\n{words}"


def remove_left_folders(root: Path) -> None:
    """Remove old folders of jobs whose program does not live any more (the worker itself removes its own at once)."""
    for folder in root.glob(_FOLDER.format(pid="*") + "*"):
        match = re.match(_FOLDER.format(pid=r"(\d+)"), folder.name)
        with suppress(OSError):  # somebody else may be removing it, too
            if match and not is_alive(int(match.group(1))) and time.time() - folder.stat().st_mtime > LEFT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
