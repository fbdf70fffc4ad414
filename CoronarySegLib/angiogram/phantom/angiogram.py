"""The story of one synthetic angiogram: anatomy, view, bolus, frames, truth."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ...phantom.anatomy import Anatomy, make_anatomy
from ...phantom.tree import Branch, Side
from ...progress import Progress, ProgressCallback, as_progress
from ..image import AngiogramImage
from .body import attenuation_of, shadow
from .camera import CArm
from .catheter import catheter_to, reflux_at
from .contrast import Bolus, ways_from_ostium
from .detector import Look, picture, texture_of
from .drawing import Canvas
from .fine_vessels import FINE, with_fine_vessels
from .motion import Motion
from .settings import FRAMES_PER_SECOND, VIEW_SPREAD_DEGREES, VIEWS, AngiogramSettings
from .tortuosity import Wander

VISIBLE = 0.3
"""A reader outlines a vessel where at least this share of full contrast is."""
CATHETER_STRENGTH = 0.55
"""A catheter's braided wall takes off half as much as the same way through contrast."""


@dataclass(frozen=True)
class Scene:
    """An anatomy ready to be seen from any side. Making one takes seconds, seeing it much less."""

    anatomy: Anatomy
    attenuation: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class ProjectedBranch:
    """A vessel in one frame: points (n, 2) in pixels (y, x), lumen diameter (n,) in pixels and in mm, and how full of
    contrast it is (n,) 0..1."""

    name: str
    points_px: np.ndarray
    diameter_px: np.ndarray
    diameter_mm: np.ndarray
    filled: np.ndarray


@dataclass(frozen=True)
class SyntheticAngiogram:
    """A run with its truth.

    ``frames`` (t, y, x) float32 0..1, vessels dark; ``mask`` (t, y, x) bool is what a reader would outline; ``labels``
    (t, y, x) uint8 are 1 + the index in ``names``. ``branches`` holds the projected vessels of every frame. ``best`` is
    the frame with the most vessel. ``spacing_mm`` is the size of a pixel at the isocentre.
    """

    settings: AngiogramSettings
    side: Side
    camera: CArm
    frames: np.ndarray
    mask: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    branches: tuple[tuple[ProjectedBranch, ...], ...]
    times_s: tuple[float, ...]
    look: Look

    @property
    def spacing_mm(self) -> float:
        return self.camera.spacing_mm

    @property
    def best(self) -> int:
        return int(np.argmax(self.mask.sum((1, 2))))

    def image(self, frame: int | None = None) -> AngiogramImage:
        """One frame, the best by default."""
        frame = self.best if frame is None else frame
        source = f"synthetic angiogram seed {self.settings.seed} view {self.settings.view + 1}"
        return AngiogramImage(self.frames[frame], self.spacing_mm, source, frame)


def make_scene(settings: AngiogramSettings, progress: Progress | ProgressCallback | None = None) -> Scene:
    """The anatomy of ``settings`` (its seed, dominance and stenoses). Many views can be made of one scene."""
    anatomy = make_anatomy(
        settings.seed, dominance=settings.dominance, stenoses_per_trunk=settings.stenoses_per_trunk, progress=progress
    )
    return Scene(anatomy, attenuation_of(anatomy))


def make_angiogram(
    settings: AngiogramSettings, *, scene: Scene | None = None,
    progress: Progress | ProgressCallback | None = None,
) -> SyntheticAngiogram:
    """Make one run. The same settings (and the same scene) give the same pixels.

    ``scene`` is another anatomy to look at; by default that of the seed is made.
    """
    report = as_progress(progress)
    scene = make_scene(settings, report.part(0.0, 0.5)) if scene is None else scene
    anatomy = scene.anatomy
    rng = np.random.default_rng([settings.seed, anatomy.seed, 7204, *[settings.view] * (settings.view > 0)])
    side: Side = settings.side or ("left" if rng.random() < 0.75 else "right")
    look, motion, bolus = Look.drawn(rng, settings.clean), Motion.drawn(rng), Bolus.drawn(rng)
    ostium = anatomy.tree.ostia_lps_mm[side]
    branches, parents = _vessels(anatomy, side)
    wander = Wander.drawn(rng)
    branches = tuple(replace(b, points_lps_mm=wander.moved(b.points_lps_mm, ostium)) for b in branches)
    camera = _camera(settings, side, rng).centred_on(
        np.concatenate([b.points_lps_mm for b in branches]), tuple(rng.normal(0.0, 0.045 * settings.size_px, 2))
    )
    branches, parents = with_fine_vessels(branches, parents, anatomy.heart.frame.local(0.0, 0.0, 20.0), rng)
    ways = ways_from_ostium(branches, parents)
    catheter = catheter_to(ostium, branches[0].points_lps_mm, anatomy.heart.frame, rng)
    reflux = reflux_at(ostium, anatomy.heart.frame, rng) if rng.random() < 0.45 else None
    report(0.5, "Casting the body's shadow")
    body = shadow(scene.attenuation, anatomy, camera)
    body += texture_of(settings.size_px, rng, look.texture)

    frames, masks, labels, projected = [], [], [], []
    times = _times(settings, bolus, max(way[-1] for way in ways), rng)
    for number, time_s in enumerate(times):
        report(0.6 + 0.4 * number / len(times), "Drawing frames")
        moved = [motion.moved(b.points_lps_mm, anatomy.heart.frame, time_s) for b in branches]
        filled = [bolus.concentration(way, time_s) for way in ways]
        canvas = Canvas(camera, _depths(camera, moved, catheter.points_lps_mm))
        visible = []
        for index, (branch, points, share) in enumerate(zip(branches, moved, filled, strict=True)):
            fine = branch.name == FINE
            wide = 2.0 * branch.healthy_radius_mm >= settings.least_labelled_mm
            canvas.add(points, branch.radius_mm, share, index, None if fine else wide & (share > VISIBLE))
            if not fine:
                pixels, _, scale = camera.project(points)
                visible.append(ProjectedBranch(
                    branch.name, pixels, 2.0 * branch.radius_mm * scale, 2.0 * branch.radius_mm, share
                ))
        # The tip goes with the ostium, the shaft stays.
        give = motion.moved(ostium[None], anatomy.heart.frame, time_s)[0] - ostium
        along = np.linspace(0.0, 1.0, len(catheter.points_lps_mm))[:, None]
        inside = float(np.clip((time_s - bolus.start_s) / 0.1, 0.0, 1.0)) * (time_s < bolus.start_s + bolus.length_s)
        canvas.add(
            catheter.points_lps_mm + give * np.exp(-6.0 * along), catheter.radius_mm,
            np.full(len(along), CATHETER_STRENGTH + 0.35 * inside),
        )
        if reflux is not None:
            amount = float(bolus.concentration(np.zeros(1), time_s - 0.2)[0])
            canvas.add(reflux.points_lps_mm + give, reflux.radius_mm, np.full(len(reflux.radius_mm), 0.3 * amount))
        drawn = canvas.drawn()
        inside = drawn.distance_px < 0.0
        frames.append(picture(body, drawn.path_mm, look, rng))
        masks.append(inside)
        labels.append(np.where(inside, drawn.nearest + 1, 0).astype(np.uint8))
        projected.append(tuple(visible))
    report(1.0, "Angiogram ready")
    return SyntheticAngiogram(
        settings, side, camera, np.stack(frames), np.stack(masks), np.stack(labels),
        tuple(b.name for b in branches if b.name != FINE), tuple(projected), times, look,
    )


def _vessels(anatomy: Anatomy, side: Side) -> tuple[tuple[Branch, ...], tuple[int, ...]]:
    """The branches of one system, and their mothers by index among them."""
    index = [i for i, branch in enumerate(anatomy.tree.branches) if branch.side == side]
    new = {old: number for number, old in enumerate(index)}
    branches = tuple(anatomy.tree.branches[i] for i in index)
    return branches, tuple(new.get(branch.parent, -1) for branch in branches)


def _camera(settings: AngiogramSettings, side: Side, rng: np.random.Generator) -> CArm:
    primary, secondary = rng.permutation(VIEWS[side])[0] + rng.normal(0.0, VIEW_SPREAD_DEGREES, 2)
    field_mm = rng.choice([150.0, 170.0, 200.0], p=[0.3, 0.4, 0.3])
    middle = 0.5 * (settings.size_px - 1)
    return CArm(
        float(primary if settings.primary_degrees is None else settings.primary_degrees),
        float(secondary if settings.secondary_degrees is None else settings.secondary_degrees),
        rng.uniform(720.0, 800.0), rng.uniform(920.0, 1120.0), field_mm / settings.size_px, settings.size_px,
        (middle, middle),
    )


def _times(
    settings: AngiogramSettings, bolus: Bolus, longest_mm: float, rng: np.random.Generator
) -> tuple[float, ...]:
    if settings.frames > 1:
        return tuple(number / FRAMES_PER_SECOND for number in range(settings.frames))
    return (bolus.best_time_s(longest_mm) * rng.uniform(0.75, 1.05),)


def _depths(camera: CArm, courses: list[np.ndarray], catheter: np.ndarray) -> tuple[float, float]:
    depth = camera.project(np.concatenate([*courses, catheter]))[1]
    return float(depth.min()), float(depth.max())
