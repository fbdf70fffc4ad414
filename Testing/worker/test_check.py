"""The check of a machine says what it found, good or bad, and never fails itself."""

import pytest

from CoronarySegLib.environment import Finding
from CoronarySegLib.models import ModelCard, StageCard, save_model
from CoronarySegLib.networks import build_network
from CoronarySegLib.progress import Progress
from CoronarySegLib.worker import CheckJob
from CoronarySegLib.worker import check as checking

ARGUMENTS = {"channels": [2, 4, 4], "bottleneck": 4}
STAGE = StageCard("whole", "ResUNet3D", ARGUMENTS, ("ct",), ("lumen",), None, (16, 16, 16), sha256="ab" * 32)
CARD = ModelCard(
    name="tiny", profile="paper", version="1", description="none", training_data="none", training_seeds="none",
    stages=(STAGE,),
)


@pytest.fixture
def packages_are_there(monkeypatch):
    monkeypatch.setattr(checking, "import_findings", lambda: (Finding("torch", "ok", "torch 2"),))


def test_a_machine_that_can_run_is_timed(packages_are_there, tmp_path):
    save_model(tmp_path / "tiny", CARD, {"whole": build_network("ResUNet3D", ARGUMENTS).state_dict()})
    found = checking.check(CheckJob(str(tmp_path / "tiny"), "torch"), Progress())
    assert [finding.state for finding in found.findings] == ["ok", "ok", "ok"]
    assert "torch" in found.engine
    assert found.patch_seconds > 0


def test_a_model_that_is_not_there_is_a_finding(packages_are_there):
    found = checking.check(CheckJob("no such model"), Progress())
    assert found.findings[-1].state == "broken"
    assert "no such model" in found.findings[-1].text
    assert found.patch_seconds is None


def test_with_a_broken_package_nothing_is_timed(monkeypatch):
    broken = Finding("torch", "broken", "torch is half installed. Install it again.")
    monkeypatch.setattr(checking, "import_findings", lambda: (broken,))
    assert checking.check(CheckJob(), Progress()).findings == (broken,)
