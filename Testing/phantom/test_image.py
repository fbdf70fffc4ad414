"""The rendered image: HU per tissue, noise, look-alikes, truth, any grid."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from CoronarySegLib.phantom import PhantomSettings, Tissue, centred_grid, make_phantom, read_tree, write_phantom
from CoronarySegLib.phantom.scanner import add_artefacts
from CoronarySegLib.phantom.tree import Branch, CoronaryTree
from CoronarySegLib.volume import Geometry


def core(phantom, tissue, depth=2):
    return ndimage.binary_erosion(phantom.tissue.array == tissue, iterations=depth)


@pytest.mark.parametrize(
    ("tissue", "low", "high"),
    [
        (Tissue.AORTA, 280, 640),
        (Tissue.LEFT_VENTRICLE, 250, 650),
        (Tissue.MYOCARDIUM, 80, 140),
        (Tissue.LUNG, -960, -740),
        (Tissue.EPICARDIAL_FAT, -130, -50),
        (Tissue.MUSCLE, 20, 85),
        (Tissue.LIVER, 20, 130),
        (Tissue.RIGHT_VENTRICLE, 60, 480),
    ],
)
def test_each_tissue_has_its_hounsfield_units(phantom, tissue, low, high):
    where = core(phantom, tissue) & (phantom.vein.array == 0) & (phantom.labels.array == 0)
    assert low < np.median(phantom.ct.array[where]) < high


def test_noise_has_the_level_that_was_drawn(phantom):
    where = core(phantom, Tissue.AORTA, 4)
    measured = phantom.ct.array[where].std()
    assert measured == pytest.approx(phantom.appearance.noise_hu, rel=0.35)


def test_noise_is_band_limited(phantom):
    box = ndimage.find_objects(core(phantom, Tissue.LEFT_ATRIUM, 6).astype(np.uint8))[0]
    part = phantom.ct.array[box].astype(float)
    inside = core(phantom, Tissue.LEFT_ATRIUM, 4)[box]
    residual = np.where(inside, part - part[inside].mean(), 0)
    neighbours = np.mean(residual[:, :, 1:] * residual[:, :, :-1]) / np.mean(residual**2)
    assert neighbours > 0.15


def test_the_lumen_is_contrasted_and_darker_distally(phantom):
    def along(branch, part):
        points = branch.points_lps_mm[
            int(part[0] * len(branch.points_lps_mm)) : int(part[1] * len(branch.points_lps_mm))
        ]
        index = np.round(phantom.ct.geometry.index_of(points)).astype(int)
        return np.median(phantom.ct.array[index[:, 2], index[:, 1], index[:, 0]])

    rca = phantom.tree.named("RCA")
    assert along(rca, (0.05, 0.3)) > 180
    assert along(rca, (0.05, 0.3)) > along(rca, (0.75, 0.95))


@pytest.mark.parametrize(
    "tissue",
    [
        Tissue.PULMONARY_ARTERY,
        Tissue.LUNG_VEIN,
        Tissue.LUNG_ARTERY,
        Tissue.BRONCHIAL_WALL,
        Tissue.MAMMARY_ARTERY,
        Tissue.TRABECULA,
        Tissue.BONE_CORTEX,
        Tissue.SUPERIOR_CAVA,
        Tissue.PERICARDIUM,
        Tissue.VALVE,
    ],
)
def test_what_looks_like_a_coronary_and_is_not_is_there(phantom, tissue):
    assert (phantom.tissue.array == tissue).sum() > 50


def test_cardiac_veins_run_beside_the_arteries_without_covering_them(phantom):
    vein, lumen = phantom.vein.array > 0, phantom.labels.array > 0
    assert vein.sum() > 1000
    assert not (vein & lumen).any()
    distance = ndimage.distance_transform_edt(~lumen, sampling=phantom.ct.geometry.spacing_xyz_mm[::-1])
    assert np.mean(distance[vein] < 12.0) > 0.3


def test_the_truth_follows_the_centrelines(phantom):
    labels = phantom.labels.array
    for branch in phantom.tree.branches:
        wide = branch.radius_mm > 0.9
        index = np.round(phantom.ct.geometry.index_of(branch.points_lps_mm[wide])).astype(int)
        if len(index) < 40 or branch.name == "LM":
            continue
        hit = labels[index[:, 2], index[:, 1], index[:, 0]]
        assert np.mean(hit == (1 if branch.side == "left" else 2)) > 0.85, branch.name


def test_both_trees_are_in_the_truth_and_the_heart_mask_holds_them(phantom):
    for label in (1, 2):
        tree = phantom.labels.array == label
        assert tree.sum() * phantom.ct.geometry.voxel_mm3 > 1000
        assert np.mean(phantom.heart.array[tree] > 0) > 0.9


def test_the_same_seed_gives_the_same_voxels():
    grid = centred_grid((30, 36, 36), (4.0, 4.0, 4.0))
    first, second = (make_phantom(PhantomSettings(seed=2, geometry=grid)) for _ in range(2))
    np.testing.assert_array_equal(first.ct.array, second.ct.array)


def test_another_appearance_keeps_the_anatomy():
    grid = centred_grid((30, 36, 36), (4.0, 4.0, 4.0))
    first, second = (make_phantom(PhantomSettings(seed=2, appearance_seed=s, geometry=grid)) for s in (10, 11))
    np.testing.assert_array_equal(first.tissue.array, second.tissue.array)
    assert np.abs(first.ct.array.astype(int) - second.ct.array).mean() > 5


def test_a_turned_grid_shows_the_same_anatomy():
    """A grid with exchanged and flipped axes and one that is oblique sample the same tissue at the same place."""
    straight = make_phantom(
        PhantomSettings(seed=2, geometry=centred_grid((40, 50, 50), (3.0, 3.0, 3.0)), artefacts=False)
    )
    flipped = (0.0, 0.0, -1.0, -1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    mirrored = (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)
    angle = np.deg2rad(25.0)
    oblique = (np.cos(angle), -np.sin(angle), 0.0, np.sin(angle), np.cos(angle), 0.0, 0.0, 0.0, 1.0)
    for direction in (flipped, mirrored, oblique):
        turned = make_phantom(
            PhantomSettings(seed=2, geometry=centred_grid((44, 44, 44), (3.0, 3.0, 3.0), direction), artefacts=False)
        )
        points = np.random.default_rng(0).uniform(-45, 45, (4000, 3))
        same = at(straight.tissue, points) == at(turned.tissue, points)
        assert same.mean() > 0.8
        assert turned.labels.array.any()


def at(volume, points):
    index = np.round(volume.geometry.index_of(points)).astype(int)
    return volume.array[index[:, 2], index[:, 1], index[:, 0]]


def test_a_grid_beside_the_heart_makes_an_image_without_coronaries():
    grid = Geometry((20, 20, 20), (3.0, 3.0, 3.0), (300.0, 300.0, 300.0))
    phantom = make_phantom(PhantomSettings(seed=1, geometry=grid))
    assert not phantom.labels.array.any()


def test_a_written_phantom_reads_back(tmp_path):
    import SimpleITK as sitk

    phantom = make_phantom(PhantomSettings(seed=2, geometry=centred_grid((30, 36, 36), (4.0, 4.0, 4.0))))
    files = write_phantom(phantom, tmp_path / "räum lich")
    ct = sitk.GetArrayFromImage(sitk.ReadImage(str(files["ct"])))
    np.testing.assert_array_equal(ct, phantom.ct.array)
    tree = read_tree(files["tree"])
    assert [b.name for b in tree.branches] == [b.name for b in phantom.tree.branches]
    np.testing.assert_allclose(tree.named("LAD").points_lps_mm, phantom.tree.named("LAD").points_lps_mm, atol=1e-3)


def test_a_folder_that_cannot_be_written_is_a_named_error(tmp_path):
    from CoronarySegLib.errors import OutputError

    phantom = make_phantom(PhantomSettings(seed=2, geometry=centred_grid((20, 20, 20), (6.0, 6.0, 6.0))))
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(OutputError, match="Choose a folder"):
        write_phantom(phantom, blocked / "inside")


def test_the_truth_lies_where_a_displaced_slab_shows_it():
    """A bright tube along z in a dark box, with a slab of its slices displaced by 4 mm."""
    shape = (40, 48, 56)
    geometry = Geometry(shape, (0.5, 0.5, 1.0))
    tube = np.zeros(shape, np.uint8)
    tube[:, 22:27, 30:35] = 1
    points = geometry.points_lps(np.stack([np.full(40, 32.0), np.full(40, 24.0), np.arange(40.0)], axis=1))
    branch = Branch("RCA", "right", -1, points, np.ones(40), np.ones(40))
    tree = CoronaryTree((branch,), {"right": points[0]}, "right")
    voxels = SimpleNamespace(geometry=geometry)
    image = 500.0 * tube.astype(np.float32)
    look = SimpleNamespace(motion_mm=0, slab_step_mm=4.0, slab_step_hu=0.0, streak_hu=0, beam_hardening_hu=0)
    step = add_artefacts(image, voxels, tree, look, np.random.default_rng(3))
    assert step.last - step.first > 5
    assert np.hypot(*step.shift_yx) * 0.5 == pytest.approx(4.0)
    moved = step.labels(tube)
    assert image[moved == 1].mean() > 0.85 * 500.0 > 1.2 * image[tube == 1].mean()
    at = np.rint(geometry.index_of(step.tree(tree, geometry).branches[0].points_lps_mm)).astype(int)
    assert moved[at[:, 2], at[:, 1], at[:, 0]].all()
