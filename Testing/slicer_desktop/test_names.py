"""No name that the desktop lacks: in the form, in the code, or offered by a stand-in."""

from pathlib import Path

import pytest
from name_table import classes_of, lint_code, lint_form, names_of, table

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "CoronarySeg"
FORM = MODULE / "Resources" / "UI" / "CoronarySeg.ui"
# PythonQt decorators of Slicer, in no meta object
ADDED_BY_SLICER_TO_PYTHON = {"testingEnabled", "widgetRepresentation"}


def stand_ins() -> list[type]:
    from application import qSlicerApplication, qSlicerModuleManager
    from ctk_widgets import CTK_WIDGETS
    from mrml_widgets import MRML_WIDGETS
    from scripted_module import qSlicerScriptedLoadableModule
    from views import qMRMLSliceWidget, qMRMLThreeDWidget, qSlicerLayoutManager

    return [
        *CTK_WIDGETS, *MRML_WIDGETS, qSlicerApplication, qSlicerModuleManager, qSlicerScriptedLoadableModule,
        qSlicerLayoutManager, qMRMLSliceWidget, qMRMLThreeDWidget,
    ]


def test_a_stand_in_offers_nothing_that_the_headers_do_not_declare(started):
    from pythonqt import declared_methods, properties_of

    invented = []
    for one in stand_ins():
        known = names_of(one.__name__)
        own = set(properties_of(one)) - set(properties_of(one.__mro__[1]))
        signals = set(one.__dict__.get("SIGNALS", {}))
        invented += [f"{one.__name__}.{name}" for name in own - known.properties]
        invented += [f"{one.__name__}.{name}" for name in signals - known.signals]
        invented += [f"{one.__name__}.{name}" for name in
                     declared_methods(one) - known.all - ADDED_BY_SLICER_TO_PYTHON]
    assert invented == []


def test_every_stand_in_is_in_the_table(started):
    assert {one.__name__ for one in stand_ins()} <= set(table())


def test_the_form_is_clean():
    assert lint_form(FORM) == []


@pytest.mark.parametrize("path", sorted(MODULE.rglob("*.py")), ids=lambda path: path.name)
def test_the_code_asks_only_for_what_its_widgets_have(path):
    assert lint_code(path.read_text(encoding="utf-8"), classes_of(FORM)) == []


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("self.ui.segmentButon.text = ''", "the form has no widget 'segmentButon'"),
        ("self.ui.segmentButton.txt = ''", "has no 'txt'"),
        ("ui.segmentButton.connect('klicked(bool)', f)", "has no signal 'klicked(bool)'"),
        ("self._ui.inputSelector.connect('currentNodeChanged(vtkMRMLNod*)', f)", "has no signal"),
        ("self.ui.resultSection.setCollapsed(True)", "has no 'setCollapsed'"),  # no slot on the desktop
    ],
)
def test_the_lint_finds_a_misspelt_name(code, complaint):
    (found,) = lint_code(code, classes_of(FORM))
    assert complaint in found


def test_the_lint_of_forms_finds_a_misspelt_property(tmp_path):
    text = FORM.read_text(encoding="utf-8").replace('name="collapsed"', 'name="colapsed"', 1)
    (tmp_path / "wrong.ui").write_text(text, encoding="utf-8")
    (found,) = lint_form(tmp_path / "wrong.ui")
    assert "no property 'colapsed'" in found
