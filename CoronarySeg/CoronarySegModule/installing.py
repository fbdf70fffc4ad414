"""Installing what a run needs into Slicer's Python, never what Slicer itself brings.

torch comes through the PyTorch extension, which knows the build for the GPU; everything else through Slicer's own pip.
The versions of bundled packages are given to pip as constraints, so that no dependency can replace them. With a folder
of wheels nothing is downloaded.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Iterable
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from CoronarySegLib.environment import TORCH, Package
from CoronarySegLib.errors import MissingPackageError

BUNDLED = ("numpy", "scipy", "SimpleITK", "vtk", "pydicom", "requests", "pillow")


def install(packages: Iterable[Package], *, wheels: Path | None = None) -> bool:
    """Ask, then install ``packages``; False when the user declines.

    ``wheels``: a folder of wheels for a machine without a network. Raises MissingPackageError when it fails.
    """
    packages = list(packages)
    names = "\n".join(f"{package.requirement}: {package.use}" for package in packages)
    question = _("CoronarySeg needs these Python packages:\n\n{names}\n\nInstall them into Slicer now?")
    if not slicer.util.confirmOkCancelDisplay(question.format(names=names), "CoronarySeg"):
        return False
    try:
        if TORCH in packages and wheels is None and _install_torch():
            packages.remove(TORCH)
        if packages:
            slicer.util.pip_install(pip_arguments(packages, constraints_file(), wheels))
    except Exception as error:
        raise MissingPackageError(
            f"The packages could not be installed ({error}). Without a network, choose a folder with their wheels."
        ) from error
    importlib.invalidate_caches()
    return True


def pip_arguments(packages: Iterable[Package], constraints: Path, wheels: Path | None) -> list[str]:
    """What follows ``pip install``."""
    offline = ["--no-index", "--find-links", str(wheels)] if wheels is not None else []
    return [*offline, "--constraint", str(constraints), *(package.requirement for package in packages)]


def constraints_file() -> Path:
    """A file that pins every bundled package to the version that is there."""
    lines = []
    for name in BUNDLED:
        try:
            lines.append(f"{name}=={importlib.metadata.version(name)}\n")
        except importlib.metadata.PackageNotFoundError:  # not on record (VTK is built in): pip does not know it either
            continue
    path = Path(slicer.app.temporaryPath) / "CoronarySeg-constraints.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), encoding="utf-8")
    return path


def _install_torch() -> bool:
    """Through the PyTorch extension. False when that is not installed: pip then takes torch's default build."""
    try:
        import PyTorchUtils
    except ImportError:
        return False
    if PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=False) is None:
        raise RuntimeError("the PyTorch extension could not install torch; its module says more")
    return True
