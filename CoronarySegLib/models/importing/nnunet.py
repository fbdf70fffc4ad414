"""A results folder of nnU-Net v2: ``plans.json``, ``dataset.json``, ``fold_<k>/checkpoint_final.pth``.

The plan says everything: grid, values, patch, network. nnU-Net's plain U-Net is built here from MONAI's blocks; its
residual encoders need the package dynamic-network-architectures. Read into the format as documented by nnU-Net.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import ModelError
from .foreign import Foreign, along_ours, choose_outputs, read_json, read_numbers, three

CONFIGURATIONS = ("3d_fullres", "3d_lowres")
CHECKPOINTS = ("checkpoint_final.pth", "checkpoint_best.pth")
_CONVOLUTION = re.compile(r"(encoder|decoder)\.stages\.(\d+)\.(?:0\.)?convs\.(\d+)\.(conv|norm)\.(weight|bias)")


def find_trained(source: Path) -> Path | None:
    """The folder of one trainer at or below ``source``, 3d_fullres before others; None where there is none."""
    if (source / "plans.json").is_file():
        return source
    found = [path.parent for path in sorted(source.glob("*/plans.json")) if (path.parent / "dataset.json").is_file()]
    return min(found, key=lambda path: not path.name.endswith(CONFIGURATIONS[0]), default=None)


def read_nnunet(
    trained: Path, *, fold: str | None = None, checkpoint: str | None = None,
    outputs: Mapping[str, Sequence[str]] | None = None,
) -> Foreign:
    """What is in the folder of a trainer. Raises ModelError."""
    plans, dataset = read_json(trained / "plans.json"), read_json(trained / "dataset.json")
    path = _checkpoint(trained, fold, checkpoint)
    values = read_numbers(path)
    state = values.get("network_weights")
    if not isinstance(state, dict):
        raise ModelError(f"{path} is no checkpoint of nnU-Net v2: it has no network_weights. Give another one.")
    configuration = _configuration(trained, values)
    try:
        plan = _inherited(plans["configurations"], configuration)
        hu_window, scale, shift, normalisation = _values(plan, plans)
        axes = tuple(plans["transpose_forward"])
        spacing = three(plan["spacing"], "The plan's spacing")
        patch = three(plan["patch_size"], "The plan's patch_size")
        target, arguments = _architecture(plan)
        classes, activation = _classes(dataset)
    except KeyError as error:
        raise ModelError(f"{trained / 'plans.json'} has no entry {error}. Give the plan of a 3D training.") from error
    if sorted(axes) != [0, 1, 2]:
        raise ModelError(f"The plan's transpose_forward is {axes}, not an order of three axes. Correct plans.json.")
    if len(dataset.get("channel_names", {"0": "CT"})) != 1:
        raise ModelError(f"{trained} was trained on several images a case; here is only a CT. Give another model.")
    names, groups, left_out = choose_outputs(classes, outputs)
    count = max(max(classes.values()) + 1, 2 if activation == "softmax" else 1)
    planned = target == "PlainConvUNet" and set(arguments["n_conv_per_stage"]) == {2} \
        and set(arguments["n_conv_per_stage_decoder"]) == {2}
    factor = [math.prod(stride[i] for stride in arguments["strides"]) for i in range(3)]
    built = _planned(arguments, count) if planned else {**arguments, "input_channels": 1, "num_classes": count}
    # nnU-Net's readers give (z, y, x) as stored; one of them turns everything to RAS first.
    flips = [axes.index(1), axes.index(2)] if "Reorient" in plans.get("image_reader_writer", "") else []
    data_set = plans.get("dataset_name", trained.parent.name)
    mirrored = values.get("inference_allowed_mirroring_axes") or ()
    return Foreign(
        source=path,
        arguments={
            "library": "planned" if planned else "dynamic_network_architectures", "target": target, "arguments": built,
            "outputs": groups, "classes": count, "activation": activation, "scale": scale, "shift": shift,
            "axes": list(axes), "flips": flips, "size_factor": list(along_ours(factor, axes)),
        },
        state=_renamed(state) if planned else _plain_names(state),
        outputs=names, patch_zyx=tuple(int(n) for n in along_ours(patch, axes)),
        spacing_zyx_mm=tuple(float(s) for s in along_ours(spacing, axes)),
        hu_window=hu_window, normalisation=normalisation,
        mirror_axes=tuple(sorted(axes[axis] for axis in mirrored)),
        description=f"nnU-Net {data_set}, {configuration}, {target}, {path.parent.name}.",
        training_data=f"nnU-Net data set {data_set}, {dataset.get('numTraining', 'unknown number of')} cases",
        remarks=(
            "Resampled by a cubic spline along every axis; nnU-Net takes the nearest slice along a much coarser axis.",
            "Voxels are ordered along left, posterior, superior, however the file stores them.",
            *((f"Not used: {', '.join(left_out)}.",) if left_out else ()),
        ),
    )


def _checkpoint(trained: Path, fold: str | None, name: str | None) -> Path:
    folds = {path.name.removeprefix("fold_"): path for path in sorted(trained.glob("fold_*")) if path.is_dir()}
    if not folds:
        raise ModelError(f"{trained} has no fold_* folder with a checkpoint. Give the results folder of a training.")
    wanted = fold if fold is not None else "all" if "all" in folds else next(iter(folds))
    if wanted not in folds:
        raise ModelError(f"{trained} has no fold {wanted}. Choose one of: {', '.join(folds)}.")
    names = [name] if name else [n for n in CHECKPOINTS if (folds[wanted] / n).is_file()]
    return folds[wanted] / (names[0] if names else CHECKPOINTS[0])


def _configuration(trained: Path, checkpoint: Mapping[str, Any]) -> str:
    named = trained.name.split("__")[-1] if "__" in trained.name else None
    configuration = named or (checkpoint.get("init_args") or {}).get("configuration") or CONFIGURATIONS[0]
    if configuration not in CONFIGURATIONS:
        raise ModelError(
            f"The configuration {configuration} cannot be imported, only {' and '.join(CONFIGURATIONS)}: slices and "
            "cascades need more than one network's patches."
        )
    return configuration


def _inherited(configurations: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A configuration over the one it inherits from."""
    own, seen = dict(configurations[name]), {name}
    while (parent := own.pop("inherits_from", None)) is not None:
        if parent in seen:
            raise ModelError(f"The plan's configuration {name} inherits from itself. Correct plans.json.")
        seen.add(parent)
        own = {**configurations[parent], **own}
    return own


def _values(plan: Mapping[str, Any], plans: Mapping[str, Any]) -> tuple[tuple[float, float], float, float, str]:
    """HU window, scale and shift of the values 0..1 in it, and our normalisation: nnU-Net's as ours is."""
    scheme = plan["normalization_schemes"][0]
    if scheme == "CTNormalization":
        seen = plans["foreground_intensity_properties_per_channel"]["0"]
        low, high = float(seen["percentile_00_5"]), float(seen["percentile_99_5"])
        deviation = max(float(seen["std"]), 1e-8)
        return (low, high), (high - low) / deviation, (low - float(seen["mean"])) / deviation, "window"
    if scheme == "RescaleTo01Normalization":
        return (-1024.0, 3071.0), 1.0, 0.0, "minmax"
    raise ModelError(
        f"The model's images are normalised by {scheme}, which is not known here (CTNormalization and "
        "RescaleTo01Normalization are). Give a model trained on CT as CT."
    )


def _architecture(plan: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Class name and arguments; older plans say them in other words."""
    if "architecture" in plan:
        target = plan["architecture"]["network_class_name"].split(".")[-1]
        return target, dict(plan["architecture"]["arch_kwargs"])
    levels = len(plan["pool_op_kernel_sizes"])
    base, most = plan["UNet_base_num_features"], plan["unet_max_num_features"]
    target = plan["UNet_class_name"]
    blocks = "n_conv_per_stage" if target == "PlainConvUNet" else "n_blocks_per_stage"
    return target, {
        "n_stages": levels, "features_per_stage": [min(base * 2**i, most) for i in range(levels)],
        "kernel_sizes": plan["conv_kernel_sizes"], "strides": plan["pool_op_kernel_sizes"],
        blocks: plan["n_conv_per_stage_encoder"], "n_conv_per_stage_decoder": plan["n_conv_per_stage_decoder"],
        "conv_op": "Conv3d", "conv_bias": True, "norm_op": "InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-5, "affine": True}, "dropout_op": None, "nonlin": "LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }


def _planned(arguments: Mapping[str, Any], count: int) -> dict[str, Any]:
    kernels, strides = ([[n] * 3 if isinstance(n, int) else list(n) for n in arguments[key]]
                        for key in ("kernel_sizes", "strides"))
    return {"in_channels": 1, "out_channels": count, "channels": list(arguments["features_per_stage"]),
            "kernels": kernels, "strides": strides}


def _classes(dataset: Mapping[str, Any]) -> tuple[dict[str, int], str]:
    """Labels without the background by number of the network's output, and what makes probabilities of them."""
    labels = {name: value for name, value in dataset["labels"].items() if name not in ("background", "ignore")}
    if any(isinstance(value, list) for value in dataset["labels"].values()):
        return {name: number for number, name in enumerate(labels)}, "sigmoid"
    return {name: int(value) for name, value in labels.items()}, "softmax"


def _plain_names(state: Mapping[str, Any]) -> dict[str, Any]:
    return {re.sub(r"^(module\.|_orig_mod\.)+", "", name): value for name, value in state.items()}


def _renamed(state: Mapping[str, Any]) -> dict[str, Any]:
    """nnU-Net's names as :class:`~CoronarySegLib.networks.planned_unet.PlannedUNet`'s, each tensor once."""
    plain = _plain_names(state)
    last = max((int(name.split(".")[2]) for name in plain if name.startswith("decoder.seg_layers.")), default=-1)
    found = {}
    for name, value in plain.items():
        match = _CONVOLUTION.fullmatch(name)
        if match:
            part, level, number, kind, end = match.groups()
            where = f"down.{level}" if part == "encoder" else f"up.{level}.conv_block"
            if kind == "norm":
                found[f"{where}.norm{int(number) + 1}.{end}"] = value
            elif end == "weight":  # the norm that follows takes a bias away again
                found[f"{where}.conv{int(number) + 1}.conv.weight"] = value
        elif name.startswith("decoder.transpconvs."):
            _, _, level, end = name.split(".")
            found[f"up.{level}.transp_conv.conv.{end}"] = value
        elif name.startswith(f"decoder.seg_layers.{last}."):
            found[f"out.conv.conv.{name.split('.')[-1]}"] = value
    return found

