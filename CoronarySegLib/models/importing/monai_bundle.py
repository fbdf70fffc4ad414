"""A MONAI bundle: ``configs/metadata.json``, ``configs/inference.json``, ``models/model.pt`` or ``models/model.ts``.

A bundle's configuration is a program: it names classes to call and holds Python to evaluate. Here it is read as data.
The network, the transforms before it and what follows are translated where they are known, and refused by name where
they are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import ModelError
from .foreign import Foreign, along_ours, choose_outputs, read_json, read_numbers, three

METADATA = Path("configs/metadata.json")
INFERENCE = ("configs/inference.json", "configs/inference.yaml", "configs/inference.yml")
WEIGHTS = ("models/model.pt", "models/model.ts")
_NOTHING_TO_DO = {
    "LoadImaged", "EnsureChannelFirstd", "AddChanneld", "EnsureTyped", "ToTensord", "CastToTyped", "CropForegroundd",
    "ToDeviced", "SelectItemsd", "FromMetaTensord",
}
_LETTERS = {"L": (2, False), "R": (2, True), "P": (1, False), "A": (1, True), "S": (0, False), "I": (0, True)}
"""Letter of an orientation code: our axis (of z, y, x) and whether it runs against ours (left, posterior, superior)."""
_WIDE_HU = (-1024.0, 3071.0)
_PATCH = (96, 96, 96)


def is_bundle(source: Path) -> bool:
    return (source / METADATA).is_file()


def read_bundle(
    source: Path, *, weights: str | None = None, outputs: Mapping[str, Sequence[str]] | None = None
) -> Foreign:
    """What is in a bundle. Raises ModelError."""
    metadata, config = read_json(source / METADATA), _config(source)
    target, arguments = _network(config)
    steps = _Steps()
    for transform in _transforms(config, "preprocessing"):
        steps.take(transform)
    count = arguments.get("out_channels", 1)
    classes, activation = _classes(metadata, config, count)
    names, groups, left_out = choose_outputs(classes, outputs)
    patch = _patch(config, metadata)
    path = source / (weights or next((name for name in WEIGHTS if (source / name).is_file()), WEIGHTS[0]))
    axes = steps.axes
    spacing = None if steps.spacing is None else tuple(float(s) for s in along_ours(steps.spacing, axes))
    return Foreign(
        source=path,
        arguments={
            "library": "monai", "target": target, "arguments": arguments, "outputs": groups, "classes": count,
            "activation": activation, "scale": steps.scale, "shift": steps.shift, "axes": list(axes),
            "flips": list(steps.flips),
            # Patches begin where the network's coarsest grid does; sixteen suits four halvings.
            "size_factor": [_common(16, int(n)) for n in along_ours(patch, axes)],
        },
        state=_weights(path), outputs=names, patch_zyx=tuple(int(n) for n in along_ours(patch, axes)),
        spacing_zyx_mm=spacing, hu_window=steps.window, normalisation=steps.normalisation,
        description=f"MONAI bundle {metadata.get('name', source.name)}, {target}.",
        training_data=str(metadata.get("data_source") or "not said in the bundle"),
        version=str(metadata.get("version", "imported")), licence=str(metadata.get("license") or "as its makers say"),
        remarks=(
            "Resampled by a cubic spline.", *steps.remarks,
            *((f"Not used: {', '.join(left_out)}.",) if left_out else ()),
        ),
    )


def _config(source: Path) -> dict[str, Any]:
    path = next((source / name for name in INFERENCE if (source / name).is_file()), source / INFERENCE[0])
    if path.suffix == ".json":
        return read_json(path)
    try:
        import yaml

        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except ImportError as error:
        raise ModelError(f"{path} is YAML, which needs PyYAML. Run: pip install pyyaml, or save it as JSON.") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ModelError(f"{path} cannot be read: {error}. Copy the bundle again.") from error
    if not isinstance(values, dict):
        raise ModelError(f"{path} holds no settings. Copy the bundle again.")
    return values


def _network(config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    definition = _plain(config.get("network_def", config.get("network")), config, "network_def")
    if not isinstance(definition, dict) or "_target_" not in definition:
        raise ModelError("The bundle's inference configuration has no network_def with a _target_. Without it its "
                         "weights cannot be put into a network.")
    arguments = {key: value for key, value in definition.items() if not key.startswith("_")}
    if arguments.get("spatial_dims", 3) != 3 or arguments.get("in_channels", 1) != 1:
        raise ModelError("The bundle's network does not take one 3D image. Give a bundle for CT volumes.")
    return _name(definition), arguments


def _transforms(config: Mapping[str, Any], stage: str) -> list[dict[str, Any]]:
    value = _plain(config.get(stage, {}), config, stage, lenient=True)
    steps = value.get("transforms", []) if isinstance(value, dict) else []
    return [step for step in steps if isinstance(step, dict) and not step.get("_disabled_")]


class _Steps:
    """What the transforms before the network do, one after the other, in our words."""

    def __init__(self) -> None:
        self.axes, self.flips, self.spacing = (2, 1, 0), (), None
        self.window, self.normalisation = _WIDE_HU, "window"
        # The network's value of a window's 0..1; at first they are the HU themselves.
        self.scale, self.shift = _WIDE_HU[1] - _WIDE_HU[0], _WIDE_HU[0]
        self.untouched = True
        self.remarks: list[str] = []

    def take(self, step: Mapping[str, Any]) -> None:
        name = _name(step)
        if name == "Orientationd":
            self._orient(step.get("axcodes", "RAS"))
        elif name == "Spacingd":
            self.spacing = three(step.get("pixdim"), "The bundle's pixdim")
        elif name == "ScaleIntensityRanged":
            self._range(step)
        elif name == "ScaleIntensityd" and self.untouched:
            low, high = (float(_default(step.get(key), value)) for key, value in (("minv", 0.0), ("maxv", 1.0)))
            self.normalisation, self.scale, self.shift, self.untouched = "minmax", high - low, low, False
        elif name == "NormalizeIntensityd" and isinstance(step.get("subtrahend"), (int, float)):
            divisor = float(_default(step.get("divisor"), 1.0))
            self._then(1.0 / divisor, -float(step["subtrahend"]) / divisor)
        elif name not in _NOTHING_TO_DO:
            raise ModelError(
                f"The bundle prepares its images by {name} in a way that is not known here, and a network that sees "
                "other values finds other things. Give a bundle with a fixed intensity range."
            )
        if name == "CropForegroundd":
            self.remarks.append("Not cropped to the foreground.")

    def _orient(self, codes: str) -> None:
        letters = [_LETTERS.get(letter) for letter in str(codes).upper()]
        if len(letters) != 3 or None in letters or len({axis for axis, _ in letters}) != 3:
            raise ModelError(f"The bundle's orientation {codes!r} is not three letters out of L R A P S I.")
        self.axes = tuple(axis for axis, _ in letters)
        self.flips = tuple(number for number, (_, against) in enumerate(letters) if against)

    def _range(self, step: Mapping[str, Any]) -> None:
        low, high = float(step["a_min"]), float(step["a_max"])
        below, above = (float(_default(step.get(key), value)) for key, value in (("b_min", 0.0), ("b_max", 1.0)))
        if not step.get("clip", False):
            self._then((above - below) / (high - low), below - low * (above - below) / (high - low))
        elif self.untouched:
            self.window, self.scale, self.shift, self.untouched = (low, high), above - below, below, False
        else:
            raise ModelError("The bundle clips its intensities twice, which is not known here. Give another bundle.")

    def _then(self, factor: float, summand: float) -> None:
        self.scale, self.shift, self.untouched = self.scale * factor, self.shift * factor + summand, False


def _classes(metadata: Mapping[str, Any], config: Mapping[str, Any], count: int) -> tuple[dict[str, int], str]:
    after = _transforms(config, "postprocessing")
    activation = next((step for step in after if _name(step) == "Activationsd"), {})
    kind = "sigmoid" if activation.get("sigmoid") or (count == 1 and not activation.get("softmax")) else "softmax"
    try:
        named = metadata["network_data_format"]["outputs"]["pred"]["channel_def"]
        names = {int(number): str(name) for number, name in named.items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        names = {}
    first = 1 if kind == "softmax" else 0
    found = {names.get(number, f"channel {number}"): number for number in range(first, count)
             if names.get(number, "").lower() != "background"}
    return found, kind


def _patch(config: Mapping[str, Any], metadata: Mapping[str, Any]) -> tuple:
    inferer = _plain(config.get("inferer", {}), config, "inferer", lenient=True)
    size = inferer.get("roi_size") if isinstance(inferer, dict) else None
    if size is None:
        try:
            size = metadata["network_data_format"]["inputs"]["image"]["spatial_shape"]
        except (KeyError, TypeError):
            size = None
    if isinstance(size, (list, tuple)) and all(isinstance(n, int) for n in size):
        return three(size, "The bundle's patch size")
    return _PATCH


def _weights(path: Path) -> dict[str, Any]:
    if path.suffix == ".ts" and path.is_file():
        import torch

        try:
            return dict(torch.jit.load(str(path), map_location="cpu").state_dict())
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{path} cannot be read as TorchScript. Copy the bundle again.") from error
    values = read_numbers(path)
    inner = next((values[key] for key in ("model", "state_dict", "network") if isinstance(values.get(key), dict)), None)
    return dict(inner if inner is not None else values)


def _plain(value: Any, root: Mapping[str, Any], where: str, *, lenient: bool = False, depth: int = 0) -> Any:
    """Settings with "@name" and "%name" looked up. Python to evaluate is refused, or dropped (None) if ``lenient``."""
    if depth > 20:
        raise ModelError(f"The bundle's {where} refers to itself. Copy the bundle again.")
    if isinstance(value, dict):
        return {key: _plain(item, root, where, lenient=lenient, depth=depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, root, where, lenient=lenient, depth=depth + 1) for item in value]
    if isinstance(value, str) and value[:1] in ("@", "%"):
        found: Any = root
        for part in value[1:].replace("::", "#").split("#"):
            index = int(part) if isinstance(found, list) and part.isdigit() else part
            found = found[index] if isinstance(found, (dict, list)) and _has(found, index) else None
        return _plain(found, root, where, lenient=lenient, depth=depth + 1)
    if isinstance(value, str) and value.startswith("$"):
        if lenient:
            return None
        raise ModelError(
            f"The bundle's {where} holds Python to be run ({value[:60]}), which is refused. Write the value itself "
            "there."
        )
    return value


def _has(found: dict | list, index: Any) -> bool:
    return index in found if isinstance(found, dict) else isinstance(index, int) and index < len(found)


def _name(step: Mapping[str, Any]) -> str:
    return str(step.get("_target_", "")).split(".")[-1]


def _default(value: Any, otherwise: float) -> float:
    return otherwise if value is None else value


def _common(factor: int, size: int) -> int:
    while size % factor:
        factor //= 2
    return factor
