"""``slicer.i18n``: texts go through the application's translator, and their context is the name of the file."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from types import ModuleType

import slicer
from PySide6.QtCore import QCoreApplication


def translate(context: str, text: str) -> str:
    return QCoreApplication.translate(context, text)


def tr(text: str) -> str:
    return translate(Path(inspect.currentframe().f_back.f_code.co_filename).stem, text)


def publish() -> None:
    module = ModuleType("slicer.i18n")
    module.tr, module.translate = tr, translate
    sys.modules["slicer.i18n"] = slicer.i18n = module
