"""What must hold for the repository as a whole, whoever adds the next file."""

import ast
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "CoronarySegLib"
TOP_LEVEL = {
    ".ci", ".gitignore", "CMakeLists.txt", "CoronarySeg", "CoronarySeg.png", "CoronarySegLib", "Docs", "LICENSE",
    "README.md", "Testing", "pyproject.toml",
}
SLICER = {"slicer", "qt", "ctk", "vtkSegmentationCorePython", "PythonQt", "mrml"}
# Where the package is called otherwise than what is imported.
IMPORT_NAMES = {"PIL": "pillow", "skimage": "scikit-image", "vtkmodules": "vtk", "yaml": "pyyaml"}
HEAVY = {"torch", "monai", "openvino", "matplotlib", "pydicom"}
TEXT_SUFFIXES = {".py", ".md", ".toml", ".txt", ".json", ".ui", ".cmake", ""}


def tracked() -> list[Path]:
    """Files of the repository: those git knows, or, in an unpacked archive, those that are no output of a tool."""
    answer = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode == 0:
        paths = (ROOT / name for name in answer.stdout.split("\0") if name)
    else:
        skip = {".git", ".venv", "__pycache__", ".pytest_cache", ".ruff_cache", "build", "dist"}
        paths = (path for path in ROOT.rglob("*") if not skip & set(path.relative_to(ROOT).parts))
    return [path for path in paths if path.is_file()]


def imports(path: Path, *, module_level_only: bool = False) -> set[str]:
    """Top-level names of the packages a file imports (relative imports left out)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = _module_level(tree) if module_level_only else ast.walk(tree)
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def _module_level(node):
    """Statements that run at import: not those in functions, nor under ``if TYPE_CHECKING``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _module_level(child)


def test_the_top_level_is_fixed():
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} == TOP_LEVEL


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_library_knows_no_slicer_and_no_qt(path):
    assert not imports(path) & SLICER


@pytest.mark.parametrize(
    "path", sorted(LIBRARY.rglob("__init__.py")), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_a_package_itself_imports_nothing_heavy(path):
    assert not imports(path, module_level_only=True) & HEAVY


def test_importing_the_packages_does_not_load_torch():
    # In one fresh interpreter, because an __init__ may reach torch through one of its files.
    names = sorted(f"CoronarySegLib.{path.parent.name}" for path in LIBRARY.glob("*/__init__.py"))
    code = (
        "import importlib, sys\n"
        f"for name in {names}:\n"
        "    importlib.import_module(name)\n"
        "    if 'torch' in sys.modules:\n"
        "        sys.exit(f'{name} imports torch')\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr


def test_everything_the_library_imports_is_a_declared_dependency():
    # Read as text: Python 3.10 has no TOML reader.
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    declared = {name.lower() for name in re.findall(r'"([\w-]+)>=', text)}
    used = set().union(*(imports(path) for path in LIBRARY.rglob("*.py"))) - set(sys.stdlib_module_names)
    used = {IMPORT_NAMES.get(name, name).lower().replace("_", "-") for name in used if name != "CoronarySegLib"}
    assert used - declared == set()


def test_the_library_prints_only_from_the_command_line():
    printing = [
        path.relative_to(ROOT).as_posix()
        for path in LIBRARY.rglob("*.py")
        if "cli" not in path.relative_to(LIBRARY).parts
        and any(
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
    ]
    assert printing == []


def test_no_path_of_a_machine_is_in_the_repository():
    pattern = re.compile(r"(?<![\w.])/(?:home|Users|work|root|mnt)/[\w.]+|(?<!\w)[A-Z]:\\\\?Users")
    found = []
    for path in tracked():
        if path.suffix not in TEXT_SUFFIXES or path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8")
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in pattern.finditer(text)]
        if str(ROOT) in text:
            found.append(f"{path.relative_to(ROOT)}: the folder of this checkout")
    assert found == []


def test_no_file_is_too_large_for_a_clone():
    assert [path.name for path in tracked() if path.stat().st_size > 25 * 2**20] == []


def test_both_icons_are_the_same_square_picture_with_transparency():
    icons = [ROOT / "CoronarySeg.png", ROOT / "CoronarySeg" / "Resources" / "Icons" / "CoronarySeg.png"]
    first, second = (icon.read_bytes() for icon in icons)
    width, height, _, colour_type = struct.unpack(">IIBB", first[16:26])
    assert first == second
    assert width == height == 256
    assert colour_type == 6  # RGBA


def test_the_code_passes_ruff():
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "."]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout


def test_ci_runs_the_second_command_line_of_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"```(?:sh|bash)\n(.*?)\n```", readme, re.DOTALL)[:2]
    assert len(commands) == 2
    assert "coronaryseg demo" in commands[0]
    assert commands[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
