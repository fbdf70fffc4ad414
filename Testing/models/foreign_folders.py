"""Small made-up folders of other programs in their true layout."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

LABELS = {"background": 0, "coronary artery": 1, "calcified plaque": 2, "aorta": 3}
ARCHITECTURE = {
    "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
    "arch_kwargs": {
        "n_stages": 3, "features_per_stage": [4, 6, 8], "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": [[1, 3, 3], [3, 3, 3], [3, 3, 3]], "strides": [[1, 1, 1], [1, 2, 2], [2, 2, 2]],
        "n_conv_per_stage": [2, 2, 2], "n_conv_per_stage_decoder": [2, 2], "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d", "norm_op_kwargs": {"eps": 1e-5, "affine": True},
        "dropout_op": None, "dropout_op_kwargs": None, "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    },
    "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
}


def plans(**changes) -> dict:
    """plans.json with one configuration that another one inherits from."""
    base = {
        "data_identifier": "nnUNetPlans_3d_fullres", "preprocessor_name": "DefaultPreprocessor", "batch_size": 2,
        "patch_size": [8, 16, 24], "spacing": [1.0, 0.5, 0.75], "normalization_schemes": ["CTNormalization"],
        "use_mask_for_norm": [False], "architecture": ARCHITECTURE, **changes.pop("configuration", {}),
    }
    return {
        "dataset_name": "Dataset900_Made", "plans_name": "nnUNetPlans", "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2], "transpose_backward": [0, 1, 2],
        "foreground_intensity_properties_per_channel": {
            "0": {"mean": 300.0, "std": 150.0, "percentile_00_5": -100.0, "percentile_99_5": 700.0}
        },
        "configurations": {"base": base, "3d_fullres": {"inherits_from": "base"}}, **changes,
    }


def nnunet_state(seed: int = 0, classes: int = 4, channels=(4, 6, 8), kernels=None) -> dict[str, torch.Tensor]:
    """A state dict with the names and second names that nnU-Net's plain U-Net has."""
    generator = torch.Generator().manual_seed(seed)
    kernels = kernels or ARCHITECTURE["arch_kwargs"]["kernel_sizes"]
    strides = ARCHITECTURE["arch_kwargs"]["strides"]

    def drawn(*shape):
        return torch.randn(*shape, generator=generator) * 0.3

    state = {}

    def block(prefix, before, after, kernel):
        for number, first in enumerate((before, after)):
            tensors = {"conv.weight": drawn(after, first, *kernel), "conv.bias": drawn(after),
                       "norm.weight": 1 + drawn(after), "norm.bias": drawn(after)}
            for name, value in tensors.items():
                kind, end = name.split(".")
                state[f"{prefix}.convs.{number}.{name}"] = value
                state[f"{prefix}.convs.{number}.all_modules.{('conv', 'norm').index(kind)}.{end}"] = value

    for level, after in enumerate(channels):
        block(f"encoder.stages.{level}.0", channels[level - 1] if level else 1, after, kernels[level])
    state |= {f"decoder.{name}": value for name, value in state.items()}
    for number, level in enumerate((1, 0)):
        state[f"decoder.transpconvs.{number}.weight"] = drawn(channels[level + 1], channels[level], *strides[level + 1])
        state[f"decoder.transpconvs.{number}.bias"] = drawn(channels[level])
        block(f"decoder.stages.{number}", 2 * channels[level], channels[level], kernels[level])
        state[f"decoder.seg_layers.{number}.weight"] = drawn(classes, channels[level], 1, 1, 1)
        state[f"decoder.seg_layers.{number}.bias"] = drawn(classes)
    return state


def write_nnunet(folder: Path, *, labels: dict | None = None, state: dict | None = None, **changes) -> Path:
    """The results folder of a data set; returns that of its trainer."""
    trained = folder / "Dataset900_Made" / "nnUNetTrainer__nnUNetPlans__3d_fullres"
    for number in (0, 1):
        (trained / f"fold_{number}").mkdir(parents=True)
        checkpoint = {
            "network_weights": state or nnunet_state(number), "optimizer_state": {"state": {}, "param_groups": []},
            "grad_scaler_state": None, "logging": {"mean_fg_dice": [np.float64(0.5), np.float32(0.6)]},
            "_best_ema": np.float64(0.6), "current_epoch": 1000, "trainer_name": "nnUNetTrainer",
            "init_args": {"configuration": "3d_fullres", "fold": number, "device": torch.device("cpu")},
            "inference_allowed_mirroring_axes": (0, 2),
        }
        torch.save(checkpoint, trained / f"fold_{number}" / "checkpoint_final.pth")
    (trained / "plans.json").write_text(json.dumps(plans(**changes)))
    (trained / "dataset.json").write_text(json.dumps({
        "channel_names": {"0": "CT"}, "labels": labels or LABELS, "numTraining": 12, "file_ending": ".nii.gz",
    }))
    return trained


NETWORK = {
    "_target_": "UNet", "spatial_dims": 3, "in_channels": "@channels", "out_channels": 3, "channels": [4, 8],
    "strides": [2],
}
TRANSFORMS = [
    {"_target_": "LoadImaged", "keys": "@image_key"},
    {"_target_": "EnsureChannelFirstd", "keys": "image"},
    {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
    {"_target_": "Spacingd", "keys": "image", "pixdim": [0.8, 1.0, 1.2], "mode": "bilinear"},
    {"_target_": "ScaleIntensityRanged", "keys": "image", "a_min": -100, "a_max": 700, "b_min": -1.0, "b_max": 1.0,
     "clip": True},
    {"_target_": "EnsureTyped", "keys": "image", "device": "$torch.device('cpu')"},
]


def bundle_config(network: dict | None = None, transforms: list | None = None, **changes) -> dict:
    return {
        "imports": ["$import torch"], "image_key": "image", "channels": 1, "network_def": network or NETWORK,
        "network": "$@network_def.to(@device)",
        "preprocessing": {"_target_": "Compose", "transforms": TRANSFORMS if transforms is None else transforms},
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [16, 24, 32], "overlap": 0.5},
        "postprocessing": {"_target_": "Compose", "transforms": [
            {"_target_": "Activationsd", "keys": "pred", "softmax": True}, {"_target_": "AsDiscreted", "argmax": True},
        ]},
        **changes,
    }


def write_bundle(folder: Path, network: torch.nn.Module, config: dict | None = None, *, script: bool = False) -> Path:
    """A bundle whose weights are ``network``'s."""
    for name in ("configs", "models"):
        (folder / name).mkdir(parents=True)
    (folder / "configs/metadata.json").write_text(json.dumps({
        "name": "Vessels", "version": "0.3.1", "data_source": "made up", "network_data_format": {"outputs": {"pred": {
            "num_channels": 3, "channel_def": {"0": "background", "1": "left coronary", "2": "right coronary"},
        }}},
    }))
    (folder / "configs/inference.json").write_text(json.dumps(config or bundle_config()))
    if script:
        torch.jit.save(torch.jit.script(network), str(folder / "models/model.ts"))
    else:
        torch.save(network.state_dict(), folder / "models/model.pt")
    return folder
