"""``coronaryseg phantom``: synthetic contrast heart CTs with their truth."""

from __future__ import annotations

import math
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import OutputError
from ..progress import as_progress
from .angiogram import make_angiograms
from .choices import OverwriteOption, ProgressOption
from .display import ProgressStyle, console, shown_progress

if TYPE_CHECKING:
    from ..phantom import PhantomSettings
    from ..progress import Progress
    from ..volume import Geometry

    Task = tuple[PhantomSettings, Path, int | None]
    """Settings, folder, and the number of an ImageCAS case."""

NATIVE_SIZE_XYZ, NATIVE_SPACING_XYZ_MM = (512, 512, 275), (0.38, 0.38, 0.5)
AXES = {"L": (1, 0, 0), "R": (-1, 0, 0), "P": (0, 1, 0), "A": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}


class LayoutChoice(str, Enum):
    folders = "folders"
    imagecas = "imagecas"


class DominanceChoice(str, Enum):
    right = "right"
    left = "left"
    co_dominant = "co-dominant"


def phantom_command(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder; with --count one folder phantom_SEED in it for each.")
    ],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same phantom.")] = 0,
    count: Annotated[int, typer.Option("--count", min=1, help="How many, with consecutive seeds.")] = 1,
    size: Annotated[
        tuple[int, int, int], typer.Option("--size", help="Voxels in x, y, z, as in --size 256 256 200.")
    ] = NATIVE_SIZE_XYZ,
    spacing: Annotated[
        tuple[float, float, float],
        typer.Option("--spacing", help="Voxel size in x, y, z (mm), as in --spacing 0.5 0.5 0.5."),
    ] = NATIVE_SPACING_XYZ_MM,
    orientation: Annotated[
        str, typer.Option("--orientation", help="Where x, y, z increase to, as LPS or RAS.")
    ] = "LPS",
    oblique: Annotated[
        float, typer.Option("--oblique", help="Turn the grid by this many degrees about an oblique axis.")
    ] = 0.0,
    dominance: Annotated[
        DominanceChoice | None, typer.Option("--dominance", help="Drawn from the seed by default.")
    ] = None,
    stenoses: Annotated[
        int | None, typer.Option("--stenoses", min=0, max=4, help="Per trunk; drawn by default.")
    ] = None,
    calibre: Annotated[
        float, typer.Option("--calibre", help="Arteries of the CT so many times as wide as usual.")
    ] = 1.0,
    layout: Annotated[
        LayoutChoice, typer.Option("--layout", help="A folder each, or as the ImageCAS data set with its four folds.")
    ] = LayoutChoice.folders,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="How many at once; each takes about 2 GB.")] = 1,
    angiogram: Annotated[bool, typer.Option("--angiogram", help="X-ray angiograms instead of CTs.")] = False,
    views: Annotated[int, typer.Option("--views", min=1, help="Angiograms of each heart.")] = 1,
    frames: Annotated[int, typer.Option("--frames", min=1, max=300, help="Frames of each angiogram.")] = 1,
    clean: Annotated[bool, typer.Option("--clean", help="No motion, steps, streaks and noise.")] = False,
    overwrite: OverwriteOption = False,
    progress: ProgressOption = ProgressStyle.auto,
) -> None:
    """Make heart CTs with known coronary trees: ct, truth, veins, heart, tissue and the centrelines (tree.json).

    With --angiogram: X-ray angiograms of these hearts with masks, labels and truth, all in one folder.
    """
    if angiogram:
        require_free(output, overwrite)
        make_angiograms(
            output, seed=seed, count=count, views=views, frames=frames, stenoses=stenoses, clean=clean,
            dominance=None if dominance is None else dominance.value, progress=progress,
        )
        return
    from ..phantom import PhantomSettings, TreeBuild
    from ..phantom.imagecas import FOLDS, write_split_table

    geometry = grid_of(size, spacing, orientation, oblique)
    try:
        build = TreeBuild(calibre)
    except ValueError as error:
        raise typer.BadParameter(f"--calibre: {error}.") from error
    as_imagecas = layout is LayoutChoice.imagecas
    if as_imagecas and count < FOLDS:
        raise typer.BadParameter(f"--layout imagecas has {FOLDS} folds and needs --count {FOLDS} or more.")
    one = as_imagecas or count == 1
    folders = [output] if one else [output / f"phantom_{seed + i}" for i in range(count)]
    for folder in folders:
        require_free(folder, overwrite)
    out = console()
    tasks = [
        (
            PhantomSettings(
                seed=seed + number, geometry=geometry, dominance=None if dominance is None else dominance.value,
                stenoses_per_trunk=stenoses, build=build, artefacts=not clean,
            ),
            output if as_imagecas else folders[number], number + 1 if as_imagecas else None,
        )
        for number in range(count)
    ]
    with shown_progress(progress) as callback:
        report = as_progress(callback)
        if jobs > 1 and count > 1:
            _make_at_once(tasks, min(jobs, count), report)
        else:
            for number, task in enumerate(tasks):
                _make(task, report.part(number / count, (number + 1) / count))
        if as_imagecas:
            write_split_table(count, output)
    for folder in folders:
        out.print(f"Written to {folder}", markup=False)


def _make(task: Task, report: Progress | None = None) -> None:
    from ..phantom import make_phantom, write_phantom
    from ..phantom.imagecas import write_imagecas_case

    settings, folder, number = task
    report = as_progress(report)
    phantom = make_phantom(settings, report.part(0.0, 0.9))
    report(0.9, "Writing the phantom")
    if number is None:
        write_phantom(phantom, folder)
    else:
        write_imagecas_case(phantom, number, folder)


def _make_at_once(tasks: list[Task], jobs: int, report: Progress) -> None:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed

    # Spawned, because a forked child would hold the locks of the libraries' threads.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            for done, future in enumerate(as_completed([pool.submit(_make, task) for task in tasks]), start=1):
                future.result()
                report(done / len(tasks), f"Phantom {done} of {len(tasks)}")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def grid_of(
    size_xyz: tuple[int, int, int], spacing_xyz_mm: tuple[float, float, float], orientation: str = "LPS",
    oblique_degrees: float = 0.0,
) -> Geometry:
    """A grid whose centre is the heart's. Raises BadParameter for sizes and letters that make no grid."""
    import numpy as np

    from ..phantom import centred_grid

    letters = orientation.upper()
    if len(letters) != 3 or any(letter not in AXES for letter in letters):
        raise typer.BadParameter(f"orientation {orientation!r}: three letters out of L R A P S I, as LPS.")
    direction = np.array([AXES[letter] for letter in letters], float).T
    if abs(round(np.linalg.det(direction))) != 1:
        raise typer.BadParameter(f"orientation {orientation!r} names one direction twice.")
    if min(size_xyz) < 8 or min(spacing_xyz_mm) <= 0:
        raise typer.BadParameter("size needs at least 8 voxels along each axis and spacing must be positive.")
    if oblique_degrees:
        direction = _turn(oblique_degrees) @ direction
    return centred_grid(tuple(reversed(size_xyz)), tuple(spacing_xyz_mm), tuple(float(v) for v in direction.ravel()))


def require_free(folder: Path, overwrite: bool) -> None:
    """Raise OutputError when the folder holds something and may not be written over."""
    if folder.is_file():
        raise OutputError(f"{folder} is a file. Choose a folder.")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise OutputError(f"{folder} exists and is not empty. Choose another folder, or add --overwrite.")


def _turn(degrees: float):
    """Rotation about the axis (1, 1, 1)."""
    import numpy as np

    axis = np.ones(3) / math.sqrt(3)
    cross = np.cross(np.eye(3), axis).T
    angle = math.radians(degrees)
    return np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
