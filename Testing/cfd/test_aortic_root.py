"""Both trees on the aortic root: one lumen, trees as they are alone, an aorta cut across."""

import sys

import numpy as np
import pytest
from opened_samples import branch

from CoronarySegLib.centreline.tree import CentrelineTree
from CoronarySegLib.cfd.aortic_root import RootOptions, aortic_stretch
from CoronarySegLib.cfd.aortic_wall import aortic_wall
from CoronarySegLib.cfd.build import BuildOptions
from CoronarySegLib.cfd.build_root import build_root
from CoronarySegLib.cfd.cuts import cut_at
from CoronarySegLib.cfd.ends import open_ends
from CoronarySegLib.cfd.extensions import ExtensionOptions
from CoronarySegLib.cfd.joining import coned, united
from CoronarySegLib.cfd.loft import lofted
from CoronarySegLib.cfd.ostia import ostia_at_the_aorta
from CoronarySegLib.cfd.shape_quality import topology_of
from CoronarySegLib.errors import InputError, MissingPackageError, SurfaceError
from CoronarySegLib.reconstruction.mesh import volume_and_area
from CoronarySegLib.volume import Geometry, Volume

SHORT = BuildOptions(extensions=ExtensionOptions(0.0, 0.0), edge_of_radius=0.4)
AXIS = np.array([-0.3, 0.1, 1.0]) / np.linalg.norm([-0.3, 0.1, 1.0])
"""An aorta leans to the right."""
RADIUS_MM = 10.0
GRID = Geometry((58, 48, 66), (1.0, 1.0, 1.0), (-36.0, -22.0, -27.0))


def on_grid(tree: CentrelineTree, value: int = 1) -> np.ndarray:
    places = GRID.points_lps(np.argwhere(np.ones(GRID.shape_zyx, bool))[:, ::-1])
    inside = np.zeros(len(places), bool)
    for part in tree.branches:
        for point, radius in zip(part.points_lps_mm, part.radius_mm, strict=True):
            inside |= ((places - point) ** 2).sum(1) < radius**2
    return (value * inside.reshape(GRID.shape_zyx)).astype(np.uint8)


def an_aorta() -> np.ndarray:
    """A leaning tube through the grid: both of its ends are cut obliquely by the grid's border."""
    places = GRID.points_lps(np.argwhere(np.ones(GRID.shape_zyx, bool))[:, ::-1])
    across = places - (places @ AXIS)[:, None] * AXIS
    return (np.linalg.norm(across, axis=1) < RADIUS_MM).reshape(GRID.shape_zyx).astype(np.uint8)


def the_trees() -> dict[str, CentrelineTree]:
    """The right one leaves the aorta and goes away; the left one comes back and runs up along the aortic wall."""
    along = [RADIUS_MM + 2.2, 0.0, 0.0] + np.linspace(8.0, 17.0, 6)[:, None] * AXIS
    out = [[RADIUS_MM, 0, 0], [RADIUS_MM + 9, 1.5, 1], [RADIUS_MM + 8, 1.5, 5]]
    return {
        "left": CentrelineTree("left", (branch([*out, *along.tolist(), [22, 10, 20]], 1.8, name="LM"),)),
        "right": CentrelineTree("right", (branch([[-RADIUS_MM, 0, 1], [-20, 4, 2], [-32, 8, 0]], 1.6, name="RCA"),)),
    }


@pytest.fixture(scope="module")
def masks():
    trees = the_trees()
    mask = {key: Volume(on_grid(tree), GRID) for key, tree in trees.items()}
    both = Volume(mask["left"].array | mask["right"].array, GRID)
    return trees, mask, both, Volume(an_aorta(), GRID)


@pytest.fixture(scope="module")
def root(masks):
    trees, mask, both, aorta = masks
    return build_root(mask, both, trees, aorta, SHORT)


def test_the_root_is_one_lumen_without_a_loop_where_a_vessel_runs_along_the_aorta(root):
    found = root.quality.topology
    assert (found.free_edges, found.crowded_edges, found.pinched_vertices, found.components) == (0, 0, 0, 1)
    assert found.loops == 0
    assert root.quality["self_intersections"].passed


def test_the_root_has_an_inlet_below_and_outlets_above_and_at_the_ends(root):
    assert [p.name for p in root.model.patches] == ["wall", "inlet_Aorta", "outlet_LM", "outlet_RCA", "outlet_Aorta"]
    radii = {p.name: p.radius_mm for p in root.model.openings}
    expected = {"inlet_Aorta": RADIUS_MM, "outlet_LM": 1.8, "outlet_RCA": 1.6, "outlet_Aorta": RADIUS_MM}
    assert radii == pytest.approx(expected, rel=0.06)


def test_the_aorta_is_cut_across_though_its_mask_ends_obliquely(root):
    for name, side in (("inlet_Aorta", -1.0), ("outlet_Aorta", 1.0)):
        patch = next(p for p in root.model.openings if p.name == name)
        assert side * patch.normal @ AXIS > 0.995
        rim = root.model.points_lps_mm[np.unique(root.model.triangles_of(name))]
        assert (GRID.index_of(rim)[:, 2] > 0.5).all()
        assert (GRID.index_of(rim)[:, 2] < GRID.shape_zyx[0] - 1.5).all()


def test_the_trees_keep_their_diameters_and_the_aorta_its_own(root):
    assert root.final.mean_change_percent(2.0) < 3.0
    assert {b.name for b in root.final.branches if b.measured} == {"Aorta", "LM", "RCA"}


def test_the_cuts_of_the_root_lie_on_its_tree(root):
    for patch in root.model.openings:
        course = root.tree.branches[patch.cut.branch]
        place = [np.interp(patch.cut.arc_mm, course.arc_mm, course.points_lps_mm[:, k]) for k in range(3)]
        assert place == pytest.approx(patch.cut.position_lps_mm, abs=0.05)


def test_the_stretch_runs_along_the_walls_and_not_to_the_far_corner(masks):
    trees, _, _, aorta = masks
    assert aortic_stretch(aorta, trees).axis @ AXIS > 0.99


def test_too_little_aorta_above_the_ostia_is_refused(masks):
    trees, _, both, aorta = masks
    array = aorta.array.copy()
    array[38:] = 0
    stretch = aortic_stretch(aorta.with_array(array), trees)
    with pytest.raises(InputError, match="above or below the ostia"):
        aortic_wall(stretch, both, trees, RootOptions(), 0.4)


def a_tube(start, stop, radius_mm: float, names: tuple[str, str]):
    tree = CentrelineTree("", (branch([start, stop], radius_mm),))
    course = tree.branches[0]
    cuts = (
        cut_at(course, 0, 2.0, "inlet", "", names[0]), cut_at(course, 0, course.length_mm - 2.0, "outlet", "", names[1])
    )
    points, triangles = lofted(tree, spacing_mm=0.4)
    return open_ends(points, triangles, tree, cuts), cuts


def test_two_walls_become_one_and_keep_the_openings_that_lie_outside():
    wide, wide_cuts = a_tube([0, 0, -12], [0, 0, 12], 4.0, ("inlet_a", "outlet_a"))
    narrow = CentrelineTree("", (branch([[0, 0, 0], [14, 0, 0]], 1.5),))
    points, triangles = lofted(narrow, spacing_mm=0.3)
    cut = cut_at(narrow.branches[0], 0, 11.0, "outlet", "", "outlet_b")
    whole = united([wide, open_ends(points, triangles, narrow, (cut,))], [*wide_cuts, cut])
    assert [c.name for c in whole.cuts] == ["inlet_a", "outlet_a", "outlet_b"]
    closed = coned(whole.points_lps_mm, whole.triangles)
    found = topology_of(*closed)
    assert (found.free_edges, found.crowded_edges, found.components, found.loops) == (0, 0, 1, 0)
    # 20 mm of the wide tube, and of the narrow one what is outside of it.
    assert volume_and_area(*closed)[0] == pytest.approx(np.pi * (4.0**2 * 20.0 + 1.5**2 * (11.0 - 3.86)), rel=0.03)


def test_walls_that_do_not_meet_are_no_lumen():
    one, one_cuts = a_tube([0, 0, -10], [0, 0, 10], 3.0, ("inlet_a", "outlet_a"))
    other, other_cuts = a_tube([9, 0, -10], [9, 0, 10], 3.0, ("inlet_b", "outlet_b"))
    with pytest.raises(SurfaceError, match="does not reach the aorta"):
        united([one, other], [*one_cuts, *other_cuts])


def test_without_the_package_that_joins_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "manifold3d", None)
    one, cuts = a_tube([0, 0, -6], [0, 0, 6], 2.0, ("inlet_a", "outlet_a"))
    with pytest.raises(MissingPackageError, match="manifold3d"):
        united([one], cuts)


def test_a_tree_rooted_at_its_far_end_gets_its_ostium_at_the_aorta(masks):
    trees, _, both, aorta = masks
    right = trees["right"].branches[0]
    turned = branch(right.points_lps_mm[::-1].tolist(), 1.6, name="RCA")
    found = ostia_at_the_aorta(both, aorta, {"left": trees["left"], "right": CentrelineTree("right", (turned,))})
    assert set(found) == {"right"}
    assert found["right"] == pytest.approx(right.points_lps_mm[0], abs=2.0)


def test_a_vessel_that_leaves_the_aorta_wins_over_one_that_runs_along_it(masks):
    trees, _, both, aorta = masks
    left = trees["left"].branches[0]
    turned = branch(left.points_lps_mm[::-1].tolist(), 1.8, name="LM")
    found = ostia_at_the_aorta(both, aorta, {"left": CentrelineTree("left", (turned,))})
    assert found["left"] == pytest.approx(left.points_lps_mm[0], abs=2.5)
