"""What is missing or half installed is seen without importing it, and said in words."""

import sys

import pytest

from CoronarySegLib.environment import Package, import_findings, missing_packages, package_findings

PACKAGE = Package("half_there", "half-there>=1", "is tried")


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder in which a test installs packages by hand."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("half_there", None)


def install(site, *, code="", record=True):
    (site / "half_there").mkdir()
    (site / "half_there" / "__init__.py").write_text(code, encoding="utf-8")
    if record:
        info = site / "half_there-1.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: half-there\nVersion: 1.5\n", encoding="utf-8")


def test_an_installed_package_is_named_with_its_version(site):
    install(site)
    (finding,) = package_findings([PACKAGE])
    assert (finding.state, finding.text) == ("ok", "half-there 1.5: is tried.")
    assert missing_packages([PACKAGE]) == ()


def test_a_missing_package_is_missing(site):
    assert package_findings([PACKAGE])[0].state == "missing"
    assert missing_packages([PACKAGE]) == (PACKAGE,)


def test_a_missing_package_that_is_not_needed_is_a_note_only(site):
    optional = Package("half_there", "half-there>=1", "is tried", needed=False)
    assert package_findings([optional])[0].state == "note"
    assert missing_packages([optional]) == ()


def test_a_folder_that_an_interrupted_installation_left_is_half_installed(site):
    (site / "half_there").mkdir()
    assert package_findings([PACKAGE])[0].state == "broken"
    assert missing_packages([PACKAGE]) == (PACKAGE,)


def test_files_without_a_record_are_half_installed(site):
    install(site, record=False)
    assert "no installation is on record" in package_findings([PACKAGE])[0].text


def test_a_package_that_does_not_import_shows_only_when_it_is_imported(site):
    install(site, code="raise OSError('libtorch.so is missing')")
    assert package_findings([PACKAGE])[0].state == "ok"
    (finding,) = import_findings([PACKAGE])
    assert finding.state == "broken"
    assert "libtorch.so is missing" in finding.text
