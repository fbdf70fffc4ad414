"""What the papers say helps, each as a pair of entrants that differ in nothing else, and what the benchmark finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import TrainingError
from ..evaluation.significance import paired_p
from .run import Result

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Figure:
    """A figure of the cases that the claim is about; ``better`` +1 where more is better, -1 where less is."""

    key: str
    title: str
    better: int
    digits: int = 3


DICE, CLDICE = Figure("dice", "Dice", 1), Figure("cldice", "clDice", 1)
SURFACE = (
    Figure("roughness_mm", "surface roughness (mm)", -1), Figure("components_predicted", "pieces", -1, 1), DICE,
    Figure("hd95_mm", "HD95 (mm)", -1, 2),
)


@dataclass(frozen=True)
class Claim:
    """``text`` is what the paper says helps: the entrant ``of`` has it, ``without`` does not."""

    name: str
    text: str
    of: str
    without: str
    figures: tuple[Figure, ...] = (DICE,)


_ALL = (
    Claim("modulation", "Mask-guided modulation (Zafar 2025)", "mask-guided", "mask-guided-no-modulation"),
    Claim("gates", "Vessel-aware attention gates (Zafar 2025)", "mask-guided", "mask-guided-no-gates"),
    Claim("refinement", "The refined stage after the coarse one (Zafar 2025)", "mask-guided",
          "mask-guided-coarse-only"),
    Claim("topology-loss", "The topology term of the loss (Zafar 2025)", "mask-guided", "mask-guided-no-topology",
          (CLDICE, DICE)),
    Claim("small-patches", "Patches of 64 instead of 128 voxels (Zafar 2025)", "mask-guided", "mask-guided-128"),
    Claim("frequency", "Frequency enhancement (Khan 2025)", "sfanet", "sfanet-ag-att"),
    Claim("attention", "Channel and spatial attention (Khan 2025)", "sfanet-ag-att", "sfanet-ag"),
    Claim("skip-gates", "Attention gates in the skips (Khan 2025)", "sfanet-ag", "sfanet-unet"),
    Claim("gan", "Refinement by the 3D Attention-GAN (Khan 2025)", "seg2refinenet", "sfanet"),
    Claim("dice-bce", "Dice + BCE instead of Dice alone (Nayak)", "resunet3d", "resunet3d-dice", SURFACE),
    Claim("full-scale-skips", "U-Net 3+ instead of U-Net++ (angiography)", "unet3plus", "angiogram-unetplusplus"),
    Claim("nested-skips", "U-Net++ instead of U-Net (angiography)", "angiogram-unetplusplus", "angiogram-unet"),
    Claim("no-pyramid", "U-Net instead of DeepLabV3+ (angiography)", "angiogram-unet", "angiogram-deeplabv3plus"),
    Claim("deep-supervision", "Deep supervision of U-Net 3+", "unet3plus", "unet3plus-no-supervision"),
    Claim("transfer", "Transfer learning in U-Net 3+", "unet3plus-no-supervision",
          "unet3plus-no-supervision-no-transfer"),
    Claim("local-look", "The local look of TPRNet", "tprnet-global-local", "tprnet-global", (DICE, CLDICE)),
    Claim("focal-look", "The focal look of TPRNet", "tprnet", "tprnet-global-local", (DICE, CLDICE)),
)
CLAIMS = {claim.name: claim for claim in _ALL}


def find_claims(names: Sequence[str]) -> tuple[Claim, ...]:
    """Those called ``names``. Raises TrainingError listing the known ones."""
    unknown = [name for name in names if name not in CLAIMS]
    if unknown:
        raise TrainingError(f"There is no claim {', '.join(unknown)}. Choose among: {', '.join(CLAIMS)}.")
    return tuple(CLAIMS[name] for name in names)


def verdicts(results: Sequence[Result]) -> tuple[str, ...]:
    """One sentence for every claim whose two entrants are there: what was found, and whether that confirms it."""
    by_name = {result.name: result for result in results}
    return tuple(
        _verdict(claim, by_name[claim.of], by_name[claim.without])
        for claim in _ALL if claim.of in by_name and claim.without in by_name
    )


def _verdict(claim: Claim, of: Result, without: Result) -> str:
    found = [text for figure in claim.figures if (text := _found(figure, of, without))]
    return f"{claim.text}: {'; '.join(found) or 'no case has the figure in both'}."


def _found(figure: Figure, of: Result, without: Result) -> str:
    values = [(of.cases[name].get(figure.key), without.cases[name].get(figure.key)) for name in of.cases
              if name in without.cases]
    values = [(a, b) for a, b in values if a is not None and b is not None]
    if not values:
        return ""
    mean, other = (sum(side) / len(values) for side in zip(*values, strict=True))
    p = paired_p(*({name: case.get(figure.key) for name, case in r.cases.items()} for r in (of, without)))
    difference = mean - other
    way = "contradicted" if difference * figure.better < 0 else "confirmed"
    if p is None or p >= SIGNIFICANT:
        way = "not decided" if difference == 0 else f"not decided, though {_direction(way)}"
    p_value = "" if p is None else f", p {p:.3f}" if p >= 0.001 else ", p <0.001"
    digits = figure.digits
    return (f"{figure.title} {mean:.{digits}f} with and {other:.{digits}f} without it over {len(values)} "
            f"case{'s' if len(values) > 1 else ''}{p_value}: {way}")


def _direction(way: str) -> str:
    return "the mean is as claimed" if way == "confirmed" else "the mean is the other way round"
