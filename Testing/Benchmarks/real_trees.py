"""Real coronary masks through centreline and flow model: one row a mask, with everything a mesher would ask.

    python Testing/Benchmarks/real_trees.py FOLDER --record rows.jsonl

Every mask file in FOLDER (label 1 is artery by default, other labels are left out) is taken to named centrelines and to
a flow model per coronary system, as ``coronaryseg cfd`` does without writing files. Each mask runs in a process of its
own, so that a crash costs one row. ``--record`` keeps a JSON line a mask as soon as it is done, and what stands there
already is not run again (``--again NAME`` runs it again). ``--pictures FOLDER`` draws every model, its patches coloured
and named. Seconds are those of centrelines and models, the models of both systems side by side: of the clock, which
is what a user waits and what the aim is for, and of processors, on which other load tells less.

Columns: systems and branches found; loops opened, and those left in the surfaces; ``reached``: voxels within 1.2 radii
of the centreline, the radius being that of the section's area (the inscribed sphere's where there is no section of one
vessel alone); ``sphere``: the same with the inscribed sphere everywhere, which leaves out the far ends of flat sections
and the flare of an ostium, so it has no aim; faults: free edges, edges and vertices that are not manifold, pairs of
triangles that cut; mean diameter change against the mask for vessels from 2 mm and from 1.5 to 2 mm; how many surfaces
were lofted; seconds; peak memory. Ends with 1 when an aim is missed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

REACHED_SHARE, REACHED_RADII = 0.95, 1.2
WIDE_PERCENT, MIDDLE_PERCENT = 3.0, 6.0
SECONDS = 60.0
HEAD = (
    f"{'mask':<26}{'systems':>10}{'branches':>10}{'opened':>8}{'loops':>6}{'reached':>9}{'sphere':>8}{'free':>5}{'crowd':>6}{'cuts':>5}"
    f"{'d ≥ 2':>7}{'1.5–2':>7}{'lofted':>7}{'clock s':>8}{'cpu s':>8}{'GB':>6}  remarks"
)


def main() -> int:
    given = _arguments()
    if given.one is not None:
        print(json.dumps(measured(given.one, given.label, given.pictures)))
        return 0
    done = _recorded(given.record)
    good = True
    print(HEAD)
    for path in _masks(given.folder):
        name = path.name.split(".")[0]
        if given.only and name not in given.only:
            continue
        row = done.get(name)
        if row is None or name in given.again:
            row = _in_a_process(path, given)
            if given.record is not None:
                with given.record.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
        missed = missed_aims(row)
        good &= not missed
        print(_line(row, missed), flush=True)
    return int(not good)


def measured(path: Path, label: int, pictures: Path | None = None) -> dict:
    """Everything about one mask, as plain values; a picture of each model in the folder ``pictures``."""
    from CoronarySegLib.centreline import extract_centrelines
    from CoronarySegLib.centreline.naming import name_trees
    from CoronarySegLib.cfd.files.picture import write_picture
    from CoronarySegLib.errors import CoronarySegError
    from CoronarySegLib.postprocessing.boxes import bounding_box, cropped
    from CoronarySegLib.progress import Progress
    from CoronarySegLib.reading.volume_files import read_volume_file
    from CoronarySegLib.side_by_side import side_by_side

    volume = read_volume_file(path)
    mask = volume.with_array((volume.array == label).astype(np.uint8))
    mask = cropped(mask, bounding_box(mask.array > 0, margin=8))
    row: dict = {"name": path.name.split(".")[0], "systems": {}}
    clock, cpu = time.perf_counter(), time.process_time()
    try:
        trees = name_trees(extract_centrelines(mask, values={"tree": 1}))
    except CoronarySegError as error:
        return {**row, "error": f"{type(error).__name__}: {error}", "memory_gb": _memory_gb()}
    row["centreline_s"] = time.perf_counter() - clock
    work = {key: partial(_built, mask, tree) for key, tree in trees.items()}
    models = side_by_side(work, Progress())
    row["clock_s"], row["cpu_s"] = time.perf_counter() - clock, time.process_time() - cpu
    row["reached"], row["sphere"] = reached_shares(mask, trees)
    row["memory_gb"] = _memory_gb()
    for key, tree in trees.items():
        row["systems"][key] = _system(tree, models[key])
        if pictures is not None and not isinstance(models[key], Exception):
            pictures.mkdir(parents=True, exist_ok=True)
            title = f"{row['name']}_{key}"
            write_picture(models[key].model, pictures / f"{title}.png", title=title)
    return row


def reached_shares(mask, trees) -> tuple[float, float]:
    """Share of the mask's voxels whose centre lies within ``REACHED_RADII`` radii of a centreline: radius by area where
    the section has one, and inscribed radius alone."""
    from scipy.spatial import cKDTree

    branches = [branch for tree in trees.values() for branch in tree.branches]
    places = np.concatenate([branch.points_lps_mm for branch in branches])
    inscribed = np.concatenate([branch.radius_mm for branch in branches])
    by_area = np.fmax(inscribed, np.sqrt(np.concatenate([branch.area_mm2 for branch in branches]) / np.pi))
    voxels = mask.geometry.points_lps(np.argwhere(mask.array)[:, ::-1])
    # The nearest point may be of a thin branch beside a wide one, so several are asked.
    away, near = cKDTree(places).query(voxels, k=min(24, len(places)))
    return tuple(float((away <= REACHED_RADII * radius[near]).any(axis=1).mean()) for radius in (by_area, inscribed))


def _built(mask, tree, progress):
    """The model, or the error that says why there is none."""
    from CoronarySegLib.cfd.build import build_model
    from CoronarySegLib.errors import CoronarySegError

    try:
        return build_model(mask, tree, progress=progress)
    except CoronarySegError as error:
        return error


def _system(tree, built) -> dict:
    names = sorted({branch.name for branch in tree.branches if branch.name})
    row = {
        "branches": len(tree.branches), "length_mm": tree.length_mm, "names": names,
        "opened": sum("closed a loop" in text for text in tree.warnings), "warnings": list(tree.warnings),
    }
    if isinstance(built, Exception):
        return {**row, "error": f"{type(built).__name__}: {built}"}
    found = built.quality.topology
    return {
        **row, "triangles": len(built.model.triangles),
        "lofted": any("loft" in step.name for step in built.steps),
        "free": found.free_edges, "crowded": found.crowded_edges + found.pinched_vertices,
        "components": found.components, "loops": found.loops,
        "cuts": int(built.quality["self_intersections"].value),
        "wide_percent": _finite(built.final.mean_change_percent(2.0)),
        "middle_percent": _finite(built.final.mean_change_percent(1.5, 2.0)),
        "failed": [str(line) for line in built.quality.failures], "notes": list(built.notes),
    }


def missed_aims(row: dict) -> list[str]:
    """A few words for every aim that this mask misses."""
    if "error" in row:
        return [row["error"]]
    missed = []
    if row["reached"] < REACHED_SHARE:
        missed.append("reached")
    for key, system in row["systems"].items():
        if "error" in system:
            missed.append(f"{key}: {system['error']}")
            continue
        for what in ("free", "crowded", "loops", "cuts"):
            if system[what]:
                missed.append(f"{key}: {what}")
        if system["components"] != 1:
            missed.append(f"{key}: components")
        if (system["wide_percent"] or 0.0) > WIDE_PERCENT or (system["middle_percent"] or 0.0) > MIDDLE_PERCENT:
            missed.append(f"{key}: diameters")
    if row["clock_s"] > SECONDS:
        missed.append("seconds")
    return missed


def _line(row: dict, missed: list[str]) -> str:
    remarks = "; ".join(missed) or "good"
    if "error" in row:
        return f"{row['name']:<26}{'–':>10}  {remarks}"
    systems = row["systems"]
    good = [system for system in systems.values() if "error" not in system]

    def summed(what: str) -> str:
        return str(sum(system[what] for system in good)) if good else "–"

    def worst(what: str) -> str:
        return "{:.2f}".format(max((s[what] for s in good if s[what] is not None), default=float("nan")))

    opened = sum(system["opened"] for system in systems.values())
    return (
        f"{row['name']:<26}{'+'.join(systems):>10}{'+'.join(str(s['branches']) for s in systems.values()):>10}"
        f"{opened:>8}{summed('loops'):>6}{row['reached']:>9.3f}{row['sphere']:>8.3f}"
        f"{summed('free'):>5}{summed('crowded'):>6}{summed('cuts'):>5}{worst('wide_percent'):>7}{worst('middle_percent'):>7}"
        f"{summed('lofted'):>7}{row['clock_s']:>8.1f}{row['cpu_s']:>8.1f}"
        f"{row['memory_gb']:>6.2f}  {remarks}"
    )


def _in_a_process(path: Path, given) -> dict:
    name = path.name.split(".")[0]
    command = [sys.executable, __file__, str(given.folder), "--label", str(given.label), "--one", str(path)]
    command += [] if given.pictures is None else ["--pictures", str(given.pictures)]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=given.timeout, check=False)
    except subprocess.TimeoutExpired:
        return {"name": name, "error": f"not ready after {given.timeout:.0f} s"}
    if run.returncode != 0:
        last = (run.stderr.strip().splitlines() or ["no message"])[-1]
        return {"name": name, "error": f"crash ({run.returncode}): {last}"}
    return json.loads(run.stdout.strip().splitlines()[-1])


def _masks(folder: Path) -> list[Path]:
    from CoronarySegLib.reading.volume_files import is_volume_file

    return sorted(path for path in folder.iterdir() if is_volume_file(path))


def _recorded(record: Path | None) -> dict[str, dict]:
    if record is None or not record.is_file():
        return {}
    rows = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines() if line]
    return {row["name"]: row for row in rows}


def _memory_gb() -> float:
    if sys.platform == "win32":
        return float("nan")
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**3 if sys.platform == "darwin" else 1024**2)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--label", type=int, default=1, help="value of artery voxels")
    parser.add_argument("--record", type=Path, help="JSON lines, one a mask; what is there is not run again")
    parser.add_argument("--pictures", type=Path, help="folder for a picture of every model")
    parser.add_argument("--again", nargs="*", default=(), help="masks to run though they are in the record")
    parser.add_argument("--only", nargs="*", default=(), help="run these masks alone")
    parser.add_argument("--timeout", type=float, default=1800.0, help="seconds for a mask")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
