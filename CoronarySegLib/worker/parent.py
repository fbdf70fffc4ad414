"""Whether a process lives, and ending this one when its parent does not: a crash must leave no process behind."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

INTERVAL_S = 1.0
STILL_ACTIVE = 259


def is_alive(pid: int) -> bool:
    """Whether a process of this number exists."""
    if os.name == "nt":
        import ctypes

        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(0x1000, False, pid)  # only to ask for its state
        if not handle:
            return False
        code = ctypes.c_ulong()
        kernel.GetExitCodeProcess(handle, ctypes.byref(code))
        kernel.CloseHandle(handle)
        return code.value == STILL_ACTIVE
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def end_with_parent(pid: int, clean_up: Callable[[], None]) -> None:
    """Look every second for the process ``pid``; when it is gone, clean up and end this process at once."""

    def watch() -> None:
        while is_alive(pid):
            time.sleep(INTERVAL_S)
        clean_up()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
