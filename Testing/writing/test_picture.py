"""The picture and the shading it is made with."""

import numpy as np
import pytest

from CoronarySegLib.volume import Geometry, Volume
from CoronarySegLib.writing.projections import projections
from CoronarySegLib.writing.rendering import Camera, Mesh, render, render_glass

RED, BLUE = (1.0, 0.2, 0.2), (0.2, 0.2, 1.0)


def square(depth_mm: float, colour, half: float = 5.0) -> Mesh:
    """A square that faces the viewer in front (-y)."""
    corners = np.array([[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1]], float) * half + [0, depth_mm, 0]
    return Mesh(corners, np.tile([0.0, -1.0, 0.0], (4, 1)), np.array([[0, 1, 2], [0, 2, 3]]), colour)


def camera(mesh: Mesh, size=(60, 60)) -> Camera:
    return Camera.looking((0.0, -1.0, 0.0), mesh.points_mm, size)


def test_the_picture_has_its_size_and_shows_both_trees(case):
    from matplotlib.image import imread

    image = imread(case.picture)[..., :3]
    assert image.shape == (1500, 2100, 3)
    space = image[200:1300, 60:1450]
    assert (space[..., 0] - space[..., 2] > 0.3).sum() > 2000
    assert (space[..., 2] - space[..., 0] > 0.3).sum() > 2000


def test_a_face_is_filled_without_holes():
    mesh = square(0.0, RED)
    alpha = render([mesh], camera(mesh))[..., 3]
    assert alpha[8:52, 8:52].min() == 1.0
    assert alpha[0].max() == 0.0


def test_the_nearer_face_hides_the_farther_one():
    near, far = square(-3.0, BLUE, half=2.0), square(3.0, RED)
    for order in ([near, far], [far, near]):
        image = render(order, camera(far))
        assert image[30, 30, 2] > image[30, 30, 0]
        assert image[12, 12, 0] > image[12, 12, 2]


def test_glass_seen_face_on_is_nearly_invisible():
    mesh = square(0.0, RED)
    assert render_glass(mesh, camera(mesh))[30, 30, 3] < 0.1


def test_nothing_is_drawn_of_a_mesh_behind_the_frame():
    mesh = square(0.0, RED)
    away = Mesh(mesh.points_mm + [500.0, 0, 0], mesh.normals, mesh.triangles, RED)
    assert render([away], camera(mesh))[..., 3].max() == 0.0


@pytest.fixture
def volumes():
    grid = Geometry((50, 60, 70), (1.0, 1.0, 1.0), (-35.0, -30.0, -25.0))
    labels = np.zeros(grid.shape_zyx, np.uint8)
    labels[10:40, 28:32, 50:54] = 1
    labels[10:40, 28:32, 16:20] = 2
    return Volume(np.full(grid.shape_zyx, -50.0, np.float32), grid), Volume(labels, grid)


def test_the_patients_left_is_on_the_right_of_axial_and_coronal_views(volumes):
    axial, coronal, _ = projections(*volumes, {1: RED, 2: BLUE})
    for view in (axial, coronal):
        half = view.image.shape[1] // 2
        redness = view.image[..., 0] - view.image[..., 2]
        assert redness[:, half:].max() > 0.3
        assert redness[:, half:].min() > -0.1
        assert view.edges[:2] == ("R", "L")


def test_views_have_the_shape_asked_for(volumes):
    for view in projections(*volumes, {1: RED, 2: BLUE}, aspect=1.5):
        assert view.image.shape[1] / view.image.shape[0] >= 1.45


def test_labels_without_a_tree_cannot_be_shown(volumes):
    ct, labels = volumes
    with pytest.raises(ValueError, match="no tree"):
        projections(ct, labels.with_array(np.zeros_like(labels.array)), {1: RED})
