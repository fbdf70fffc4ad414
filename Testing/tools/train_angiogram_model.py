"""Train the small model for angiograms on synthetic ones, or go on where an interrupted run was.

    python Testing/tools/train_angiogram_model.py --work runs/angiogram --export CoronarySegLib/models/shipped/angiogram

Weights that ship are learned from synthetic angiograms only; --data is for everything else.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from CoronarySegLib.angiogram.training.recipe import AngiogramRecipe, export_angiogram_model, train_angiogram_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for angiograms and run")
    parser.add_argument("--export", type=Path, help="model folder to write at the end")
    parser.add_argument("--data", type=Path, help="folder of images and masks instead of synthetic ones")
    parser.add_argument("--angiograms", type=int, default=AngiogramRecipe.angiograms)
    parser.add_argument("--steps", type=int, default=AngiogramRecipe.steps)
    parser.add_argument("--piece", type=int, default=AngiogramRecipe.piece_px, help="pixels a side of a piece")
    given = parser.parse_args()
    train_angiogram_model(
        AngiogramRecipe(given.angiograms, given.steps, given.piece), given.work, data=given.data,
        progress=lambda fraction, text: print(f"{100 * fraction:5.1f} % {text}", flush=True),
    )
    if given.export is not None:
        print(f"Written to {export_angiogram_model(given.work, given.export).path}")


if __name__ == "__main__":
    main()
