"""PySide6 objects in the manners of PythonQt, the binding inside the Slicer desktop.

The two bindings differ where code is most easily wrong: in PythonQt ``label.text`` is the text itself, not a method;
``label.txt = "a"`` is an error, not a new attribute; signals are connected by their signature,
``button.connect("clicked(bool)", function)``. A proxy round each PySide6 object gives it these manners and nothing
more, so a name that PythonQt would not find raises here, too. Code that subclasses Qt classes is not supported.
"""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Callable
from functools import cache

import shiboken6
from PySide6.QtCore import QByteArray, QMetaMethod, QMetaObject, QObject, SignalInstance

_classes: dict[type, QtMeta] = {}
_proxies: dict[int, QtObject] = {}
errors: list[BaseException] = []
"""Errors that left a function Qt had called. PythonQt prints them and goes on; a test has to look here."""


class QtMeta(type):
    """The class of proxy classes: enums and static functions are looked up in the PySide6 class behind."""

    def __getattr__(cls, name: str):
        if name.startswith("__") or "_qt_class" not in cls.__dict__:
            raise AttributeError(name)
        if not _visible(cls._qt_class, name):
            raise AttributeError(f"type object '{cls.__name__}' has no attribute '{name}'")
        value = getattr(cls._qt_class, name)
        return _calling(value) if callable(value) and not isinstance(value, type) else value


class QtObject(metaclass=QtMeta):
    """The proxy of one QObject. Equal objects have the same proxy, so ``is`` and ``==`` work as in PythonQt."""

    __slots__ = ("__weakref__", "_connections", "_qobject")

    def __new__(cls, *arguments):
        target = cls._qt_class(*[unwrap(argument) for argument in arguments])
        return wrap(target)

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        target = self._alive("read", name)
        if name == "name":
            return target.objectName()
        if name in properties_of(type(target)) or _is_dynamic(target, name):
            return wrap(target.property(name))
        if not _visible(type(target), name):
            raise AttributeError(f"{self.className()} has no property, signal or slot '{name}'")
        value = getattr(target, name)
        if isinstance(value, SignalInstance):
            return BoundSignal(self, name)
        return _calling(value) if callable(value) else wrap(value)

    def __setattr__(self, name: str, value) -> None:
        if name in QtObject.__slots__:
            object.__setattr__(self, name, value)
            return
        target = self._alive("write", name)
        name = "objectName" if name == "name" else name
        writable = properties_of(type(target)).get(name)
        if writable is None and not _is_dynamic(target, name):
            raise AttributeError(f"{self.className()} has no property '{name}' to set")
        if writable is False:
            raise AttributeError(f"The property '{name}' of {self.className()} is read-only")
        if not target.setProperty(name, unwrap(value)) and writable:
            raise ValueError(f"The property '{name}' of {self.className()} cannot hold {value!r}")

    def __repr__(self) -> str:
        return f"{self.className()} '{self.name}'" if shiboken6.isValid(self._qobject) else "destroyed Qt object"

    # what PythonQt adds to every object
    def className(self) -> str:
        return type(self._alive("call", "className")).__name__

    def connect(self, signal: str, *receiver) -> bool:
        """``connect("clicked(bool)", function)`` or ``connect("clicked(bool)", object, "slot(bool)")``."""
        target, name, count = self._alive("connect", signal), *_signal_of(self._qobject, signal)
        function = receiver[0] if len(receiver) == 1 else _slot_of(unwrap(receiver[0]), receiver[1])
        if not callable(function):
            raise TypeError(f"{function!r} cannot be connected to {signal}")
        called = _TAKING[count](_called_by_qt(function, count))
        _pyside_signal(target, name, signal).connect(called)
        self._connections.append((name, function, called))
        return True

    def disconnect(self, signal: str, *receiver) -> bool:
        target, name, _ = self._alive("disconnect", signal), *_signal_of(self._qobject, signal)
        found = [one for one in self._connections if one[0] == name and (not receiver or one[1] == receiver[0])]
        for one in found:
            _pyside_signal(target, name, signal).disconnect(one[2])
            self._connections.remove(one)
        return bool(found)

    def delete(self) -> None:
        shiboken6.delete(self._alive("delete", ""))

    def _alive(self, verb: str, name: str) -> QObject:
        if not shiboken6.isValid(self._qobject):
            raise ValueError(f"Trying to {verb} '{name}' of a destroyed Qt object")
        return self._qobject


class BoundSignal:
    """``button.clicked``: to connect, to disconnect, or to emit by calling it."""

    def __init__(self, owner: QtObject, name: str):
        self._owner, self._name = owner, name

    def connect(self, function: Callable) -> bool:
        return self._owner.connect(self._signature(), function)

    def disconnect(self, function: Callable) -> bool:
        return self._owner.disconnect(self._signature(), function)

    def __call__(self, *arguments) -> None:
        self.emit(*arguments)

    def emit(self, *arguments) -> None:
        getattr(self._owner._qobject, self._name).emit(*[unwrap(argument) for argument in arguments])

    def _signature(self) -> str:
        """The signature with all arguments; Qt lists those with default arguments left out as well."""
        known = signals_of(type(self._owner._qobject))
        return max((one for one in known if one.startswith(self._name + "(")), key=len)


def wrap(value):
    """A PySide6 value as PythonQt would hand it to Python; lists become tuples."""
    if isinstance(value, QObject):
        return _proxy_of(value)
    if isinstance(value, (list, tuple)):
        return tuple(wrap(one) for one in value)
    return value


def unwrap(value):
    """The PySide6 value behind a proxy, a class of proxies, or a list of them; functions get guarded."""
    if isinstance(value, QtObject):
        return value._alive("pass", "")
    if isinstance(value, QtMeta):
        return value._qt_class
    if isinstance(value, (list, tuple)):
        return [unwrap(one) for one in value]
    if inspect.isfunction(value) or inspect.ismethod(value):
        return _called_by_qt(value, 99)
    return value


def proxy_class(qt_class: type) -> QtMeta:
    """The proxy class of a PySide6 class (or of a stand-in made of one), below the proxy class of its base."""
    if qt_class not in _classes:
        base = next((one for one in qt_class.__bases__ if issubclass(one, QObject)), None)
        bases = (proxy_class(base),) if base is not None else (QtObject,)
        _classes[qt_class] = QtMeta(qt_class.__name__, bases, {"_qt_class": qt_class, "__slots__": ()})
    return _classes[qt_class]


@cache
def properties_of(qt_class: type) -> dict[str, bool]:
    """The properties of a class: whether each can be written.

    From the class and never from an object: the wrapper that ``object.metaObject()`` returns is the class's own, and
    PySide6 declares it deleted together with the object.
    """
    meta = qt_class.staticMetaObject
    properties = [meta.property(index) for index in range(meta.propertyCount())]
    return {one.name(): one.isWritable() for one in properties}


@cache
def signals_of(qt_class: type) -> tuple[str, ...]:
    """Signatures of all signals of a class, those of stand-ins as in the header they stand for, most special first."""
    found: list[str] = []
    for one in qt_class.__mro__:
        found += getattr(one, "SIGNALS", {}) if "SIGNALS" in one.__dict__ else ()
    meta: QMetaObject = qt_class.staticMetaObject
    methods = [meta.method(index) for index in reversed(range(meta.methodCount()))]
    found += [
        bytes(method.methodSignature()).decode() for method in methods
        if method.methodType() == QMetaMethod.MethodType.Signal
    ]
    return tuple(one for one in dict.fromkeys(found) if "PyObject" not in one)


def _proxy_of(target: QObject) -> QtObject:
    address = shiboken6.getCppPointer(target)[0]
    known = _proxies.get(address)
    if known is not None and shiboken6.isValid(known._qobject) and known._qobject is target:
        return known
    proxy = object.__new__(proxy_class(type(target)))
    object.__setattr__(proxy, "_qobject", target)
    object.__setattr__(proxy, "_connections", [])
    _proxies[address] = proxy
    return proxy


def _visible(qt_class: type, name: str) -> bool:
    """Whether PythonQt would find the name: all that Qt has, and of stand-ins what their header declares."""
    for one in qt_class.__mro__:
        if name not in one.__dict__:
            continue
        if one.__module__.startswith(("PySide6", "Shiboken", "shiboken6")):
            return not name.startswith("_")
        return name in declared_methods(one)
    return hasattr(qt_class, name) and not name.startswith("_")


@cache
def declared_methods(stand_in: type) -> set[str]:
    """Slots, invokable methods, signals and enum values that a stand-in itself declares to Qt."""
    meta = stand_in.staticMetaObject
    names = {bytes(meta.method(i).name()).decode() for i in range(meta.methodOffset(), meta.methodCount())}
    return {name for name in names | set(stand_in.__dict__.get("VISIBLE", ())) if not name.startswith("_")}


def _is_dynamic(target: QObject, name: str) -> bool:
    return QByteArray(name.encode()) in target.dynamicPropertyNames()


def _signal_of(target: QObject, signal: str) -> tuple[str, int]:
    """Name and number of arguments of a signal given by its signature. ValueError when there is none."""
    wanted = re.sub(r"\s+|\bconst\b|&", "", signal)
    known = signals_of(type(target))
    if wanted not in known:
        name = wanted.split("(")[0]
        alike = [one for one in known if one.startswith(name + "(")] or ["no signal of this name"]
        raise ValueError(f"{type(target).__name__} has no signal '{signal}' ({', '.join(alike)})")
    inside = wanted[wanted.index("(") + 1 : -1]
    return wanted.split("(")[0], len(inside.split(",")) if inside else 0


def _pyside_signal(target: QObject, name: str, signal: str) -> SignalInstance:
    for one in type(target).__mro__:
        attribute = one.__dict__.get("SIGNALS", {}).get(re.sub(r"\s+|\bconst\b|&", "", signal))
        if attribute:
            return getattr(target, attribute)
    return getattr(target, name)


def _slot_of(receiver: QObject, slot: str) -> Callable:
    name = slot.split("(")[0]
    if not _visible(type(receiver), name):
        raise ValueError(f"{type(receiver).__name__} has no slot '{slot}'")
    return getattr(receiver, name)


def _called_by_qt(function: Callable, count: int) -> Callable:
    """``function`` with as many arguments as it takes; what it raises is kept in ``errors`` and printed."""
    try:
        parameters = inspect.signature(function).parameters.values()
        if not any(one.kind is one.VAR_POSITIONAL for one in parameters):
            kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
            count = min(count, sum(one.kind in kinds for one in parameters))
    except (TypeError, ValueError):  # built-in functions have no signature
        pass

    def called(*arguments):
        try:
            return unwrap(function(*[wrap(argument) for argument in arguments[:count]]))
        except Exception as error:  # must not travel through Qt's own code
            errors.append(error)
            traceback.print_exc()
            return None

    return called


# PySide6 looks at how many arguments a function takes before it chooses what to pass.
_TAKING = {
    0: lambda function: lambda: function(),
    1: lambda function: lambda a: function(a),
    2: lambda function: lambda a, b: function(a, b),
    3: lambda function: lambda a, b, c: function(a, b, c),
}


def _calling(function: Callable) -> Callable:
    def call(*arguments):
        return wrap(function(*[unwrap(argument) for argument in arguments]))

    call.__name__ = getattr(function, "__name__", "call")
    return call
