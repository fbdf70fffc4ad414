"""The corrections of a case in the order in which they were made: what, where, when, by whom. JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import InputError
from ..in_place import write_text
from .record import Correction

FORMAT = "coronaryseg corrections"
COLUMNS = (
    "number", "kind", "system", "what", "when", "by", "L (mm)", "P (mm)", "S (mm)", "added (mm3)", "removed (mm3)",
    "voxels",
)


@dataclass(frozen=True)
class LogEntry:
    """One correction without what is needed to undo it. ``places_lps_mm`` are its clicks."""

    kind: str
    system: str
    what: str
    places_lps_mm: tuple[tuple[float, float, float], ...]
    when: str
    by: str = ""
    added_mm3: float = 0.0
    removed_mm3: float = 0.0
    voxels: int = 0

    @staticmethod
    def of(correction: Correction) -> LogEntry:
        return LogEntry(
            correction.kind, correction.system, correction.what, correction.places_lps_mm, correction.when,
            correction.by, round(correction.added_mm3, 4), round(correction.removed_mm3, 4),
            correction.voxels.count if correction.voxels else 0,
        )


@dataclass(frozen=True)
class CorrectionLog:
    """Entries in order; a correction that was undone is not among them."""

    entries: tuple[LogEntry, ...] = ()

    def with_one(self, correction: Correction) -> CorrectionLog:
        return CorrectionLog((*self.entries, LogEntry.of(correction)))

    def without_last(self) -> CorrectionLog:
        return CorrectionLog(self.entries[:-1])

    def to_json(self) -> str:
        about = {"kind": FORMAT, "version": 1, "frame": "LPS", "unit": "mm"}
        return json.dumps({**about, "corrections": [asdict(entry) for entry in self.entries]}, ensure_ascii=False,
                          indent=1)

    @staticmethod
    def from_json(text: str) -> CorrectionLog:
        """The log that :meth:`to_json` wrote; empty for an empty text. Raises InputError for anything else."""
        if not text.strip():
            return CorrectionLog()
        try:
            read = json.loads(text)
            if read["kind"] != FORMAT:
                raise ValueError("another kind of file")
            return CorrectionLog(tuple(_entry(one) for one in read["corrections"]))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"This is no log of corrections ({error}). Choose one that CoronarySeg wrote.") from error

    def to_csv(self) -> str:
        """One row a correction; where it has two clicks, the first is given."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_rows(self.entries))
        return text.getvalue()

    def write(self, path: Path | str) -> Path:
        """Write the log as CSV where the name ends in .csv, as JSON otherwise. Raises OutputError."""
        path = Path(path)
        write_text(path, self.to_csv() if path.suffix.lower() == ".csv" else self.to_json())
        return path


def _entry(values: dict) -> LogEntry:
    return LogEntry(**{**values, "places_lps_mm": tuple(tuple(place) for place in values["places_lps_mm"])})


def _rows(entries: Iterable[LogEntry]):
    for number, entry in enumerate(entries, start=1):
        place = entry.places_lps_mm[0] if entry.places_lps_mm else ("", "", "")
        yield (number, entry.kind, entry.system, entry.what, entry.when, entry.by, *place, entry.added_mm3,
               entry.removed_mm3, entry.voxels)
