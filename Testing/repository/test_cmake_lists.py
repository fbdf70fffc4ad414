"""Slicer builds the extension from explicit file lists; they must be the tree."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "Testing" / "tools" / "update_cmake_lists.py"


@pytest.fixture(scope="module")
def lists():
    spec = importlib.util.spec_from_file_location("update_cmake_lists", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["CoronarySeg", "CoronarySegLib"])
@pytest.mark.parametrize("variable", ["MODULE_PYTHON_SCRIPTS", "MODULE_PYTHON_RESOURCES"])
def test_the_list_of_files_is_the_tree(lists, name, variable):
    folder = ROOT / name
    text = (folder / "CMakeLists.txt").read_text(encoding="utf-8")
    expected = lists.scripts(folder) if variable == "MODULE_PYTHON_SCRIPTS" else lists.resources(folder)
    assert lists.listed(text, variable) == expected, f"stale: run python {TOOL.relative_to(ROOT)}"


def test_a_new_file_changes_the_written_list(lists, tmp_path):
    text = "set(MODULE_PYTHON_SCRIPTS\n  )\nset(MODULE_PYTHON_RESOURCES\n  old.png\n  )\n"
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "new.py").touch()
    (tmp_path / "icon.png").touch()
    new = lists.updated(text, tmp_path)
    assert lists.listed(new, "MODULE_PYTHON_SCRIPTS") == ["sub/new.py"]
    assert lists.listed(new, "MODULE_PYTHON_RESOURCES") == ["icon.png"]


def test_caches_and_hidden_files_are_not_listed(lists, tmp_path):
    for name in ("__pycache__/a.cpython-311.pyc", ".hidden/b.py", ".c.py", "CMakeLists.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert lists.scripts(tmp_path) + lists.resources(tmp_path) == []


def test_every_folder_of_the_top_cmake_file_exists_and_has_its_own():
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    folders = re.findall(r"add_subdirectory\((\w+)\)", text)
    assert sorted(folders) == ["CoronarySeg", "CoronarySegLib"]
    assert all((ROOT / folder / "CMakeLists.txt").is_file() for folder in folders)


def test_only_the_module_file_is_a_python_file_directly_in_the_module_path():
    # Slicer takes every other one for a module of its own and reports it as broken.
    assert [path.name for path in (ROOT / "CoronarySeg").glob("*.py")] == ["CoronarySeg.py"]
