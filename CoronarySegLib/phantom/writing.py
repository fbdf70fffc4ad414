"""A phantom as files: image, truth masks and the tree with its centrelines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import OutputError
from ..volume import Volume
from .phantom import Phantom
from .tree import Branch, CoronaryTree


def write_phantom(phantom: Phantom, folder: Path) -> dict[str, Path]:
    """Write ``ct``, ``truth``, ``veins``, ``heart`` and ``tissue`` as NIfTI and the tree as ``tree.json`` (LPS mm).

    Returns the files by name. Raises OutputError when the folder cannot be written.
    """
    folder = Path(folder)
    files = {name: folder / f"{name}.nii.gz" for name in ("ct", "truth", "veins", "heart", "tissue")}
    volumes = (phantom.ct, phantom.labels, phantom.vein, phantom.heart, phantom.tissue)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, volume in zip(files.values(), volumes, strict=True):
            write_volume(volume, path)
        files["tree"] = folder / "tree.json"
        files["tree"].write_text(json.dumps(tree_to_dict(phantom), indent=1), encoding="utf-8")
    except (OSError, RuntimeError) as error:
        raise OutputError(
            f"The phantom cannot be written to {folder}: {error}. Choose a folder you may write to, with 300 MB free."
        ) from error
    return files


def write_volume(volume: Volume, path: Path) -> None:
    """One volume as a lightly compressed file; raises RuntimeError or OSError when that fails."""
    sitk.WriteImage(volume.to_image(), str(path), useCompression=True, compressionLevel=1)


def tree_to_dict(phantom: Phantom) -> dict:
    """Plain values of the tree: dominance, ostia, branches with points and radii, lesions; LPS mm."""
    tree = phantom.tree
    return {
        "frame": "LPS",
        "unit": "mm",
        "seed": phantom.settings.seed,
        "dominance": tree.dominance,
        "calibre": phantom.settings.build.calibre,
        "ostia": {side: np.round(point, 3).tolist() for side, point in tree.ostia_lps_mm.items()},
        "branches": [
            {
                "name": b.name,
                "side": b.side,
                "parent": b.parent,
                "points_lps_mm": np.round(b.points_lps_mm, 3).tolist(),
                "radius_mm": np.round(b.radius_mm, 3).tolist(),
                "healthy_radius_mm": np.round(b.healthy_radius_mm, 3).tolist(),
            }
            for b in tree.branches
        ],
        "lesions": [vars(lesion) for lesion in tree.lesions],
        "calcium_deposits": len(tree.calcium),
    }


def read_tree(path: Path) -> CoronaryTree:
    """The tree of a ``tree.json`` written by :func:`write_phantom` (calcium ellipsoids are not kept there)."""
    values = json.loads(Path(path).read_text(encoding="utf-8"))
    branches = tuple(
        Branch(
            b["name"], b["side"], b["parent"], np.array(b["points_lps_mm"]), np.array(b["radius_mm"]),
            np.array(b["healthy_radius_mm"]),
        )
        for b in values["branches"]
    )
    return CoronaryTree(branches, {s: np.array(p) for s, p in values["ostia"].items()}, values["dominance"])
