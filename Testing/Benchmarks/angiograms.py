"""Trains and scores the systems on X-ray angiograms on one data folder, split by patient: the papers' tables.

    python Testing/Benchmarks/angiograms.py DATA OUT                       # 70/10/20 by patient, the papers' 100 epochs
    python Testing/Benchmarks/angiograms.py DATA OUT --folds 10 --fold 1 --fold 2 ...      # 10-fold cross-validation
    python Testing/Benchmarks/angiograms.py DATA OUT --minutes 30 --side 256 --system tprnet-global --system unet3plus
    python Testing/Benchmarks/angiograms.py DATA OUT --pretrain SYNTHETIC --pretrain-minutes 30   # instead of ImageNet

DATA holds images and masks or COCO files. OUT keeps ``split.csv`` (who trains, validates and tests), every run with its
settings and seed, every model, every mask and ``table.md`` with the papers' figures beside ours. The same command goes
on where it was stopped. Systems whose package is not installed are named in the table and left out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from CoronarySegLib.angiogram.training.cases import find_cases
from CoronarySegLib.angiogram.training.patients import one_split, patient_folds, patients_of, write_folds
from CoronarySegLib.benchmark.entrants import find_entrants
from CoronarySegLib.benchmark.run import Plan, Result, pooled, run_entrant
from CoronarySegLib.benchmark.table import benchmark_parts
from CoronarySegLib.benchmark.transfer import CARRIER, pretrained_encoder
from CoronarySegLib.errors import MissingPackageError
from CoronarySegLib.in_place import write_text
from CoronarySegLib.training.config import read_values
from CoronarySegLib.training.published import PUBLISHED
from CoronarySegLib.writing.document import Heading, Items, Part, TextTable, as_markdown

SYSTEMS = (
    "angiogram-unet", "angiogram-unetplusplus", "angiogram-deeplabv3plus", "unet3plus", "unet3plus-no-supervision",
    "unet3plus-no-supervision-no-transfer", "tprnet", "tprnet-global-local", "tprnet-global",
)
PAPERS = {
    "angiogram-cgnet": 0.5395, "angiogram-pspnet": 0.8257, "angiogram-deeplabv3": 0.8340,
    "angiogram-deeplabv3plus": 0.8462, "angiogram-unet": 0.8799, "angiogram-unetplusplus": 0.8814,
    "unet3plus-no-supervision-no-transfer": 0.8607, "unet3plus-no-supervision": 0.8862, "unet3plus": 0.8942,
    "tprnet-global": 0.8280, "tprnet-global-local": 0.8345, "tprnet": 0.8370,
}
"""Dice of Table 2 of the paper on U-Net 3+ (616 images of 210 patients) and of Table II of TPRNet (ARCADE)."""
COMPARABLE = "Ours and the papers' figures are of other images and other readers: compare rows, not columns."
TRANSFER = {
    "imagenet": "Encoders start from the weights that --encoder-weights names; the row without transfer learning from "
    "chance.",
    "synthetic": "Encoders start from what they learned on synthetic angiograms, not from ImageNet's weights; the row "
    "without transfer learning from chance.",
    "chance": "No weights to start from were given: every encoder starts from chance, and the row without transfer "
    "learning repeats the one with it.",
}
LARGEST_STEP = 64
"""Squares of TPRNet are multiples of it: its local network halves them six times."""


def main() -> None:
    """Parse, train, score, write the table after every system."""
    arguments = _parser().parse_args()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    split = out / "split.csv"
    if not split.is_file():
        _write_split(arguments, split)
    transfer = "imagenet" if arguments.encoder_weights else "chance"
    if arguments.pretrain is not None:
        transfer = "synthetic"
        arguments.encoder_weights = str(_pretrained(arguments, out / "pretraining"))
    plan = Plan(
        arguments.data, split, steps=arguments.steps, minutes=arguments.minutes, profile=arguments.profile,
        device=arguments.device, settings={"*": _settings(arguments), **_of_systems(arguments)},
    )
    results, left_out = [], []
    for entrant in find_entrants(tuple(arguments.system or SYSTEMS), on_angiograms=True):
        try:
            results.append(pooled([
                run_entrant(entrant, _of_fold(plan, fold), out / f"fold-{fold}" / entrant.name, _told(entrant.name))
                for fold in arguments.fold or [1]
            ]))
        except MissingPackageError as error:
            left_out.append(f"{entrant.name} left out: {error}")
        if results:
            write_text(out / "table.md", table(results, [TRANSFER[transfer], *left_out]))
    print(f"Written to {out / 'table.md'}" if results else "\n".join(left_out))


def table(results: list[Result], remarks: list[str]) -> str:
    """The benchmark's report, and our Dice beside the papers', with ``remarks`` on how to read them."""
    rows = tuple(
        (r.name, f"{_dice(r):.4f}", f"{PAPERS[r.name]:.4f}" if r.name in PAPERS else "–")
        for r in sorted(results, key=_dice)
    )
    parts: list[Part] = [
        *benchmark_parts(results), Heading("Beside the papers"),
        TextTable(("system", "Dice here", "Dice published"), rows),
        Items((COMPARABLE, *remarks)),
    ]
    return as_markdown("Systems on X-ray angiograms", tuple(parts))


def _dice(result: Result) -> float:
    values = [case["dice"] for case in result.cases.values() if case["dice"] is not None]
    return sum(values) / len(values)


def _write_split(arguments: argparse.Namespace, path: Path) -> None:
    patients = patients_of([case.name for case in find_cases(arguments.data)], arguments.data)
    splits = (one_split(patients, seed=arguments.seed),) if arguments.folds == 1 else patient_folds(
        patients, folds=arguments.folds, seed=arguments.seed
    )
    write_folds(path, splits)


def _pretrained(arguments: argparse.Namespace, work: Path) -> Path:
    settings = {
        **_settings(arguments), "stage_changes": _stage(CARRIER, arguments.side), "device": arguments.device
    }
    return pretrained_encoder(
        arguments.pretrain, work, settings, minutes=arguments.pretrain_minutes, progress=_told("encoder")
    )


def _settings(arguments: argparse.Namespace) -> dict:
    given = {"seed": arguments.seed, "workers": arguments.workers, "batch": arguments.batch,
             "threads": arguments.threads, "encoder_weights": arguments.encoder_weights}
    return {name: value for name, value in given.items() if value is not None}


def _stage(name: str, side: int) -> dict:
    """What a system changes of its stage, for images of ``side`` pixels."""
    return {**PUBLISHED[name].paper.get("stage_changes", {}), "patch_zyx": [1, side, side]}


def _of_systems(arguments: argparse.Namespace) -> dict[str, dict]:
    """Settings by system: for images of another size than 512, with which the squares of TPRNet shrink, and the given
    ones over these."""
    given = read_values(arguments.config) if arguments.config else {}
    settings = {}
    for name in arguments.system or SYSTEMS:
        entry = PUBLISHED[name]
        changes: dict = {}
        if name.startswith("tprnet"):
            local = max(LARGEST_STEP, arguments.side * 448 // 512 // LARGEST_STEP * LARGEST_STEP)
            own = (entry.recommended if arguments.profile == "recommended" else entry.paper)["network_arguments"]
            squares = {"local_size": local, "focal_size": max(32, arguments.side // 8)}
            changes["network_arguments"] = {**own, **squares, "focal_after": arguments.focal_after}
        settings[name] = {**changes, "stage_changes": _stage(name, arguments.side)}
        if not entry.imagenet:
            settings[name]["encoder_weights"] = None
        more = {**given.get("*", {}), **given.get(name, {})}
        if "network_arguments" in more:
            more["network_arguments"] = {**changes.get("network_arguments", {}), **more["network_arguments"]}
        settings[name].update(more)
    return settings


def _of_fold(plan: Plan, fold: int) -> Plan:
    from dataclasses import replace

    return replace(plan, fold=fold)


def _told(name: str):
    last = [-1]

    def show(fraction: float, text: str) -> None:
        if int(100 * fraction) > last[0]:
            last[0] = int(100 * fraction)
            print(f"{name} {last[0]:3d} % {text}", file=sys.stderr, flush=True)

    return show


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--system", action="append", help=f"again for more; {', '.join(SYSTEMS)} by default")
    parser.add_argument("--folds", type=int, default=1, help="1: one split 70/10/20; more: cross-validation")
    parser.add_argument("--fold", type=int, action="append", help="folds to run, 1 by default")
    parser.add_argument("--steps", type=int, help="of every system; the papers' epochs by default")
    parser.add_argument("--minutes", type=float, help="of training for every system instead")
    parser.add_argument("--side", type=int, default=512, help="images are brought to this many pixels")
    parser.add_argument("--focal-after", type=int, default=500, help="training passes before TPRNet's focal look joins")
    parser.add_argument("--profile", default="recommended", choices=("paper", "recommended"))
    parser.add_argument("--batch", type=int)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--encoder-weights", help="safetensors file of ImageNet weights for InceptionResNetV2")
    parser.add_argument("--config", type=Path, help="JSON: settings by system, '*' for all")
    parser.add_argument("--pretrain", type=Path, help="angiograms the encoders learn on first, such as synthetic ones")
    parser.add_argument("--pretrain-minutes", type=float, help="the paper's epochs by default")
    return parser


if __name__ == "__main__":
    main()
