"""Read the names of properties, signals and slots out of the public headers of CTK and Slicer.

    python Testing/tools/read_widget_names.py "Slicer 2026-08-21=<checkout>" "CTK 2026-08-12=<checkout>"

writes ``Testing/slicer_desktop/widget_names.json``: by class its base and the names Python can reach on the desktop,
where PythonQt sees what Qt's meta object holds: properties, signals, public slots and invokable methods, enum values.
Names are facts; no code of those projects is kept. Run it again for another version of Slicer, or after adding a class.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

TABLE = Path(__file__).resolve().parents[1] / "slicer_desktop" / "widget_names.json"
CLASSES = (
    "ctkCollapsibleButton", "ctkCollapsibleGroupBox", "ctkComboBox", "ctkCheckBox", "ctkDoubleSlider",
    "ctkDoubleSpinBox", "ctkMessageBox", "ctkPathLineEdit", "ctkSliderWidget", "qMRMLLayoutManager",
    "qMRMLNodeComboBox", "qMRMLSegmentEditorWidget", "qMRMLSegmentsTableView", "qMRMLSliceWidget",
    "qMRMLSliderWidget", "qMRMLSpinBox", "qMRMLSubjectHierarchyTreeView", "qMRMLTableView", "qMRMLTableWidget",
    "qMRMLThreeDWidget", "qMRMLThreeDView", "qMRMLSliceView", "qMRMLWidget", "qSlicerAbstractCoreModule",
    "qSlicerAbstractModule", "qSlicerAbstractModuleWidget", "qSlicerAbstractModuleRepresentation",
    "qSlicerApplication", "qSlicerCoreApplication", "qSlicerLayoutManager", "qSlicerModuleManager",
    "qSlicerModuleFactoryManager", "qSlicerScriptedLoadableModule", "qSlicerScriptedLoadableModuleWidget",
    "qSlicerWidget", "qSlicerLoadableModule", "ctkVTKAbstractView", "ctkVTKRenderView", "ctkVTKSliceView",
    "qMRMLThreeDViewControllerWidget", "qMRMLSliceControllerWidget", "qMRMLViewControllerBar",
)
# name(arguments), with parentheses in default values, to the end of a declaration
METHOD = re.compile(
    r"([~\w]+)\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s*(?:const)?\s*(?:override|final)?\s*[;{]?\s*$"
)


def main(arguments: list[str]) -> int:
    if not arguments or not all("=" in argument for argument in arguments):
        sys.stderr.write(__doc__ or "")
        return 2
    roots = dict(argument.split("=", 1) for argument in arguments)
    headers = {path.stem: path for root in roots.values() for path in Path(root).rglob("*.h")}
    missing = [name for name in CLASSES if name not in headers]
    if missing:
        sys.stderr.write(f"No header found for {', '.join(missing)}.\n")
        return 1
    table = {name: names_in(headers[name].read_text(encoding="utf-8", errors="replace"), name) for name in CLASSES}
    TABLE.write_text(json.dumps({"read from": list(roots), "classes": table}, indent=1) + "\n", encoding="utf-8")
    return 0


def names_in(header: str, name: str) -> dict:
    """Base, properties, signals (with signature), methods and enum values of a class, from the text of its header."""
    text = re.sub(r"/\*.*?\*/", "", re.sub(r"//[^\n]*", "", header), flags=re.DOTALL)
    inherits = r"(?::\s*(?:public|private|protected)\s+(\w+))?"
    start = re.search(rf"class\s+(?:\w+_EXPORT\s+)?{name}\s*{inherits}[^;{{]*{{", text)
    body = text[start.end():]
    end = re.search(r"\n};", body)
    body = body[: end.start()] if end else body
    found = {
        "base": start.group(1) or "",
        "properties": re.findall(r"Q_PROPERTY\(\s*[\w:<>\s*]*?[\s*](\w+)\s+READ", body),
        "signals": [], "methods": [], "enums": [],
    }
    for group in re.findall(r"\benum\s+(?:class\s+)?\w*\s*(?::\s*\w+\s*)?{(.*?)}", body, re.DOTALL):
        found["enums"] += [part.split("=")[0].strip() for part in group.split(",") if part.strip()]
    section = ""
    for line in re.split(r"(?<=[;:{}\n])", re.sub(r"\n\s+(?=[\w,&*])", " ", body)):
        marker = re.search(r"\b(public|protected|private)?\s*(Q_SLOTS|slots|Q_SIGNALS|signals)?\s*:\s*$", line)
        if marker and (marker.group(1) or marker.group(2)):
            kind = {"Q_SLOTS": "slots", "Q_SIGNALS": "signals"}.get(marker.group(2), marker.group(2) or "")
            section = "signals" if kind == "signals" else f"{marker.group(1)} {kind}".strip()
            continue
        method = METHOD.search(line)
        if not method or method.group(1).startswith(("~", "Q_")):
            continue
        if section == "signals":
            found["signals"].append(f"{method.group(1)}({_types(method.group(2))})")
        elif section == "public slots" or "Q_INVOKABLE" in line:
            found["methods"].append(method.group(1))
    return {key: sorted(set(value)) if isinstance(value, list) else value for key, value in found.items()}


def _types(arguments: str) -> str:
    """Argument types as Qt writes them in a signature: no names, no defaults, no const and &."""
    types = []
    for argument in filter(None, (part.split("=")[0].strip() for part in arguments.split(","))):
        plain = re.sub(r"\bconst\b|&", " ", argument).strip()
        match = re.fullmatch(r"([\w:<>]+(?:\s+(?:long|int|char))?)\s*(\**)\s*\w*", plain)
        types.append(match.group(1) + match.group(2) if match else plain.replace(" ", ""))
    return ",".join(types)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
