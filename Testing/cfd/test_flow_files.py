"""What other programs read: names, units, closed patches, dictionaries that fit the geometry."""

import re
import stat
from xml.etree import ElementTree

import numpy as np
import pytest
from opened_samples import forked_tree, surface_of
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import VTK_INT
from vtkmodules.vtkIOXML import vtkXMLPolyDataReader

from CoronarySegLib.cfd.caps import capped
from CoronarySegLib.cfd.cuts import propose_cuts
from CoronarySegLib.cfd.ends import open_ends
from CoronarySegLib.cfd.extensions import ExtensionOptions, extended
from CoronarySegLib.cfd.files import gmsh, stl, vtp
from CoronarySegLib.cfd.files.picture import write_picture
from CoronarySegLib.cfd.openfoam import FlowOptions, write_case
from CoronarySegLib.cfd.openfoam.case import inlet_flows, inside, wall_radius
from CoronarySegLib.errors import MissingPackageError

NAMES = ["wall", "inlet_LM", "outlet_LAD", "outlet_D1", "outlet_LCx", "outlet_1"]


@pytest.fixture(scope="module")
def tree():
    return forked_tree()


@pytest.fixture(scope="module")
def model(tree):
    points, triangles = surface_of(tree, 0.3)
    opened = open_ends(points, triangles, tree, propose_cuts(tree).cuts)
    return capped(extended(opened, ExtensionOptions(2.0, 2.0))[0])


def solids(path):
    """Corners (k, 3, 3) by name, as text says them."""
    found, name = {}, None
    for line in path.read_text(encoding="ascii").splitlines():
        words = line.split()
        if words[0] == "solid":
            name = " ".join(words[1:])
            found[name] = []
        elif words[0] == "vertex":
            found[name].append(tuple(words[1:]))
    return {key: np.array(value).reshape(-1, 3, 3) for key, value in found.items()}


@pytest.mark.parametrize(("unit", "scale"), [("mm", 1.0), ("cm", 0.1), ("m", 0.001)])
def test_stl_holds_one_named_solid_a_patch_in_the_unit_asked_for(model, tmp_path, unit, scale):
    path = tmp_path / "lumen.stl"
    stl.write_solids(model, path, unit)
    found = solids(path)
    assert list(found) == NAMES
    corners = np.concatenate(list(found.values())).astype(float)
    assert corners.reshape(-1, 3).min(0) == pytest.approx(model.bounds_mm[0] * scale, abs=1e-6)
    assert f"SPACE=LPS UNIT={unit}" in path.read_text(encoding="ascii")


def test_solids_share_their_rims_to_the_last_digit(model, tmp_path):
    path = tmp_path / "lumen.stl"
    stl.write_solids(model, path, "m")
    corners = np.concatenate(list(solids(path).values()))
    _, numbers = np.unique(corners.reshape(-1, 3), axis=0, return_inverse=True)
    triangles = numbers.reshape(-1, 3)
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    assert set(np.unique(edges, axis=0, return_counts=True)[1].tolist()) == {2}


def test_one_patch_alone(model, tmp_path):
    path = tmp_path / "outlet_D1.stl"
    stl.write_solids(model, path, "mm", only="outlet_D1")
    assert {name: len(c) for name, c in solids(path).items()} == {"outlet_D1": len(model.triangles_of("outlet_D1"))}


def test_vtp_numbers_wall_and_caps_as_simvascular_does(model, tmp_path):
    path = tmp_path / "lumen.vtp"
    vtp.write_vtp(model, path, "cm")
    reader = vtkXMLPolyDataReader()
    reader.SetFileName(str(path))
    reader.Update()
    data = reader.GetOutput()
    faces = vtk_to_numpy(data.GetCellData().GetArray("ModelFaceID"))
    caps = vtk_to_numpy(data.GetCellData().GetArray("CapID"))
    assert {data.GetCellData().GetArray(name).GetDataType() for name in ("ModelFaceID", "CapID")} == {VTK_INT}
    assert sorted(set(faces.tolist())) == [1, 2, 3, 4, 5, 6]
    assert (caps[faces == 1] == -1).all()
    assert (caps[faces > 1] == faces[faces > 1] - 1).all()
    names = data.GetFieldData().GetAbstractArray("FaceNames")
    assert [names.GetValue(i) for i in range(names.GetNumberOfValues())] == NAMES
    assert data.GetFieldData().GetAbstractArray("UNIT").GetValue(0) == "cm"


def test_face_names_stand_beside_the_vtp(model, tmp_path):
    path = tmp_path / "lumen.mdl"
    vtp.write_face_names(model, path)
    text = path.read_text(encoding="utf-8").split("\n", 2)[2]
    faces = ElementTree.fromstring(text).iter("face")
    assert [(f.get("id"), f.get("name"), f.get("type")) for f in faces] == [
        (str(i + 1), name, "wall" if i == 0 else "cap") for i, name in enumerate(NAMES)
    ]


def test_msh_names_its_surfaces_and_the_script_fills_them(model, tmp_path):
    gmsh.write_surface_msh(model, tmp_path / "lumen.msh", "mm")
    gmsh.write_geo(model, tmp_path / "lumen.geo", "lumen.msh", "mm")
    text = (tmp_path / "lumen.msh").read_text(encoding="ascii")
    assert re.findall(r'^2 \d+ "(.*)"$', text, re.M) == NAMES
    cells = np.array([line.split() for line in text.split("$Elements\n")[1].splitlines()[1:-1]], int)
    assert len(cells) == len(model.triangles)
    assert np.array_equal(np.bincount(cells[:, 3])[1:], [p.triangles for p in model.patches])
    script = (tmp_path / "lumen.geo").read_text(encoding="ascii")
    assert "Surface Loop(1) = {1:6};" in script
    assert 'Physical Volume("lumen", 7)' in script


def test_a_volume_mesh_without_gmsh_says_what_to_do(model, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPackageError, match="Gmsh is not installed"):
        gmsh.write_volume_mesh(tmp_path / "lumen.geo", tmp_path / "volume.msh")


@pytest.fixture(scope="module")
def foam(model, tree, tmp_path_factory):
    folder = tmp_path_factory.mktemp("openfoam")
    write_case(model, (tree,), folder, FlowOptions(inlet_flow_ml_s=1.5))
    return folder


def test_the_case_is_complete_and_runs_by_one_script(foam):
    wanted = [
        "Allrun", "Allclean", "0/U", "0/p", "constant/transportProperties", "constant/turbulenceProperties",
        "constant/triSurface/lumen.stl", "system/blockMeshDict", "system/surfaceFeatureExtractDict",
        "system/snappyHexMeshDict", "system/controlDict", "system/fvSchemes", "system/fvSolution",
    ]
    assert [name for name in wanted if not (foam / name).is_file()] == []
    assert (foam / "Allrun").stat().st_mode & stat.S_IXUSR
    for name in wanted:
        text = (foam / name).read_text(encoding="ascii")
        assert text.count("{") == text.count("}")
        assert text.count("(") == text.count(")") or name.startswith("All")


def test_every_patch_has_its_conditions(foam):
    velocity, pressure = (foam / "0/U").read_text(), (foam / "0/p").read_text()
    for text in (velocity, pressure):
        assert [name for name in NAMES if not re.search(rf"^    {name}$", text, re.M)] == []
    assert "peak=1.5e-06/sum" in velocity
    assert velocity.count("pressureInletOutletVelocity") == 4
    assert "3.30188679e-06" in (foam / "constant/transportProperties").read_text()


def test_the_background_holds_the_model_and_its_point_lies_inside(foam, model, tree):
    numbers = re.findall(r"^\s+\((\S+) (\S+) (\S+)\)", (foam / "system/blockMeshDict").read_text(), re.M)
    corners = np.array(numbers[:8], float)
    low, high = model.bounds_mm
    assert (corners.min(0) < low * 1e-3).all()
    assert (corners.max(0) > high * 1e-3).all()
    place = inside((tree,), model)
    branch = tree.branches[0]
    assert np.linalg.norm(branch.points_lps_mm - place, axis=1).min() < 0.5 * branch.radius_mm.mean()
    said = re.search(r"locationInMesh \((\S+) (\S+) (\S+)\);", (foam / "system/snappyHexMeshDict").read_text())
    assert np.array(said.groups(), float) == pytest.approx(place * 1e-3, abs=1e-8)


def test_thin_parts_of_the_wall_are_refined_further(foam, model, tree):
    radius = wall_radius(model, (tree,))
    assert radius.min() == pytest.approx(0.9, abs=0.1)
    assert radius.max() == pytest.approx(2.0, abs=0.1)
    thin = list((foam / "constant/triSurface").glob("thin_*.stl"))
    text = (foam / "system/snappyHexMeshDict").read_text()
    assert thin
    for path in thin:
        assert path.name in text
        count = path.read_text(encoding="ascii").count("facet normal")
        assert 0 < count < model.patches[0].triangles


def test_the_flow_follows_the_diameter_when_none_is_stated(model):
    flow = inlet_flows(model, FlowOptions())["inlet_LM"]
    assert flow == pytest.approx(1.43 * (2e-3 * model.inlets[0].radius_mm) ** 2.55)
    assert 0.5e-6 < flow < 3e-6
    assert inlet_flows(model, FlowOptions(inlet_flow_ml_s=(("inlet_LM", 2.0),)))["inlet_LM"] == pytest.approx(2e-6)


def test_the_picture_shows_every_opening_in_its_colour(model, tmp_path):
    from matplotlib.image import imread

    write_picture(model, tmp_path / "model.png", title="Fork")
    image = imread(tmp_path / "model.png")[..., :3]
    assert image.shape == (1050, 1600, 3)
    assert (image.max(axis=2) > 0.4).mean() > 0.03
