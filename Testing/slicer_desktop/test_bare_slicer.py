"""The module opens in a Slicer that has only what Slicer brings: what is missing must be said, not crash."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

CODE = """
import sys, pathlib
ABSENT = {"torch", "skimage", "safetensors", "openvino", "monai", "typer", "rich", "matplotlib"}
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
sys.meta_path.insert(0, Absent())
sys.path.insert(0, sys.argv[1])
import desktop
running = desktop.start(pathlib.Path(sys.argv[2]))
running.load(desktop.ROOT / "CoronarySeg" / "CoronarySeg.py")
panel = running.enter("CoronarySeg")
import slicer, numpy
node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "ct")
slicer.util.updateVolumeFromArray(node, numpy.zeros((3, 3, 3), numpy.int16))
panel.enter()
running.raise_errors()
print(panel.ui.segmentButton.enabled, panel.ui.segmentButton.toolTip)
"""


def test_the_panel_opens_without_any_package_that_is_to_be_installed(tmp_path):
    answer = subprocess.run(
        [sys.executable, "-c", CODE, str(HERE), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("False Python packages are missing: torch, safetensors, scikit-image.")
