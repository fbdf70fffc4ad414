"""From a mask to the folder: one call, complete or not there at all."""

import json
from dataclasses import replace

import numpy as np
import pytest
from opened_samples import branch
from typer.testing import CliRunner

from CoronarySegLib.centreline.tree import CentrelineTree
from CoronarySegLib.cfd.build import BuildOptions
from CoronarySegLib.cfd.export import CfdOptions, export_cfd
from CoronarySegLib.cfd.extensions import ExtensionOptions
from CoronarySegLib.cfd.intersections import self_intersections
from CoronarySegLib.cfd.trim import trimmed
from CoronarySegLib.cli.main import app, main
from CoronarySegLib.errors import EmptyResultError, InputError, MissingPackageError, OutputError, SurfaceError
from CoronarySegLib.reconstruction.quality import edge_faults
from CoronarySegLib.volume import Geometry, Volume

VOXEL = (0.4, 0.4, 0.5)
QUICK = CfdOptions(
    unit="cm", formats=("stl", "vtp", "gmsh", "openfoam"), picture=False,
    build=BuildOptions(extensions=ExtensionOptions(2.0, 2.0), edge_of_radius=0.4),
)


def small_tree() -> CentrelineTree:
    return CentrelineTree("left", (
        branch([[0, 0, 0], [10, 0, 0]], 2.0, name="LM"),
        branch([[10, 0, 0], [16, 4, 0], [30, 8, 0]], 1.6, 0, "LAD"),
        branch([[10, 0, 0], [16, -4, 0], [28, -8, 0]], 1.5, 0, "LCx"),
    ))


def voxels_of(tree: CentrelineTree, value: int = 1) -> Volume:
    low = np.concatenate([b.points_lps_mm for b in tree.branches]).min(0) - 5.0
    high = np.concatenate([b.points_lps_mm for b in tree.branches]).max(0) + 5.0
    size = np.ceil((high - low) / VOXEL).astype(int)
    return on_grid(Geometry(tuple(int(n) for n in size[::-1]), VOXEL, tuple(low)), tree, value)


def on_grid(geometry: Geometry, tree: CentrelineTree, value: int) -> Volume:
    index = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.size_xyz), indexing="ij"), axis=-1)
    places = geometry.points_lps(index)
    inside = np.zeros(geometry.size_xyz, bool)
    for part in tree.branches:
        for point, radius in zip(part.points_lps_mm, part.radius_mm, strict=True):
            inside |= ((places - point) ** 2).sum(-1) < radius**2
    return Volume((value * inside.transpose(2, 1, 0)).astype(np.uint8), geometry, "synthetic tree")


@pytest.fixture(scope="module")
def labels():
    return voxels_of(small_tree())


@pytest.fixture(scope="module")
def exported(labels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "models with space"
    return export_cfd(labels, folder, QUICK, trees={"left": small_tree()})


def test_the_model_keeps_the_lumen_and_every_mesher_can_take_it(exported):
    built = exported.models["left"]
    model = built.model
    assert edge_faults(model.points_lps_mm, model.triangles) == (0, 0)
    assert len(self_intersections(model.points_lps_mm, model.triangles)) == 0
    radii = {p.name: p.radius_mm for p in built.core.openings}
    assert radii == pytest.approx({"inlet_LM": 2.0, "outlet_LAD": 1.6, "outlet_LCx": 1.5}, rel=0.05)
    assert built.final.mean_change_percent(1.5) < 3.0
    assert built.quality["closed"].passed
    assert built.quality["self_intersections"].passed
    assert built.quality["smallest_angle"].passed
    assert built.notes == ()


def test_the_folder_holds_every_format_in_the_unit_asked_for(exported):
    names = {path.relative_to(exported.folder).as_posix() for path in exported.files}
    wanted = {
        "cfd.json", "left_quality.txt", "left_cm.stl", "left_cm_patches/wall.stl", "left_cm_patches/inlet_LM.stl",
        "left_cm_patches/outlet_LAD.stl", "left_cm_patches/outlet_LCx.stl", "left_cm.vtp", "left_cm.mdl", "left_cm.msh",
        "left_cm.geo", "left_openfoam/Allrun", "left_openfoam/0/U", "centrelines_mm.vtp", "centrelines_mm.csv",
        "centrelines.mrk.json",
    }
    assert wanted - names == set()
    assert [p for p in exported.folder.parent.iterdir() if p.name.startswith(".")] == []


def test_the_record_says_what_every_patch_is(exported):
    record = json.loads(exported.record.read_text(encoding="utf-8"))
    assert record["coordinates"]["unit"] == "cm"
    assert record["coordinates"]["frame"] == "LPS"
    patches = {p["name"]: p for p in record["models"]["left"]["patches"]}
    assert list(patches) == ["wall", "inlet_LM", "outlet_LAD", "outlet_LCx"]
    inlet = patches["inlet_LM"]
    assert inlet["radius"] == pytest.approx(0.2, rel=0.05)
    assert inlet["normal"] == pytest.approx([-1, 0, 0], abs=0.05)
    assert inlet["cut"]["position"] == pytest.approx([0.2, 0, 0], abs=0.02)
    assert inlet["centroid"] == pytest.approx([0.2 - inlet["extension"], 0, 0], abs=0.03)
    assert inlet["flatness"] < 1e-6
    assert record["models"]["left"]["inlet_flows_ml_s"]["inlet_LM"] > 0
    assert record["models"]["left"]["quality"]["passed"]
    assert record["provenance"]["options"]["build"]["edge_of_radius"] == 0.4


def test_an_earlier_export_is_only_replaced_when_asked(exported, labels):
    with pytest.raises(OutputError, match="not empty"):
        export_cfd(labels, exported.folder, QUICK, trees={"left": small_tree()})


def test_another_folder_is_never_overwritten(labels, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="no earlier flow models"):
        export_cfd(labels, tmp_path, QUICK, trees={"left": small_tree()}, overwrite=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_volume_mesh_without_gmsh_is_refused_before_the_work(labels, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    options = replace(QUICK, volume_mesh=True, formats=("gmsh",))
    with pytest.raises(MissingPackageError):
        export_cfd(labels, tmp_path / "models", options, trees={"left": small_tree()})
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fails_leaves_nothing_behind(labels, exported, tmp_path, monkeypatch):
    from CoronarySegLib.cfd import export

    def broken(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(export, "build_model", lambda *_, **__: exported.models["left"])
    monkeypatch.setattr("CoronarySegLib.cfd.files.folder.write_record", broken)
    with pytest.raises(OutputError, match="No space left"):
        export_cfd(labels, tmp_path / "models", QUICK, trees={"left": small_tree()})
    assert list(tmp_path.iterdir()) == []


def test_an_empty_mask_is_named(labels, tmp_path):
    with pytest.raises(EmptyResultError, match="none of the labels"):
        export_cfd(labels.with_array(0 * labels.array), tmp_path / "models", QUICK)
    assert list(tmp_path.iterdir()) == []


def test_a_tree_that_is_not_there_is_named(labels, tmp_path):
    with pytest.raises(EmptyResultError, match="no right tree"):
        export_cfd(labels, tmp_path / "models", replace(QUICK, trees=("right",)), trees={"left": small_tree()})


def test_a_probability_on_another_grid_is_refused(labels, tmp_path):
    other = Volume(np.zeros((5, 5, 5), np.float32), Geometry((5, 5, 5), (1.0, 1.0, 1.0)))
    with pytest.raises(InputError, match="another grid"):
        export_cfd(labels, tmp_path / "models", QUICK, trees={"left": small_tree()}, probability=other)


def test_a_blob_without_outlet_is_refused(tmp_path):
    ball = CentrelineTree("left", (branch([[0, 0, 0], [1.5, 0, 0]], 3.0, name="LM"),))
    with pytest.raises(SurfaceError):
        export_cfd(voxels_of(ball), tmp_path / "models", QUICK, trees={"left": ball})
    assert list(tmp_path.iterdir()) == []


def test_a_trimmed_tree_ends_at_its_cuts(exported):
    built = exported.models["left"]
    cuts = tuple(patch.cut for patch in built.model.openings)
    short = trimmed(built.tree, cuts)
    assert short.ostium_lps_mm == pytest.approx(cuts[0].position_lps_mm)
    for cut in cuts[1:]:
        assert short.branches[cut.branch].points_lps_mm[-1] == pytest.approx(cut.position_lps_mm)


@pytest.mark.parametrize("arguments", [["--unit", "inch"], ["--formats", "obj"], ["--labels", "left"], ["--edge", "9"]])
def test_wrong_arguments_end_with_two(labels, tmp_path, arguments):
    import SimpleITK as sitk

    sitk.WriteImage(labels.to_image(), str(tmp_path / "mask.nii.gz"))
    assert main(["cfd", str(tmp_path / "mask.nii.gz"), "-o", str(tmp_path / "out"), *arguments]) == 2


def test_a_missing_mask_is_said_in_one_line(tmp_path, capsys):
    assert main(["cfd", str(tmp_path / "none.nii.gz")]) == 3
    assert "does not exist" in capsys.readouterr().err


def test_the_command_explains_itself():
    shown = CliRunner().invoke(app, ["cfd", "--help"])
    assert shown.exit_code == 0
    assert "MASK_OR_CASE" in shown.output


def test_an_aorta_joins_both_trees_to_one_model(tmp_path):
    left = CentrelineTree("left", (branch([[13, 0, 0], [32, 3, 0]], 2.2, name="LM"),))
    right = CentrelineTree("right", (branch([[-13, 0, 4], [-32, 3, 4]], 2.2, name="RCA"),))
    aorta = CentrelineTree("", (branch([[0, 0, -34], [0, 0, 44]], 13.0, step_mm=1.0),))
    grid = Geometry((90, 40, 80), (1.0, 1.0, 1.0), (-40.0, -20.0, -42.0))
    mask = on_grid(grid, left, 1).array + on_grid(grid, right, 2).array
    coronaries = Volume(np.where(on_grid(grid, aorta, 1).array > 0, 0, mask).astype(np.uint8), grid)
    options = replace(QUICK, formats=("stl",))
    result = export_cfd(
        coronaries, tmp_path / "root", options, trees={"left": left, "right": right}, aorta=on_grid(grid, aorta, 1)
    )
    model = result.models["root"].model
    assert [p.name for p in model.patches] == ["wall", "inlet_Aorta", "outlet_LM", "outlet_RCA", "outlet_Aorta"]
    assert edge_faults(model.points_lps_mm, model.triangles) == (0, 0)
    radii = {p.name: p.radius_mm for p in model.openings}
    assert radii == pytest.approx(
        {"inlet_Aorta": 13, "outlet_LM": 2.2, "outlet_RCA": 2.2, "outlet_Aorta": 13}, rel=0.08
    )


def test_an_aorta_far_from_the_ostia_is_refused(tmp_path):
    left = CentrelineTree("left", (branch([[13, 0, 0], [32, 3, 0]], 2.2, name="LM"),))
    aorta = CentrelineTree("", (branch([[-20, 0, -34], [-20, 0, 44]], 8.0, step_mm=1.0),))
    grid = Geometry((90, 40, 80), (1.0, 1.0, 1.0), (-40.0, -20.0, -42.0))
    mask, aortic = on_grid(grid, left, 1), on_grid(grid, aorta, 1)
    with pytest.raises(InputError, match="mm from the aorta"):
        export_cfd(mask, tmp_path / "root", QUICK, trees={"left": left}, aorta=aortic)
