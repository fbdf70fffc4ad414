"""What a run needs from the Python it runs in, and what of it is missing or half installed, in words.

:func:`package_findings` looks without importing, so that a program with windows can ask at any time;
:func:`import_findings` imports and is for a process of its own, because a damaged package can take its process along.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Package:
    """``module`` is what is imported, ``requirement`` what pip installs; ``use`` what it is for."""

    module: str
    requirement: str
    use: str
    needed: bool = True

    @property
    def distribution(self) -> str:
        return self.requirement.split(">")[0]


@dataclass(frozen=True)
class Finding:
    """One thing looked at. ``state``: "ok", "missing", "broken" (half installed) or "note" (works without)."""

    name: str
    state: str
    text: str


TORCH = Package("torch", "torch>=2.4", "runs the networks")
PACKAGES = (
    TORCH,
    Package("safetensors", "safetensors>=0.4", "reads the model"),
    Package("skimage", "scikit-image>=0.22", "skeletons and surfaces"),
    Package("openvino", "openvino>=2024.3", "runs the networks several times as fast on a CPU", needed=False),
    Package("matplotlib", "matplotlib>=3.8", "draws pictures of flow models", needed=False),
    Package("manifold3d", "manifold3d>=3.0", "joins coronaries and aorta to one flow model", needed=False),
)
"""Beside what every Slicer brings (NumPy, SciPy, SimpleITK, VTK, pydicom), which is never installed or replaced."""


def package_findings(packages: Iterable[Package] = PACKAGES) -> tuple[Finding, ...]:
    """What is installed, without importing any of it."""
    return tuple(_finding(package) for package in packages)


def import_findings(packages: Iterable[Package] = PACKAGES) -> tuple[Finding, ...]:
    """The same after importing what looks installed: a damaged package shows only then."""
    findings = []
    for package, finding in zip(packages, package_findings(packages), strict=True):
        if finding.state == "ok":
            try:
                importlib.import_module(package.module)
            except Exception as error:  # anything can come out of a damaged package
                finding = _broken(package, f"{type(error).__name__}: {error}")
        findings.append(finding)
    return tuple(findings)


def missing_packages(packages: Iterable[Package] = PACKAGES) -> tuple[Package, ...]:
    """Needed packages that are missing or broken, in the order to install them."""
    known = {package.module: package for package in packages}
    states = {finding.name: finding.state for finding in package_findings(known.values())}
    return tuple(package for package in known.values() if package.needed and states[package.module] != "ok")


def _finding(package: Package) -> Finding:
    try:
        spec = importlib.util.find_spec(package.module)
    except (ImportError, ValueError):  # a module that stands half loaded in sys.modules
        return _broken(package, "it cannot be found again after a failed import")
    if spec is None:
        text = f"{package.distribution} is not installed ({package.use})."
        return Finding(package.module, "missing" if package.needed else "note", text)
    if spec.origin is None:  # a folder without its __init__: what an interrupted installation leaves
        return _broken(package, "its files are there in part only")
    try:
        version = importlib.metadata.version(package.distribution)
    except importlib.metadata.PackageNotFoundError:
        return _broken(package, "its files are there, but no installation is on record")
    return Finding(package.module, "ok", f"{package.distribution} {version}: {package.use}.")


def _broken(package: Package, reason: str) -> Finding:
    text = f"{package.distribution} is half installed ({reason}). Install it again."
    return Finding(package.module, "broken", text)
