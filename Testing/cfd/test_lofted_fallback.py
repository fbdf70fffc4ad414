"""A mask whose own surface is refused still becomes a model, which says that it is lofted."""

from __future__ import annotations

from dataclasses import replace

import pytest
import shapes
from lumens import truth_tree

from CoronarySegLib.cfd import build
from CoronarySegLib.cfd.extensions import ExtensionOptions
from CoronarySegLib.errors import SurfaceError

QUICK = build.BuildOptions(extensions=ExtensionOptions(0.0, 0.0), edge_of_radius=0.6)


@pytest.fixture
def a_bifurcation():
    shape = shapes.bifurcating()
    return shapes.mask_of(shape, shapes.grid_round(shape, (0.45, 0.45, 0.45))), truth_tree(shape)


@pytest.fixture
def a_refused_surface(monkeypatch):
    """The mask's own surface cuts through itself and cannot be mended; others are treated as ever."""
    mend = build.without_self_intersections
    calls = []

    def refuse_the_first(*arguments, **choices):
        calls.append(1)
        if len(calls) == 1:
            raise SurfaceError("The surface cuts through itself at LPS 1.0, 2.0, 3.0 mm.")
        return mend(*arguments, **choices)

    monkeypatch.setattr(build, "without_self_intersections", refuse_the_first)


@pytest.mark.usefixtures("a_refused_surface")
def test_a_refused_surface_is_lofted_and_the_model_says_so(a_bifurcation):
    built = build.build_model(*a_bifurcation, QUICK)
    assert [step.name for step in built.steps] == ["loft"]
    assert "lofted" in built.notes[0]
    assert "1.0, 2.0, 3.0" in built.notes[0]
    assert built.quality["self_intersections"].passed
    assert built.final.mean_change_percent(2.0) < 3.0


@pytest.mark.usefixtures("a_refused_surface")
def test_who_wants_no_loft_gets_the_refusal(a_bifurcation):
    with pytest.raises(SurfaceError, match="cuts through itself"):
        build.build_model(*a_bifurcation, replace(QUICK, loft_when_refused=False))


def test_a_sound_surface_is_not_lofted(a_bifurcation):
    built = build.build_model(*a_bifurcation, QUICK)
    assert "loft" not in [step.name for step in built.steps]
    assert not any("lofted" in note for note in built.notes)
