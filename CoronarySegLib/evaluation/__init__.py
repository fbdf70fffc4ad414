"""How good is a result: overlap, surface distance, topology and centreline figures of a label map against its truth."""

from .centreline import Centreline, centreline_of_branches, centreline_of_mask
from .cohort import Case, Cohort, evaluate_pairs
from .evaluate import evaluate
from .files import Pair, find_pairs, read_centreline, read_labels, read_probability
from .scores import RadiusShare, Scores, TreeScores

__all__ = [
    "Case", "Centreline", "Cohort", "Pair", "RadiusShare", "Scores", "TreeScores", "centreline_of_branches",
    "centreline_of_mask", "evaluate", "evaluate_pairs", "find_pairs", "read_centreline", "read_labels",
    "read_probability",
]
