"""Measurements as CSV files and JSON. Units are in the column names, the frame is LPS mm."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import OutputError
from ..in_place import file_in_place, write_text
from .rows import Measurements, Row, branch_rows, profile_rows, stenosis_rows, systems_of, vessel_rows
from .values import Stenosis

DIGITS = 4
FRAME = "LPS"


def write_measurements_csv(measurements: Measurements, folder: Path | str) -> dict[str, Path]:
    """``vessels.csv``, ``branches.csv``, ``stenoses.csv`` and ``profiles.csv`` in ``folder``, made if it is not there.

    Missing values are empty cells; a file without rows still has its header. Returns the files by what they hold.
    Raises OutputError when the folder cannot be written.
    """
    folder = _made(folder)
    tables = {
        "vessels": vessel_rows(measurements), "branches": branch_rows(measurements),
        "stenoses": stenosis_rows(measurements), "profiles": profile_rows(measurements),
    }
    files = {}
    for name, rows in tables.items():
        files[name] = folder / f"{name}.csv"
        with file_in_place(files[name]) as path:
            write_rows(rows, path, header=STENOSIS_COLUMNS)
    return files


def write_measurements_json(measurements: Measurements, path: Path | str) -> Path:
    """All figures without the profiles as JSON, UTF-8; missing values are null. Raises OutputError."""
    path = Path(path)
    _made(path.parent)
    text = json.dumps(as_dict(measurements), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")
    return path


def as_dict(measurements: Measurements) -> dict[str, Any]:
    """The figures as plain values: per system the vessels, branches, stenoses, remarks and the options used."""
    systems = {}
    for key, measured in systems_of(measurements).items():
        one = {key: measured}
        systems[key] = {
            "side": measured.side, "dominance": measured.dominance, "options": vars(measured.options),
            "vessels": _without_system(vessel_rows(one)), "branches": _without_system(branch_rows(one)),
            "stenoses": _without_system(stenosis_rows(one)), "remarks": list(measured.remarks),
        }
    return _plain({"frame": FRAME, "unit": "mm", "systems": systems})


def write_rows(rows: list[Row], path: Path, *, header: Sequence[str]) -> None:
    """Rows of equal columns as CSV, numbers with four digits; ``header`` is written where there are no rows."""
    header = list(rows[0]) if rows else list(header)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([_cell(row[name]) for name in header] for row in rows)


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.{DIGITS}f}" if math.isfinite(value) else ""
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return round(value, DIGITS) if math.isfinite(value) else None
    return value


def _without_system(rows: list[Row]) -> list[Row]:
    return [{name: value for name, value in row.items() if name != "system"} for row in rows]


def _made(folder: Path | str) -> Path:
    folder = Path(folder).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made ({error.strerror}). Choose a folder you may write to.") from error
    return folder


def _stenosis_columns() -> list[str]:
    from .rows import stenosis_row

    nothing = float("nan")
    numbers = {name: nothing for name in Stenosis.__dataclass_fields__}
    empty = Stenosis(**{**numbers, "position_lps_mm": (nothing,) * 3, "not_evaluable": (), "remarks": ()})
    return ["system", *stenosis_row(empty)]


STENOSIS_COLUMNS = _stenosis_columns()
"""The header of a list of stenoses that is empty; every other table has at least one row."""
