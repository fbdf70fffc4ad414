"""Many CT volumes through Slicer without a window, one case folder and one scene bundle each.

    Slicer --no-splash --no-main-window --python-script batch.py -- --output results scans/ patient.nrrd

One bad case never stops the run: it goes into ``failures.json`` in the output folder, and the exit status tells:
0 every case written, 2 wrong arguments, 20 some cases failed, 21 all of several cases failed, 70 a defect of ours;
a run over a single case ends with the code of its own error (3 unreadable, 4 no coronary CT, 5 model, 6 nothing
found, as in ``CoronarySegLib.errors``).
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path

import slicer

try:
    import CoronarySegModule  # noqa: F401  (installed extension or known module path)
except ModuleNotFoundError:  # started straight from a source checkout
    _module = Path(__file__).resolve().parents[1]
    sys.path += [str(_module), str(_module.parent)]

from CoronarySegLib.errors import CoronarySegError, InputError, OutputError
from CoronarySegLib.inference import DEVICES, QUALITIES
from CoronarySegLib.provenance import provenance_of
from CoronarySegLib.reading import read_volume
from CoronarySegModule.conversion import node_from_volume
from CoronarySegModule.nodes import write_result
from CoronarySegModule.results import provenance_attributes

VOLUME_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
SOME_FAILED, ALL_FAILED, DEFECT = 20, 21, 70

log = logging.getLogger("CoronarySeg")


@dataclass(frozen=True)
class Case:
    """One input (volume file or DICOM folder) and the name its outputs get."""

    name: str
    path: Path


@dataclass(frozen=True)
class Failure:
    case: str
    input: str
    error: str
    text: str
    exit_code: int


def main(arguments: list[str], segment=None) -> int:
    """Run the batch and return the exit status. ``segment`` replaces the library's function of that name."""
    try:
        options = _parser().parse_args(arguments[1:] if arguments[:1] == ["--"] else arguments)
        cases = find_cases(options.inputs)
        options.output.mkdir(parents=True, exist_ok=True)
    except SystemExit as stop:  # argparse has told what is wrong
        return int(stop.code or 0)
    except CoronarySegError as error:
        log.error("%s", error)
        return error.exit_code
    except OSError as error:
        log.error("The output folder cannot be made: %s. Choose another folder with --output.", error)
        return OutputError.exit_code
    failures = [failure for case in cases if (failure := _run(case, options, segment))]
    text = json.dumps([asdict(failure) for failure in failures], indent=2, ensure_ascii=False)
    (options.output / "failures.json").write_text(text, encoding="utf-8")
    log.info("%d of %d cases written to %s", len(cases) - len(failures), len(cases), options.output)
    return exit_status(len(cases), failures)


def find_cases(inputs: list[Path]) -> list[Case]:
    """Cases in the order given: a file is one; a folder gives its volume files, its sub-folders, or is itself DICOM."""
    paths = [path for given in inputs for path in _expand(given)]
    cases, taken = [], set()
    for path in paths:
        name = stem = path.name if path.is_dir() else _stem(path.name)
        number = 2
        while name in taken:
            name, number = f"{stem}_{number}", number + 1
        taken.add(name)
        cases.append(Case(name, path))
    return cases


def _expand(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"'{path}' does not exist. Give volume files or folders that do.")
    entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    volumes = [entry for entry in entries if entry.is_file() and entry.name.lower().endswith(VOLUME_SUFFIXES)]
    folders = [entry for entry in entries if entry.is_dir()]
    if not entries:
        raise InputError(f"The folder '{path}' is empty. Give a folder with volume files or DICOM series.")
    return [path] if not volumes and not folders else volumes + folders


def _stem(name: str) -> str:
    suffix = next((suffix for suffix in VOLUME_SUFFIXES if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(suffix)]


def exit_status(case_count: int, failures: list[Failure]) -> int:
    if not failures:
        return 0
    if case_count == 1:
        return failures[0].exit_code
    return ALL_FAILED if len(failures) == case_count else SOME_FAILED


def _run(case: Case, options, segment) -> Failure | None:
    log.info("%s: %s", case.name, case.path)
    try:
        _write(case, options, segment)
    except CoronarySegError as error:
        log.error("%s: %s", case.name, error)
        return Failure(case.name, str(case.path), type(error).__name__, str(error), error.exit_code)
    except Exception as error:  # one bad case must not stop a cohort
        log.error("%s: unexpected error\n%s", case.name, traceback.format_exc())
        return Failure(case.name, str(case.path), type(error).__name__, str(error), DEFECT)
    finally:
        slicer.mrmlScene.Clear(0)
    return None


def _write(case: Case, options, segment) -> None:
    from CoronarySegLib.segmentation import SegmentOptions
    from CoronarySegLib.segmentation import segment as library_segment

    volume = read_volume(case.path)
    wanted = SegmentOptions(quality=options.quality)
    result = (segment or library_segment)(volume, model=options.model, device=options.device, options=wanted)
    if options.write in ("case", "both"):
        from CoronarySegLib.writing import write_case

        write_case(result, options.output / case.name, source=volume.source, overwrite=options.overwrite)
    if options.write in ("mrb", "both"):
        node = node_from_volume(volume, case.name)
        write_result(node, result, attributes=provenance_attributes(provenance_of(result, quality=options.quality)))
        _save_bundle(options.output / f"{case.name}.mrb", options.overwrite)


def _save_bundle(path: Path, overwrite: bool) -> None:
    from CoronarySegLib.errors import OutputError

    if path.exists() and not overwrite:
        raise OutputError(f"'{path}' exists already. Give --overwrite or another --output folder.")
    # Slicer resolves a relative bundle path against the scene's folder, so it must be absolute.
    if not slicer.mrmlScene.WriteToMRB(str(path.resolve())):
        raise OutputError(f"The scene could not be saved as '{path}'. Check the free space and the permissions there.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="batch.py", description="Segment the coronaries of many CTs in Slicer.")
    parser.add_argument("inputs", nargs="+", type=Path, help="volume files, DICOM folders or folders of them")
    parser.add_argument("--output", required=True, type=Path, help="folder for the results")
    parser.add_argument("--write", choices=("case", "mrb", "both"), default="both", help="case folders, scenes or both")
    parser.add_argument("--model", help="name of a shipped model or a model folder")
    parser.add_argument("--quality", choices=tuple(QUALITIES), default="standard")
    parser.add_argument("--device", choices=tuple(DEVICES), default="auto")
    parser.add_argument("--overwrite", action="store_true", help="replace results that are there already")
    return parser


def run_and_exit() -> None:
    """End Slicer with the status of the run, whatever happens: without a window nobody else would end it."""
    status = DEFECT
    try:
        logging.basicConfig(level=logging.INFO, format="%(message)s")
        status = main(sys.argv[1:])
    except BaseException:
        traceback.print_exc()
    finally:
        slicer.util.exit(status)


if __name__ == "__main__":
    run_and_exit()
