"""Installing asks, goes the right way, and cannot touch what Slicer brings."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import slicer

from CoronarySegLib.environment import PACKAGES, TORCH
from CoronarySegLib.errors import MissingPackageError

SCIKIT_IMAGE = next(package for package in PACKAGES if package.module == "skimage")


@pytest.fixture
def installing(a_desktop):
    from CoronarySegModule import installing

    return installing


@pytest.fixture
def asked(monkeypatch):
    """What pip was asked for; questions are answered with yes."""
    calls = []
    monkeypatch.setattr(slicer.util, "pip_install", calls.append)
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_, **__: True)
    return calls


@pytest.fixture
def pytorch_extension(monkeypatch):
    calls = []
    logic = SimpleNamespace(installTorch=lambda **choices: calls.append(choices) or object())
    monkeypatch.setitem(sys.modules, "PyTorchUtils", SimpleNamespace(PyTorchUtilsLogic=lambda: logic))
    return calls


def test_torch_comes_from_the_pytorch_extension_and_the_rest_from_pip(installing, asked, pytorch_extension):
    assert installing.install([TORCH, SCIKIT_IMAGE])
    assert len(pytorch_extension) == 1
    assert asked[0][-1] == SCIKIT_IMAGE.requirement
    assert TORCH.requirement not in asked[0]


def test_without_the_extension_pip_takes_torch_too(installing, asked, monkeypatch):
    monkeypatch.setitem(sys.modules, "PyTorchUtils", None)
    installing.install([TORCH])
    assert TORCH.requirement in asked[0]


def test_bundled_packages_are_pinned_to_what_is_there(installing, asked):
    installing.install([SCIKIT_IMAGE])
    constraints = Path(asked[0][asked[0].index("--constraint") + 1]).read_text(encoding="utf-8")
    assert f"numpy=={np.__version__}" in constraints.splitlines()


def test_a_folder_of_wheels_keeps_pip_from_the_network(installing, asked, pytorch_extension, tmp_path):
    installing.install([TORCH], wheels=tmp_path)
    assert asked[0][:3] == ["--no-index", "--find-links", str(tmp_path)]
    assert pytorch_extension == []


def test_nothing_is_installed_when_the_user_declines(installing, asked, monkeypatch):
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_, **__: False)
    assert not installing.install([SCIKIT_IMAGE])
    assert asked == []


def test_a_failed_installation_says_what_to_do_without_a_network(installing, asked, monkeypatch):
    def fail(_arguments):
        raise RuntimeError("no route to host")

    monkeypatch.setattr(slicer.util, "pip_install", fail)
    with pytest.raises(MissingPackageError, match=r"no route to host.*folder with their wheels"):
        installing.install([SCIKIT_IMAGE])
