"""Write the file lists of the CMake files from what is in the folders.

Slicer builds a scripted module from explicit lists and stops at a listed file that is missing, while a file that is not
listed is left out of the extension without a word. Run this after adding, moving or removing a file:

    python Testing/tools/update_cmake_lists.py
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("CoronarySeg", "CoronarySegLib")
LEFT_OUT = {"CMakeLists.txt"}


def scripts(folder: Path) -> list[str]:
    """Python files below ``folder``, relative, in the order of the tree."""
    return [name for name in _files(folder) if name.endswith(".py")]


def resources(folder: Path) -> list[str]:
    """Everything else that ships: icons, forms, model folders."""
    return [name for name in _files(folder) if not name.endswith(".py")]


def _files(folder: Path) -> list[str]:
    names = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") or part == "__pycache__" for part in relative.parts)
        if path.is_file() and not hidden and path.suffix != ".pyc" and path.name not in LEFT_OUT:
            names.append(relative.as_posix())
    return names


def listed(text: str, variable: str) -> list[str]:
    """The entries of ``set(<variable> ...)`` in the text of a CMake file."""
    return _block(variable).search(text).group(1).split()


def updated(text: str, folder: Path) -> str:
    """The text of the folder's CMake file with both lists as the folder is now."""
    for variable, names in (("MODULE_PYTHON_SCRIPTS", scripts(folder)), ("MODULE_PYTHON_RESOURCES", resources(folder))):
        entries = "".join(f"  {name}\n" for name in names)
        text = _block(variable).sub(lambda _, v=variable, e=entries: f"set({v}\n{e}  )", text)
    return text


def _block(variable: str) -> re.Pattern:
    return re.compile(rf"set\({variable}\n(.*?)  \)", re.DOTALL)


def main() -> int:
    for name in FOLDERS:
        path = ROOT / name / "CMakeLists.txt"
        text = path.read_text(encoding="utf-8")
        new = updated(text, path.parent)
        if new != text:
            path.write_text(new, encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(ROOT)} written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
