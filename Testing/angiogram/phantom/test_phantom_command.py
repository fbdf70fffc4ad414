"""``coronaryseg phantom --angiogram``: a training folder of views of one heart."""

from CoronarySegLib.cli.main import main


def test_views_of_one_heart_become_a_training_folder_and_are_not_overwritten(tmp_path, capsys):
    asked = ["phantom", "--angiogram", "--seed", "3", "--views", "2", "--clean", "-o", str(tmp_path / "made")]
    assert main(asked) == 0
    names = sorted(path.name for path in (tmp_path / "made" / "images").iterdir())
    assert [name[:4] for name in names] == ["3_1_", "3_2_"]
    for kind in ("masks", "labels"):
        assert sorted(path.name for path in (tmp_path / "made" / kind).iterdir()) == names
    assert len(list((tmp_path / "made" / "truth").iterdir())) == 2
    assert main(asked) == 7
    assert "not empty" in capsys.readouterr().err
