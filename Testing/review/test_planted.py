"""The whole queue on a phantom with twenty planted defects; `Testing/Benchmarks/review_queue.py` does more of them."""

import pytest
from planted import found_among, plant

from CoronarySegLib.review import find_suspects

SEED = 907


@pytest.fixture(scope="module")
def planted():
    return plant(SEED)


def test_nine_of_ten_planted_defects_are_among_the_first_thirty_entries(planted):
    found = found_among(planted.defects, find_suspects(planted.case), first=30)
    missed = [defect.kind.value for defect, hit in zip(planted.defects, found, strict=True) if not hit]
    assert len(found) == 20
    assert sum(found) >= 18, missed
