"""Masks as they come: what cannot be a flow model is named and leaves no file; the rest becomes one that says so."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from opened_samples import branch
from shapes import Shape, bifurcating, grid_round, mask_of, straight, touching_branches, tube

from CoronarySegLib.centreline.tree import CentrelineTree
from CoronarySegLib.cfd.build import BuildOptions
from CoronarySegLib.cfd.export import CfdOptions, export_cfd
from CoronarySegLib.cfd.extensions import ExtensionOptions
from CoronarySegLib.cfd.intersections import self_intersections
from CoronarySegLib.cli.main import main
from CoronarySegLib.errors import EmptyResultError, InputError, SurfaceError
from CoronarySegLib.reconstruction.quality import edge_faults
from CoronarySegLib.volume import Geometry, Volume

QUICK = CfdOptions(
    formats=("stl",), picture=False, build=BuildOptions(extensions=ExtensionOptions(1.0, 1.0), edge_of_radius=0.6)
)
BOX = Geometry((40, 40, 40), (0.5, 0.5, 0.5))
GRIDS = {
    "fine": {"spacing_xyz_mm": (0.45, 0.45, 0.45)},
    "anisotropic": {"spacing_xyz_mm": (0.35, 0.35, 0.8)},
    "oblique": {"spacing_xyz_mm": (0.4, 0.4, 0.6), "angles_deg": (25.0, 40.0, 10.0), "mirrored": True},
}


def in_box(inside) -> Volume:
    return Volume(np.asarray(inside, np.uint8), BOX)


def one_voxel() -> Volume:
    mask = in_box(np.zeros(BOX.shape_zyx))
    mask.array[20, 20, 20] = 1
    return mask


def ball() -> Volume:
    return in_box(np.square(np.indices(BOX.shape_zyx) - 20).sum(axis=0) < 18**2)


def without_direction() -> Volume:
    mask = mask_of(straight(), grid_round(straight()))
    return Volume(mask.array, Geometry(mask.geometry.shape_zyx, (0.0004,) * 3))


@pytest.mark.parametrize(
    ("mask", "error", "said"),
    [
        (in_box(np.zeros(BOX.shape_zyx)), EmptyResultError, "none of the labels"),
        (one_voxel(), EmptyResultError, "few voxels"),
        (ball(), InputError, r"mm wide at LPS \(10, 10, 10\)"),
        (without_direction(), EmptyResultError, "in mm"),
    ],
    ids=["empty", "one voxel", "chamber", "metres"],
)
def test_what_is_no_coronary_is_named_and_leaves_no_file(mask, error, said, tmp_path):
    with pytest.raises(error, match=said):
        export_cfd(mask, tmp_path / "models", QUICK)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("mask", "code"), [(in_box(np.zeros(BOX.shape_zyx)), 6), (one_voxel(), 6), (ball(), 3)],
                         ids=["empty", "one voxel", "chamber"])
def test_the_command_says_it_in_words_and_by_its_code(mask, code, tmp_path, capsys):
    sitk.WriteImage(mask.to_image(), str(tmp_path / "mask.nii.gz"))
    assert main(["cfd", str(tmp_path / "mask.nii.gz"), "-o", str(tmp_path / "out"), "--progress", "none"]) == code
    assert "Traceback" not in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mask.nii.gz"]


def test_a_tree_that_a_mesher_would_refuse_is_named_with_its_side(tmp_path):
    stump = CentrelineTree("left", (branch([[0, 0, 0], [1.5, 0, 0]], 3.0, name="LM"),))
    shape = Shape((tube([[-2, 0, 0], [3, 0, 0]], 3.0),))
    with pytest.raises(SurfaceError, match="left"):
        export_cfd(mask_of(shape, grid_round(shape)), tmp_path / "models", QUICK, trees={"left": stump})
    assert list(tmp_path.iterdir()) == []


def checked(result) -> None:
    """Every model is fit for a mesher, and the record says what the result says."""
    for built in result.models.values():
        model = built.model
        assert edge_faults(model.points_lps_mm, model.triangles) == (0, 0)
        assert len(self_intersections(model.points_lps_mm, model.triangles)) == 0
        assert built.quality["components"].passed
        assert built.quality["loops"].passed
    record = json.loads(result.record.read_text(encoding="utf-8"))
    assert record["warnings"] == list(result.warnings)
    assert list(record["models"]) == list(result.models)


def test_a_vessel_cut_off_by_the_border_ends_there_and_says_so(tmp_path):
    shape = bifurcating()
    whole = mask_of(shape, grid_round(shape, (0.5, 0.5, 0.5)))
    rows = np.flatnonzero(whole.array.any(axis=(1, 2)))
    start = int(rows[0]) + 12
    grid = whole.geometry
    origin = grid.points_lps(np.array([0.0, 0.0, start]))
    cut = Geometry((grid.shape_zyx[0] - start, *grid.shape_zyx[1:]), grid.spacing_xyz_mm, tuple(origin), grid.direction)
    result = export_cfd(Volume(whole.array[start:], cut), tmp_path / "models", QUICK, values={"left": 1})
    checked(result)
    assert any("border" in text for text in result.warnings)
    assert len(result.models["left"].model.outlets) == 2
    assert result.models["left"].model.bounds_mm[0][2] > origin[2] - 6.0


def test_branches_that_touch_are_opened_and_the_place_is_named(tmp_path):
    shape = touching_branches()
    mask = mask_of(shape, grid_round(shape, (0.5, 0.5, 0.6)))
    result = export_cfd(mask, tmp_path / "models", QUICK, values={"left": 1})
    checked(result)
    assert any("closed a loop" in text for text in result.warnings)
    assert len(result.models["left"].model.outlets) == 2


def test_two_trees_joined_by_a_leak_become_two_models(tmp_path):
    first = tube([[0, 0, 40], [8, 2, 25], [0, 0, 8]], [2.0, 1.6, 1.0])
    second = tube([[-24, 0, 40], [-32, 2, 25], [-24, 0, 8]], [1.8, 1.5, 0.9])
    leak = tube([first.points_lps_mm[-1], [-12, 0, 5], second.points_lps_mm[-1]], 0.7)
    shape = Shape((first, second, leak))
    result = export_cfd(mask_of(shape, grid_round(shape, (0.5, 0.5, 0.6))), tmp_path / "models", QUICK)
    assert set(result.models) == {"left", "right"}
    checked(result)
    assert any("separated" in text for text in result.warnings)
    left, right = result.models["left"].model, result.models["right"].model
    assert left.bounds_mm[0][0] > right.bounds_mm[1][0]


def test_a_third_tree_far_from_both_is_left_out_and_named(tmp_path):
    trees = [tube([[x, 0, 40], [x + 4, 2, 25], [x, 0, 8]], [radius, 0.8 * radius, 0.5 * radius]) for x, radius in
             ((0, 2.0), (-26, 1.8), (26, 1.3))]
    shape = Shape(tuple(trees))
    result = export_cfd(mask_of(shape, grid_round(shape, (0.5, 0.5, 0.6))), tmp_path / "models", QUICK)
    assert set(result.models) == {"left", "right"}
    checked(result)
    assert any("left out" in text and "fragment" in text for text in result.warnings)


def test_a_single_vessel_of_unknown_side_is_exported_as_it_is(tmp_path):
    shape = straight(3.0, 24.0)
    result = export_cfd(mask_of(shape, grid_round(shape)), tmp_path / "models", QUICK)
    checked(result)
    (built,) = result.models.values()
    assert [p.kind for p in built.model.openings] == ["inlet", "outlet"]


@pytest.fixture(scope="module")
def on_grids(tmp_path_factory):
    """The command's model of one bifurcation on each grid: record and folder."""
    found = {}
    shape = bifurcating(trunk_mm=12.0, length_mm=13.0)
    for name, grid in GRIDS.items():
        folder = tmp_path_factory.mktemp(name)
        sitk.WriteImage(mask_of(shape, grid_round(shape, **grid)).to_image(), str(folder / "mask.nii.gz"))
        code = main([
            "cfd", str(folder / "mask.nii.gz"), "-o", str(folder / "out"), "--labels", "left=1", "--formats", "stl,vtp",
            "--extensions", "0", "--no-picture", "--progress", "none", "--edge", "0.6",
        ])
        assert code == 0
        found[name] = json.loads((folder / "out" / "cfd.json").read_text(encoding="utf-8")), folder / "out"
    return found


@pytest.mark.parametrize("name", GRIDS)
def test_the_command_makes_a_model_of_the_true_calibres_on_any_grid(on_grids, name):
    record, folder = on_grids[name]
    model = record["models"]["left"]
    assert [line for line in model["quality"]["lines"] if line["passed"] is False] == []
    rows = model["against_the_mask_between_the_cuts"]["branches"]
    assert sorted(row["diameter_mm"] for row in rows) == pytest.approx([2.6, 3.2, 4.0], rel=0.04)
    patches = {p["name"]: p for p in record["models"]["left"]["patches"]}
    radii = sorted(p["radius"] for p in patches.values() if p["kind"] != "wall")
    assert radii == pytest.approx([1.3, 1.6, 2.0], rel=0.06)
    inlet = next(p for p in patches.values() if p["kind"] == "inlet")
    assert np.degrees(np.arccos(np.dot(inlet["normal"], [0, 0, 1]))) < 8.0
    assert (folder / "left_mm.stl").read_text().startswith("solid wall")


@pytest.mark.parametrize("name", [name for name in GRIDS if name != "fine"])
def test_the_grid_changes_neither_place_nor_calibre(on_grids, name):
    reference, other = (on_grids[key][0]["models"]["left"]["patches"] for key in ("fine", name))
    places = {p["name"]: np.array(p["centroid"]) for p in reference if p["kind"] != "wall"}
    for patch in other:
        if patch["kind"] == "wall":
            continue
        line = places[patch["name"]] - np.array(patch["centroid"])
        across = line - (line @ np.array(patch["normal"])) * np.array(patch["normal"])
        assert np.linalg.norm(across) < 0.3
        assert np.linalg.norm(line) < 1.5
