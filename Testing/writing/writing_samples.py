"""A small result made by the library's own steps: two curved vessels and a piece of calcium."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from CoronarySegLib.inference import Prediction
from CoronarySegLib.models import ModelCard, StageCard
from CoronarySegLib.postprocessing import PostOptions, extract_trees, labels_on
from CoronarySegLib.preparation import resample
from CoronarySegLib.reconstruction import point_cloud, reconstruct
from CoronarySegLib.segmentation import CLOUD_KINDS, CoronaryResult
from CoronarySegLib.volume import Geometry, Volume

GRID = Geometry((72, 72, 96), (0.5, 0.5, 0.5), (-24.0, -18.0, -18.0))
OBLIQUE = Geometry((70, 90, 110), (0.4, 0.45, 0.6), (-10.0, -27.0, -14.0), (0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, 1))


def vessel(side: float) -> np.ndarray:
    """Distance in mm of every voxel of GRID to an arc on one side (+1 the patient's left)."""
    t = np.linspace(0, 1, 160)
    arc = np.stack([side * (6 + 12 * np.sin(2.2 * t)), -8 + 18 * t, 12 - 24 * t], axis=1)
    seeds = np.ones(GRID.shape_zyx, bool)
    seeds[tuple(np.rint(GRID.index_of(arc))[:, ::-1].astype(int).T)] = False
    return ndimage.distance_transform_edt(seeds, sampling=0.5)


def make_result(input_grid: Geometry = OBLIQUE) -> CoronaryResult:
    distance = {"left": vessel(+1.0), "right": vessel(-1.0)}
    lumen = np.max([1 / (1 + np.exp((d - 1.5) / 0.25)) for d in distance.values()], axis=0).astype(np.float32)
    calcium = np.zeros_like(lumen)
    ct = (-90 + 490 * lumen + 20 * np.random.default_rng(0).standard_normal(lumen.shape)).astype(np.float32)
    priors = {name: Volume((d < 3).astype(np.float32), GRID) for name, d in distance.items()}
    heart = ndimage.gaussian_filter((np.min(list(distance.values()), axis=0) < 8).astype(np.float32), 2)
    prediction = Prediction(
        Volume(lumen, GRID), Volume(ct, GRID, "thorax [ä].nii.gz"), "torch CPU", calcium=Volume(calcium, GRID),
        heart=Volume(heart, GRID), left_prior=priors["left"], right_prior=priors["right"],
    )
    trees = extract_trees(prediction, PostOptions())
    trees.labels.array[20:23, 8:11, 10:13] = 3
    surfaces = reconstruct(trees, prediction)
    stage = StageCard("vessels", "ResUNet3D", {}, ("ct",), ("lumen",), 0.5, (96, 96, 96), sha256="ab" * 32)
    card = ModelCard("sample", "recommended", "1.0", "A sample.", (stage,), "phantoms", "0 to 9")
    return CoronaryResult(
        labels=labels_on(trees, prediction, input_grid),
        probability=resample(prediction.lumen, input_grid, fill=0.0),
        trees=trees, surfaces=surfaces,
        point_clouds={kind: point_cloud(surfaces, prediction, kind=kind, maximum_points=4000) for kind in CLOUD_KINDS},
        prediction=prediction, model_card=card, timings={"vessels": 1.5}, warnings=("The image is noisy.",),
    )
