"""What a run writes while it goes: one JSON line per event, and TensorBoard where it is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LOG = "log.jsonl"


class Recorder:
    """Appends to ``log.jsonl``; on resume drops what an interrupted run wrote after its last checkpoint.

    ``silent`` writes nothing: of several processes only the first keeps the log.
    """

    def __init__(self, folder: Path, *, first_step: int, tensorboard: bool, silent: bool = False):
        self._handle = self._board = None
        if silent:
            return
        self._path = folder / LOG
        kept = [line for line in read_log(folder) if line.get("step", 0) <= first_step] if first_step else []
        self._handle = self._path.open("w", encoding="utf-8")
        for line in kept:
            self._handle.write(json.dumps(line) + "\n")
        self._board = self._open_board(folder, first_step) if tensorboard else None

    def _open_board(self, folder: Path, first_step: int):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            self.write("note", step=first_step, text="TensorBoard is not installed; only log.jsonl is written.")
            return None
        return SummaryWriter(folder / "tensorboard", purge_step=first_step or None)

    def write(self, event: str, *, step: int, **values: Any) -> None:
        """One line; every number in ``values`` (one level of dict allowed) also becomes a TensorBoard scalar."""
        if self._handle is None:
            return
        self._handle.write(json.dumps({"event": event, "step": step, **values}) + "\n")
        self._handle.flush()
        if self._board is None:
            return
        for name, value in values.items():
            for key, number in (value.items() if isinstance(value, dict) else (("", value),)):
                if isinstance(number, (int, float)) and not isinstance(number, bool):
                    self._board.add_scalar("/".join(filter(None, (event, name, key))), number, step)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.close()
        if self._board is not None:
            self._board.close()


def read_log(folder: str | Path) -> list[dict[str, Any]]:
    """The events of a run so far, oldest first; a last line cut by a kill is left out."""
    path = Path(folder) / LOG
    if not path.is_file():
        return []
    events = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            continue
    return events
