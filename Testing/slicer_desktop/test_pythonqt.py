"""The harness's Qt behaves as PythonQt does, and finds what is misspelt."""

import pytest


@pytest.fixture
def qt(a_desktop):
    import qt

    return qt


def test_a_property_is_a_value_and_not_a_method(qt):
    label = qt.QLabel("lumen")
    assert label.text == "lumen"
    with pytest.raises(TypeError, match="not callable"):
        label.text()


def test_a_property_is_set_by_assignment_or_by_its_setter(qt):
    label = qt.QLabel()
    label.text = "a"
    label.setToolTip("b")
    assert (label.text, label.toolTip) == ("a", "b")


@pytest.mark.parametrize("name", ["txt", "Text", "settext"])
def test_a_misspelt_name_raises(qt, name):
    label = qt.QLabel()
    with pytest.raises(AttributeError, match=name):
        getattr(label, name)
    with pytest.raises(AttributeError, match=name):
        setattr(label, name, "x")


def test_a_read_only_property_cannot_be_set(qt):
    with pytest.raises(AttributeError, match="read-only"):
        qt.QWidget().width = 3


def test_a_value_of_the_wrong_type_is_refused(qt):
    with pytest.raises(ValueError, match="enabled"):
        qt.QLabel().enabled = object()


def test_an_unknown_signal_raises_and_names_the_known_ones(qt):
    with pytest.raises(ValueError, match=r"clicked\(bool\)"):
        qt.QPushButton().connect("clicked(int)", print)


def test_a_function_gets_as_many_arguments_as_it_takes(qt):
    heard = []
    button = qt.QPushButton()
    button.connect("clicked(bool)", lambda: heard.append("none"))
    button.connect("clicked(bool)", lambda checked: heard.append(checked))
    button.connect("clicked()", lambda *all_of_them: heard.append(all_of_them))
    button.clicked.connect(lambda checked: heard.append(("by name", checked)))
    button.click()
    assert heard == ["none", False, (), ("by name", False)]


def test_a_disconnected_function_is_not_called(qt):
    heard = []
    button = qt.QPushButton()

    def listen():
        heard.append(1)

    button.connect("clicked(bool)", listen)
    assert button.disconnect("clicked(bool)", listen)
    button.click()
    assert heard == []


def test_an_error_in_a_function_called_by_qt_fails_the_test(a_desktop, qt):
    button = qt.QPushButton()
    button.connect("clicked(bool)", lambda: 1 / 0)
    button.click()
    with pytest.raises(AssertionError) as caught:
        a_desktop.raise_errors()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_the_same_object_has_the_same_proxy_and_the_class_of_its_own(qt):
    parent = qt.QWidget()
    child = qt.QPushButton("x", parent)
    assert parent.children()[0] is child
    assert type(child) is qt.QPushButton
    assert isinstance(child, qt.QWidget)


def test_a_destroyed_object_says_so(qt):
    label = qt.QLabel()
    label.delete()
    with pytest.raises(ValueError, match="destroyed"):
        _ = label.text


def test_enums_and_static_functions_are_found_on_the_class(a_desktop, qt):
    heard = []
    qt.QTimer.singleShot(0, lambda: heard.append(qt.Qt.AlignLeft))
    a_desktop.wait_until(lambda: heard, seconds=5)
    assert heard == [qt.Qt.AlignLeft]


def test_a_stand_in_hides_its_own_machinery(a_desktop):
    import slicer

    selector = slicer.qMRMLNodeComboBox()
    with pytest.raises(AttributeError):
        selector.setNodeTypes(["vtkMRMLNode"])  # the desktop has the property only
    with pytest.raises(AttributeError):
        _ = selector._listed
