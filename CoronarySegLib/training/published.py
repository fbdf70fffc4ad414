"""The published systems and baselines as training settings, with their ablations, by name.

``paper`` is what the papers say, and where they say nothing the plainest choice; ``recommended`` is what we do
otherwise for quality. What a run does otherwise than its paper is found by comparison (:func:`deviations_of`) and
printed, so that no difference is silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import TrainingError
from .config import TrainConfig, from_dict
from .stages import CHANGEABLE

PROFILES = ("paper", "recommended")
PATCHES_A_CASE = 16
"""What an epoch draws of every case; no paper says how many. A squeezed volume is one patch."""

# No paper names a running mean, clipping, a start value of the output or a warm-up.
_PLAIN: dict[str, Any] = {
    "learning_rate": 1e-4, "schedule": "constant", "warmup_steps": 0, "output_bias": None, "ema_decay": 0.0,
    "gradient_clip": None, "batch": 4,
}
_OURS: dict[str, Any] = {
    "learning_rate": 1e-3, "schedule": "cosine", "warmup_steps": 100, "output_bias": -4.0, "ema_decay": 0.999,
    "gradient_clip": 1.0,
}
_NATIVE = {"spacing_mm": None, "native": True, "profile": "paper"}


@dataclass(frozen=True)
class Published:
    """``paper`` and ``recommended`` are values of TrainConfig, the second laid over the first. ``system`` is what an
    exported model does with the stage, where its stages suit several; ``balanced`` asks for the weighted
    cross-entropy with the data's own share of vessel; ``imagenet`` for an encoder with those weights."""

    name: str
    source: str
    epochs: int
    paper: Mapping[str, Any]
    recommended: Mapping[str, Any] = field(default_factory=dict)
    system: str | None = None
    balanced: bool = False
    imagenet: bool = False


def _mask_guided(name: str, text: str = "", patch: int = 64, **changes: Any) -> Published:
    arguments = changes.pop("network_arguments", {})
    paper = {
        **_PLAIN, "stage": "patches", "network": "MaskGuidedNet", "network_arguments": arguments,
        "stage_changes": {**_NATIVE, "normalisation": "minmax"}, "patch_zyx": [patch] * 3, "topology": "cldice",
        "topology_weight": 0.5, "auxiliary_weight": 0.5, **changes,
    }
    source = f"Zafar et al. 2025, mask-guided coarse-to-refined network{text}"
    paper["stage_changes"]["patch_zyx"] = [patch] * 3
    return Published(name, source, 100, paper, {**_OURS, "stage_changes": {"patch_zyx": [patch] * 3}})


def _sfanet(name: str, variant: str) -> Published:
    paper = {
        **_PLAIN, "stage": "slices", "network": "SFANet", "network_arguments": {"variant": variant},
        "weight_decay": 1e-5, "dice_weight": 0.5, "bce_weight": 0.5, "augment": True,
    }
    source = f"Khan and Liatsis 2025, Seg2RefineNet, first stage, row {variant} of Table 1"
    return Published(name, source, 50, paper, {"warmup_steps": 100, "ema_decay": 0.999, "gradient_clip": 1.0},
                     balanced=True)


def _patches(name: str, source: str, network: str, patch_zyx: list[int], stage: str = "patches", *, epochs: int = 100,
             system: str | None = None, **changes: Any) -> Published:
    paper = {**_PLAIN, "stage": stage, "network": network, "patch_zyx": patch_zyx, **changes}
    return Published(name, source, epochs, paper, _OURS, system)


def _unet3plus(name: str, text: str, network: str = "UNet3Plus", imagenet: bool = True, **changes: Any) -> Published:
    """Section 2.2.3 of the paper on U-Net 3+, which trains all its networks alike."""
    paper = {
        **_PLAIN, "stage": "angiogram", "network": network, "optimiser": "rmsprop", "weight_decay": 1e-4,
        "focal_gamma": 2.0, "auxiliary_weight": 0.25, "augment": True, "stage_changes": {"binarisation": "otsu"},
        **changes,
    }
    source = f"U-Net 3+ on invasive coronary angiography, {text}"
    ours = {"schedule": "cosine", "gradient_clip": 12.0, "ema_decay": 0.999}
    return Published(name, source, 100, paper, ours, imagenet=imagenet)


def _tprnet(name: str, text: str, branches: str) -> Published:
    paper = {
        **_PLAIN, "stage": "angiogram", "network": "TPRNet", "optimiser": "sgd", "learning_rate": 0.01,
        "momentum": 0.99, "weight_decay": 3e-5, "schedule": "poly", "gradient_clip": 12.0, "batch": 2,
        "auxiliary_weight": 1.0, "augment": True,
        # The focal network joins after an epoch of ARCADE's thousand images.
        "network_arguments": {"branches": branches, "merging": "sequential", "focal_after": 500},
    }
    # Joined as probabilities, squares that overlap say the same in any order.
    ours = {"network_arguments": {**paper["network_arguments"], "merging": "overlap"}, "ema_decay": 0.999}
    return Published(name, f"TPRNet on X-ray angiograms, {text}", 100, paper, ours)


_RESUNET = {**_PLAIN, "stage": "whole", "network": "ResUNet3D", "batch": 2}
_ZENG = "Zeng et al. 2023, ImageCAS baseline"
_ALL = (
    _mask_guided("mask-guided"),
    _mask_guided("mask-guided-128", ", patches of 128", patch=128),
    _mask_guided("mask-guided-coarse-only", ", coarse network alone", network_arguments={"refine": False}),
    _mask_guided("mask-guided-no-modulation", ", without Eq. 10", network_arguments={"modulation": False}),
    _mask_guided("mask-guided-no-gates", ", without Eq. 11-12", network_arguments={"gates": False}),
    _mask_guided("mask-guided-no-topology", ", without the topology term of Eq. 14", topology="none"),
    _sfanet("sfanet", "SFANet"),
    _sfanet("sfanet-unet", "UNet"),
    _sfanet("sfanet-ag", "AG"),
    _sfanet("sfanet-ag-att", "AG+Att"),
    Published(
        "attention-gan", "Khan and Liatsis 2025, Seg2RefineNet, second stage", 100,
        {**_PLAIN, "stage": "refine", "network": "AttentionGANGenerator", "network_arguments": {"base": 64},
         "critic_base": 64, "learning_rate": 2e-4, "adam_beta1": 0.5, "dice_weight": 5.0, "bce_weight": 0.0,
         "betti0": "literal", "batch": 1, "augment": True},
        # The piece count has no gradient; as a weight of the Dice loss it has at least a say.
        {"betti0": "weight", "ema_decay": 0.999, "gradient_clip": 1.0},
    ),
    Published("resunet3d", "Nayak, Scott and Kini, ResUNet3D", 200, _RESUNET, _OURS),
    Published("resunet3d-dice", "Nayak, Scott and Kini, ResUNet3D, Dice loss alone", 200,
              {**_RESUNET, "bce_weight": 0.0}, _OURS),
    _patches("huang", "Huang et al. 2018, patch 3D U-Net", "PatchUNet", [16, 64, 64], epochs=15),
    _patches("shen", "Shen et al. 2019, attention U-Net and level set", "AttentionUNet3D", [64, 64, 64],
             system="patches_level_set"),
    _patches("chen", "Chen et al. 2019, 3D U-Net of CT and vesselness", "UNet3D", [32, 32, 32], "vesselness"),
    Published("zeng-coarse", f"{_ZENG}, coarse network", 100,
              {**_PLAIN, "stage": "coarse", "network": "UNet3D", "batch": 2}, _OURS),
    *(_patches(f"zeng-{size}", f"{_ZENG}, patches of {size}", "UNetPlusPlus3D", [size] * 3, f"fine{size}")
      for size in (16, 32, 64)),
    _unet3plus("unet3plus", "with deep supervision"),
    _unet3plus("unet3plus-no-supervision", "without deep supervision", network_arguments={"deep_supervision": False}),
    _unet3plus("unet3plus-no-supervision-no-transfer", "without deep supervision and transfer learning", imagenet=False,
               network_arguments={"deep_supervision": False}),
    *(_unet3plus(f"angiogram-{name}", f"{network} of its Table 2", network) for name, network in (
        ("unet", "UNet"), ("unetplusplus", "UNetPlusPlus"), ("deeplabv3", "DeepLabV3"),
        ("deeplabv3plus", "DeepLabV3Plus"), ("pspnet", "PSPNet"),
    )),
    # In bf16 on a processor one batch in four gave it gradients of 1e26; in float32 none did.
    _unet3plus("angiogram-cgnet", "CGNet of its Table 2", "CGNet", imagenet=False, precision="off"),
    _tprnet("tprnet", "all three looks", "global+local+focal"),
    _tprnet("tprnet-global-local", "row 2 of Table II", "global+local"),
    _tprnet("tprnet-global", "row 1 of Table II", "global"),
)
PUBLISHED = {entry.name: entry for entry in _ALL}


def find_published(name: str) -> Published:
    """The entry called ``name``; raises TrainingError listing the known ones."""
    if name not in PUBLISHED:
        raise TrainingError(f"There is no published system {name!r}. Choose one of: {', '.join(PUBLISHED)}.")
    return PUBLISHED[name]


def published_config(name: str, profile: str = "recommended", *, cases: int = 200, **changes: Any) -> TrainConfig:
    """Settings of a published system; ``changes`` lie over them. Steps are the paper's epochs over ``cases`` cases."""
    entry = find_published(name)
    if profile not in PROFILES:
        raise TrainingError(f"There is no profile {profile!r}. Choose one of: {', '.join(PROFILES)}.")
    values = {**entry.paper, **(entry.recommended if profile == "recommended" else {}), "published": name, **changes}
    config = from_dict({**values, "steps": 1})
    whole = config.spec.resized or config.spec.of_angiograms
    patches = cases * (1 if whole else PATCHES_A_CASE)
    steps = max(1, entry.epochs * patches // (config.batch * config.accumulate))
    return config.with_changes(steps=changes.get("steps", steps))


def deviations_of(config: TrainConfig) -> tuple[str, ...]:
    """One sentence for every setting in which a run of a published system differs from its paper; none otherwise."""
    if not config.published:
        return ()
    entry = find_published(config.published)
    published = from_dict({**entry.paper, "published": config.published})
    ours, paper = config.to_dict(), published.to_dict()
    pairs = [(name, ours[name], paper[name]) for name in entry.paper if name != "stage_changes"]
    pairs += [(name, getattr(config.spec, name), getattr(published.spec, name)) for name in CHANGEABLE
              if name not in ("profile", "patch_zyx")]
    told = [f"{entry.name}: {name} is {mine} instead of {theirs}." for name, mine, theirs in pairs if mine != theirs]
    if entry.imagenet and config.encoder_weights is None:
        told.append(f"{entry.name}: the encoder starts from chance instead of ImageNet's weights (encoder_weights).")
    return tuple(told)
