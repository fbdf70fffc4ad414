"""The entry for Slicer's Extensions Index says what CMakeLists.txt says, in the form the index asks for."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

import write_index_entry

ADDRESS = "https://example.org/somebody/CoronarySeg.git"
# Of version 1.0.1 of the schema: every key it knows, and those it cannot do without.
KNOWN = {"$schema", "category", "scm_url", "scm_revision", "scm_type", "build_dependencies", "build_subdirectory",
         "enabled", "tier"}
REQUIRED = {"$schema", "category", "scm_url"}


def test_the_entry_has_the_keys_of_the_schema(tmp_path):
    path = tmp_path / "CoronarySeg.json"
    assert write_index_entry.main([ADDRESS, str(path)]) == 0
    found = json.loads(path.read_text(encoding="utf-8"))
    assert REQUIRED <= set(found) <= KNOWN
    assert found["scm_url"] == ADDRESS
    assert 1 <= found["tier"] <= 5


def test_category_and_dependencies_are_those_of_the_build():
    found = write_index_entry.entry(ADDRESS)
    assert found["category"] == "Segmentation"
    assert found["build_dependencies"] == ["PyTorch"]


def test_a_local_path_is_no_address():
    with pytest.raises(ValueError, match="public https address"):
        write_index_entry.entry("CoronarySeg")
