"""How long does one case take, and how much memory, against MONAI's sliding window on the same network and volume?

    python Testing/Benchmarks/inference_speed.py                    phantom of 512x512x275, the shipped model
    python Testing/Benchmarks/inference_speed.py --ct FILE          a CT of your own
    python Testing/Benchmarks/inference_speed.py --stand-in --size 200 200 140 --spacing 0.7 0.7 0.7    a quick try

Ours is the whole case in a process of its own: imports, reading, checks, both stages, trees, surfaces, every file
written. MONAI's figure is ``sliding_window_inference`` alone (overlap 0.5, Gaussian) over the whole field at the fine
spacing, with inputs prepared beforehand and nothing done with the answer: the comparison is in its favour.
Dice is between ours and MONAI's, of the lumen at 0.5 and of the trees after the same post-processing, input grid.
Ends with 1 when an aim is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

AIM_SECONDS, AIM_GB, AIM_RATIO, AIM_DICE = 90.0, 6.0, 5.0, 0.98


@dataclass(frozen=True)
class Run:
    """One process: wall seconds of all of it and of the part compared, peak memory in GB (1e9 bytes)."""

    name: str
    wall_s: float
    compared_s: float
    peak_gb: float
    details: dict


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.worker:
        WORKERS[options.worker](options)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        work = options.output or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        _prepare(options, work)
        runs = [_run("ours", options, work)]
        if not options.no_monai:
            runs += [_run(f"monai_{precision}", options, work) for precision in options.precision]
        dices = {run.name: _dices(work, run.name) for run in runs[1:]}
        return _report(runs, dices, work)


def _prepare(options: argparse.Namespace, work: Path) -> None:
    """CT and model to files, so that every process starts from the same."""
    if options.ct is None:
        import SimpleITK as sitk

        from CoronarySegLib.phantom import PhantomSettings, centred_grid, make_phantom

        grid = centred_grid(tuple(reversed(options.size)), tuple(options.spacing))
        phantom = make_phantom(PhantomSettings(seed=options.seed, geometry=grid))
        ct = phantom.ct
        if options.stand_in:
            from stand_in_model import painted

            ct = painted(phantom)
        options.ct = work / "ct.nii.gz"
        sitk.WriteImage(ct.to_image(), str(options.ct))
    elif options.stand_in:
        raise SystemExit("--stand-in works on a phantom only: leave --ct away.")
    if options.stand_in:
        from stand_in_model import save_stand_in

        options.model = str(save_stand_in(work / "stand_in").path)


def _run(worker: str, options: argparse.Namespace, work: Path) -> Run:
    command = [sys.executable, __file__, "--worker", worker, "--ct", str(options.ct), "--output", str(work)]
    command += ["--quality", options.quality, "--device", options.device, "--threads", str(options.threads)]
    command += ["--model", options.model] if options.model else []
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
    print(f"Running {worker} ...", flush=True)
    start = time.perf_counter()
    subprocess.run(command, env=environment, check=True)
    wall = time.perf_counter() - start
    details = json.loads((work / f"{worker}.json").read_text())
    return Run(worker, wall, details.pop("compared_s"), details.pop("peak_gb"), details)


def _ours(options: argparse.Namespace) -> None:
    from CoronarySegLib.reading import read_volume
    from CoronarySegLib.segmentation import SegmentOptions, segment
    from CoronarySegLib.writing import write_case

    start = time.perf_counter()
    volume = read_volume(options.ct)
    reading_s = time.perf_counter() - start
    result = segment(volume, model=options.model, device=options.device, options=SegmentOptions(options.quality))
    start = time.perf_counter()
    write_case(result, options.output / "case", source=options.ct, overwrite=True)
    timings = {"read": reading_s, **result.timings, "write": time.perf_counter() - start}
    peak = _peak_gb()
    compared = sum(timings[step] for step in ("locate", "prepare", "predict"))
    _keep(options, "ours", compared, peak, result.prediction.lumen, result.labels, timings, result.prediction.engine)


def _monai(options: argparse.Namespace, precision: str) -> None:
    import torch
    from monai.inferers import sliding_window_inference

    from CoronarySegLib.errors import EmptyResultError
    from CoronarySegLib.inference import Prediction
    from CoronarySegLib.inference.locator import AIR_HU, locate
    from CoronarySegLib.inference.stage_inputs import stage_channels
    from CoronarySegLib.models import find_model, load_stage
    from CoronarySegLib.postprocessing import extract_trees, labels_on
    from CoronarySegLib.preparation import isotropic_grid, resample
    from CoronarySegLib.reading import read_volume
    from CoronarySegLib.volume import Volume

    torch.set_num_threads(options.threads)
    volume, folder = read_volume(options.ct), find_model(options.model)
    stage, network = folder.card.stage("vessels"), load_stage(folder, "vessels")
    location = locate(volume, folder, device="cpu")
    grid = isotropic_grid(volume.geometry, stage.spacing_mm)
    ct = resample(volume, grid, fill=AIR_HU)
    inputs = torch.from_numpy(
        stage_channels(stage, ct, location.priors, of_arteries_hu=location.of_arteries_hu)[None]
    )

    def probability(patch: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            logits = network(patch)
        return torch.sigmoid(logits.float())

    start = time.perf_counter()
    with torch.inference_mode():
        answer = sliding_window_inference(
            inputs, stage.patch_zyx, 1, probability, overlap=0.5, mode="gaussian", progress=options.bar
        )[0].numpy()
    seconds, peak = time.perf_counter() - start, _peak_gb()
    channels = {name: Volume(answer[i], grid) for i, name in enumerate(stage.outputs)}
    prediction = Prediction(
        lumen=channels["lumen"], ct=ct, engine="MONAI", calcium=channels.get("calcium"), vein=channels.get("vein"),
        heart=location.heart, left_prior=location.left, right_prior=location.right,
    )
    try:
        labels = labels_on(extract_trees(prediction), prediction, volume.geometry)
    except EmptyResultError:
        labels = volume.with_array(np.zeros(volume.geometry.shape_zyx, np.uint8))
    name = f"monai_{precision}"
    _keep(options, name, seconds, peak, prediction.lumen, labels, {"sliding_window": seconds}, f"torch {precision}")


WORKERS = {
    "ours": _ours,
    "monai_fp32": lambda options: _monai(options, "fp32"),
    "monai_bf16": lambda options: _monai(options, "bf16"),
}


def _keep(options, name, compared_s, peak_gb, lumen, labels, timings, engine) -> None:
    from CoronarySegLib.preparation import resample

    on_input = resample(lumen, labels.geometry, fill=0.0).array >= 0.5
    np.savez_compressed(options.output / f"{name}.npz", labels=labels.array, lumen=on_input)
    details = {"compared_s": compared_s, "peak_gb": peak_gb, "timings": timings, "engine": engine}
    (options.output / f"{name}.json").write_text(json.dumps(details))


def _peak_gb() -> float:
    """Highest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e9


def _dices(work: Path, name: str) -> tuple[float, float]:
    """Dice between ours and another run: of the trees (any label), and of the lumen before post-processing."""
    with np.load(work / "ours.npz") as ours, np.load(work / f"{name}.npz") as other:
        pairs = ((ours[key] > 0, other[key] > 0) for key in ("labels", "lumen"))
        return tuple(float(2 * (a & b).sum() / max(a.sum() + b.sum(), 1)) for a, b in pairs)


def _report(runs: list[Run], dices: dict[str, tuple[float, float]], work: Path) -> int:
    ours = runs[0]
    print(f"\nOurs: {ours.details['engine']}")
    print("  " + ", ".join(f"{step} {seconds:.1f} s" for step, seconds in ours.details["timings"].items()))
    head = ("", "seconds", "x our case", "x our inference", "peak GB", "Dice trees", "Dice lumen")
    rows = [head, ("ours, whole case", f"{ours.wall_s:.1f}", "1", "", f"{ours.peak_gb:.2f}", "", "")]
    rows.append(("ours, inference", f"{ours.compared_s:.1f}", "", "1", "", "", ""))
    for run in runs[1:]:
        trees, lumen = dices[run.name]
        rows.append((
            run.name, f"{run.compared_s:.1f}", f"{run.compared_s / ours.wall_s:.1f}",
            f"{run.compared_s / ours.compared_s:.1f}", f"{run.peak_gb:.2f}", f"{trees:.4f}", f"{lumen:.4f}",
        ))
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
    aims = {f"whole case at most {AIM_SECONDS:.0f} s": ours.wall_s <= AIM_SECONDS,
            f"peak at most {AIM_GB:.0f} GB": ours.peak_gb <= AIM_GB}
    for run in runs[1:2]:
        aims[f"inference {AIM_RATIO:.0f} times faster than {run.name}"] = run.compared_s >= AIM_RATIO * ours.compared_s
        aims[f"Dice of the trees with {run.name} at least {AIM_DICE}"] = dices[run.name][0] >= AIM_DICE
    for text, met in aims.items():
        print(f"{'met   ' if met else 'MISSED'} {text}")
    (work / "result.json").write_text(json.dumps({
        "runs": [run.__dict__ for run in runs], "dice_trees_lumen": dices, "aims": aims,
    }, indent=2))
    return 0 if all(aims.values()) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ct", type=Path, help="volume to segment; a phantom is made when not given")
    parser.add_argument("--seed", type=int, default=90210, help="of the phantom")
    parser.add_argument("--size", type=int, nargs=3, default=(512, 512, 275), help="of the phantom, x y z")
    parser.add_argument("--spacing", type=float, nargs=3, default=(0.38, 0.38, 0.5), help="of the phantom, mm")
    parser.add_argument("--model", help="name or folder; the shipped model when not given")
    parser.add_argument("--stand-in", action="store_true", help="untrained networks of the paper's size, HU as answer")
    parser.add_argument("--quality", default="standard", choices=("fast", "standard", "best"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2, help="cores for OpenMP and torch")
    parser.add_argument("--precision", nargs="*", default=["fp32", "bf16"], choices=("fp32", "bf16"), help="of MONAI's")
    parser.add_argument("--no-monai", action="store_true", help="measure ours alone")
    parser.add_argument("--bar", action="store_true", help="progress bar for MONAI")
    parser.add_argument("--output", type=Path, help="folder that keeps case, masks and result.json")
    parser.add_argument("--worker", choices=tuple(WORKERS), help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
