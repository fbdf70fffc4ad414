import pytest
from writing_samples import make_result

from CoronarySegLib.writing import write_case


@pytest.fixture(scope="session")
def result():
    return make_result()


@pytest.fixture(scope="session")
def case(result, tmp_path_factory):
    """One case folder with everything in it, for all tests that only look."""
    folder = tmp_path_factory.mktemp("cases with space") / "pätient 1"
    source = folder.parent / "ct.nii.gz"
    source.write_bytes(b"stands for a CT")
    return write_case(result, folder, source=source)
