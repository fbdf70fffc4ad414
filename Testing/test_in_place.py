"""Files and folders that are whole or not there."""

import pytest

from CoronarySegLib.errors import OutputError
from CoronarySegLib.in_place import file_in_place, folder_in_place, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_the_old_one_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with file_in_place(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
    assert (path.read_text(), names(tmp_path)) == ("new", ["a.txt"])


@pytest.mark.parametrize(("name", "ending"), [("7.img.nii.gz", ".nii.gz"), ("a.vtp", ".vtp"), ("plain", "")])
def test_what_is_written_to_keeps_the_ending_and_nothing_else_that_a_writer_could_mistake(tmp_path, name, ending):
    with file_in_place(tmp_path / name) as partial:
        partial.write_text("x")
        assert ("".join(partial.suffixes), ".img" in partial.name) == (ending, False)


def test_a_file_that_failed_leaves_the_old_one_and_no_debris(tmp_path):
    write_text(tmp_path / "a.txt", "old")

    def write_half() -> None:
        with file_in_place(tmp_path / "a.txt") as partial:
            partial.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match=r"a\.txt cannot be written"):
        write_half()
    assert ((tmp_path / "a.txt").read_text(), names(tmp_path)) == ("old", ["a.txt"])


@pytest.mark.parametrize(("keep", "left"), [(False, ["new"]), (True, ["new", "old"])])
def test_a_folder_is_replaced_or_joined_at_the_end(tmp_path, keep, left):
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "old").write_text("x")
    with folder_in_place(folder, "The report", keep=keep) as partial:
        (partial / "new").write_text("y")
        assert names(folder) == ["old"]
    assert (names(folder), names(tmp_path)) == (left, ["results"])


def test_a_folder_that_failed_is_as_it_was(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "old").write_text("x")
    with pytest.raises(OutputError, match="The report cannot be written"), folder_in_place(folder, "The report"):
        raise RuntimeError("the writer of images gave up")
    assert (names(folder), names(tmp_path)) == (["old"], ["results"])


def test_a_place_that_cannot_be_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Choose a folder"):
        write_text(tmp_path / "file" / "a.txt", "x")
