"""Phantoms as ImageCAS: names, folders, values and folds that the training reads as it reads the real data."""

from types import SimpleNamespace

import numpy as np
import pytest

from CoronarySegLib.evaluation import find_pairs as find_cases
from CoronarySegLib.evaluation import read_centreline
from CoronarySegLib.phantom import Branch, CoronaryTree, PhantomSettings
from CoronarySegLib.phantom.imagecas import split_rows, write_imagecas_case, write_split_table
from CoronarySegLib.reading import read_volume
from CoronarySegLib.training.pairs import find_pairs
from CoronarySegLib.training.splits import read_split
from CoronarySegLib.volume import Geometry, Volume

GRID = Geometry((6, 8, 8), (0.4, 0.4, 0.5), (1.0, 2.0, 3.0))


@pytest.fixture
def a_phantom():
    labels = np.zeros(GRID.shape_zyx, np.uint8)
    labels[2, 2, :4] = (1, 2, 3, 1)
    branch = Branch("LAD", "left", -1, np.array([[0.0, 0, 0], [0, 0, 9]]), np.ones(2), np.ones(2))
    return SimpleNamespace(
        ct=Volume(labels.astype(np.int16) * 100, GRID), labels=Volume(labels, GRID),
        tree=CoronaryTree((branch,), {"left": np.zeros(3)}, "right"), settings=PhantomSettings(seed=7),
    )


def test_cases_lie_where_imagecas_has_them(a_phantom, tmp_path):
    for number in (1, 201):
        write_imagecas_case(a_phantom, number, tmp_path)
    assert [(p.name, p.image.parent.name) for p in find_pairs(tmp_path)] == [("1", "1-200"), ("201", "201-400")]
    assert not list(tmp_path.rglob(".*"))


def test_the_tree_lies_beside_and_evaluation_finds_it(a_phantom, tmp_path):
    write_imagecas_case(a_phantom, 1, tmp_path / "data")
    pair, = find_cases(tmp_path / "data", tmp_path / "data")
    assert pair.centrelines.name == "1.tree.json"
    assert float(read_centreline(pair.centrelines).length_mm.sum()) == 9.0


def test_labels_say_vessel_only_and_keep_the_grid(a_phantom, tmp_path):
    _, label = write_imagecas_case(a_phantom, 1, tmp_path)
    volume = read_volume(label)
    assert np.array_equal(np.unique(volume.array), [0, 1])
    assert volume.array.sum() == 4
    assert volume.geometry.same_grid(GRID)


def test_thousand_cases_are_split_as_published():
    rows = list(split_rows(1000))
    for fold in range(1, 5):
        words = [row[fold] for row in rows]
        assert [words.count(word) for word in ("Training", "Val", "Testing")] == [700, 50, 250]
    assert all(row[1:].count("Testing") == 1 for row in rows)


@pytest.mark.parametrize("count", [4, 5, 12])
def test_every_fold_of_few_cases_can_be_trained_on(tmp_path, count):
    pytest.importorskip("openpyxl")
    path = write_split_table(count, tmp_path)
    splits = [read_split(path, fold) for fold in range(1, 5)]
    assert splits == [read_split(path.with_suffix(".xlsx"), fold) for fold in range(1, 5)]
    assert sorted(name for split in splits for name in split.test) == sorted(str(n + 1) for n in range(count))


def test_fewer_cases_than_folds_are_refused():
    with pytest.raises(ValueError, match="at least 4"):
        split_rows(3)
