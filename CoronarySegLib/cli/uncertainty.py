"""``coronaryseg uncertainty``: how far several models, or one on varied images, agree about a CT."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .choices import DeviceOption, OverwriteOption, ProgressOption, QualityChoice, QualityOption
from .display import ProgressStyle, console, shown_progress
from .phantom import require_free


def uncertainty_command(
    ct: Annotated[Path, typer.Argument(metavar="INPUT", help="NIfTI, NRRD or MetaImage file, or a DICOM folder.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for mean, variance and entropy.")],
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="Model name or folder; give it again for an ensemble.")
    ] = None,
    variations: Annotated[
        int, typer.Option("--variations", min=0, max=4, help="Varied images (HU offset, noise) besides the CT itself.")
    ] = 2,
    device: DeviceOption = "auto",
    quality: QualityOption = QualityChoice.standard,
    overwrite: OverwriteOption = False,
    progress: ProgressOption = ProgressStyle.auto,
) -> None:
    """Write the mean, variance and entropy of the lumen probability over models and varied images, on the CT's grid."""
    from ..errors import OutputError
    from ..inference.ensemble import predict_ensemble
    from ..models import find_model
    from ..preparation import resample
    from ..progress import as_progress
    from ..reading import read_volume
    from ..writing.volumes import write_probability

    folders = [find_model(name) for name in (model or [None])]
    require_free(output, overwrite)
    with shown_progress(progress) as callback:
        report = as_progress(callback)
        volume = read_volume(ct, progress=report.part(0.0, 0.1))
        answer = predict_ensemble(
            volume, folders, variations=variations, device=device, quality=quality.value,
            progress=report.part(0.1, 0.95),
        )
        maps = {"mean": answer.mean.lumen, "variance": answer.variance, "entropy": answer.entropy}
        try:
            output.mkdir(parents=True, exist_ok=True)
            for name, found in maps.items():
                report(0.95, f"Writing the {name}")
                on_input = resample(found, volume.geometry, interpolation="linear", fill=0.0)
                write_probability(on_input, output / f"{name}.nii.gz")
        except (OSError, RuntimeError) as error:
            raise OutputError(f"The maps cannot be written to {output}: {error}. Choose another folder.") from error
    out = console()
    for warning in answer.mean.warnings:
        out.print(f"Warning: {warning}", markup=False)
    doubtful = float((answer.entropy.array > 0.5).sum()) * answer.entropy.geometry.voxel_mm3
    out.print(f"{len(answer.members)} answers: {'; '.join(answer.members)}.", markup=False)
    out.print(f"They are unsure (entropy above half a bit) about {doubtful:.0f} mm³.", markup=False)
    out.print(f"Written to {output}: {', '.join(f'{name}.nii.gz' for name in maps)}", markup=False)
