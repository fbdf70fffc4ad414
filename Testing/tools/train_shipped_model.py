"""Train the shipped model from nothing, from another model's weights, or go on where an interrupted run was.

    python Testing/tools/train_shipped_model.py --work runs/shipped --export CoronarySegLib/models/shipped/resunet3d
    python Testing/tools/train_shipped_model.py --work runs/more --start-from resunet3d --export runs/more/model

Makes the phantoms (about 0.4 GB each), trains the locator, stores its priors, trains the vessels stage and writes the
model folder. On two CPU cores with bf16 this is a matter of hours. The fine stage that is shipped is the mean of two
networks: a second run that starts from the first model, and then

    coronaryseg models join runs/first/model runs/more/model -o runs/resunet3d
"""

from __future__ import annotations

import argparse
from pathlib import Path

from CoronarySegLib.models import find_model
from CoronarySegLib.training.export import export_model
from CoronarySegLib.training.recipe import Recipe, follow


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for cases and runs")
    parser.add_argument("--export", type=Path, help="model folder to write at the end")
    parser.add_argument("--start-from", help="model (name or folder) whose weights both stages begin with")
    parser.add_argument("--phantoms", type=int, default=Recipe.phantoms)
    parser.add_argument("--locator-steps", type=int, default=Recipe.locator_steps)
    parser.add_argument("--vessels-steps", type=int, default=Recipe.vessels_steps)
    given = parser.parse_args()
    recipe = Recipe(given.phantoms, given.locator_steps, given.vessels_steps)
    runs = follow(
        recipe, given.work, lambda fraction, text: print(f"{100 * fraction:5.1f} % {text}", flush=True),
        start_from=find_model(given.start_from) if given.start_from else None,
    )
    if given.export is not None:
        export_model(runs, given.export, name="resunet3d", mirror_axes={"vessels": (0, 1, 2)})


if __name__ == "__main__":
    main()
