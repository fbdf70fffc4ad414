"""Centrelines computed anew from corrected labels, with the names that a person gave."""

from __future__ import annotations

from ..centreline import extract_centrelines
from ..centreline.given_names import with_given_names
from ..centreline.naming import name_trees
from ..progress import Progress, ProgressCallback, as_progress
from .state import SYSTEMS, CaseState


def refreshed(
    state: CaseState, *, progress: Progress | ProgressCallback | None = None
) -> CaseState:
    """The state with centrelines extracted from all of its lumen; takes seconds, not a click's time.

    Names that a person gave are kept where the vessel still runs. Errors as of ``extract_centrelines``.
    """
    report = as_progress(progress)
    values = {key: value for key, value in SYSTEMS.items() if (state.labels.array == value).any()}
    probability = state.probability
    if probability is not None:
        whole = tuple(slice(0, n) for n in state.geometry.shape_zyx)
        probability = probability.with_array(state.local_probability(whole))
    found = extract_centrelines(
        state.labels, values=values or None, probability=probability, progress=report.part(0.0, 0.95)
    )
    return state.with_trees(with_given_names(name_trees(found), state.trees), frozenset())
