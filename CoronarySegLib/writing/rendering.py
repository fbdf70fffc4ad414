"""Surfaces to a shaded picture without OpenGL: on a server there is often none, and asking for it can end the process.

Triangles are sampled densely, the nearest sample of each pixel stays (z-buffer), and the picture is shaded afterwards
from the buffers of normal and depth: one key and one fill light, a highlight, contours and hollows darkened from the
depth (Luft et al. 2006, "Image enhancement by unsharp masking the depth buffer").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

SUPERSAMPLING = 2
STEPS = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384])
"""Numbers of samples along a triangle's edge: few different ones, so that many triangles share their weights."""
EMPTY = np.float32(np.inf)


@dataclass(frozen=True)
class Mesh:
    """``points_mm`` (n, 3), ``normals`` (n, 3) unit, ``triangles`` (m, 3), ``colour`` RGB 0..1."""

    points_mm: np.ndarray
    normals: np.ndarray
    triangles: np.ndarray
    colour: tuple[float, float, float]


@dataclass(frozen=True)
class Camera:
    """Parallel projection. ``axes`` (3, 3) rows: to the right of the picture, up, towards the viewer (LPS, unit);
    ``centre_mm`` comes to the middle; ``width_mm`` fills ``size_px`` (width, height) across."""

    axes: np.ndarray
    centre_mm: np.ndarray
    width_mm: float
    size_px: tuple[int, int]

    @staticmethod
    def looking(
        towards_viewer: tuple[float, float, float], points_mm: np.ndarray, size_px: tuple[int, int],
        margin: float = 0.06,
    ) -> Camera:
        """A camera on the side ``towards_viewer`` (LPS), head up, that just shows all the points."""
        back = np.asarray(towards_viewer, float) / np.linalg.norm(towards_viewer)
        right = np.cross((0.0, 0.0, 1.0), back)
        right /= np.linalg.norm(right)
        axes = np.stack([right, np.cross(back, right), back])
        seen = points_mm @ axes.T
        lower, upper = seen.min(0), seen.max(0)
        extent = (upper - lower)[:2] / (1 - 2 * margin)
        width = max(extent[0], extent[1] * size_px[0] / size_px[1], 1.0)
        return Camera(axes, axes.T @ ((lower + upper) / 2), float(width), size_px)

    @property
    def pixels_per_mm(self) -> float:
        return self.size_px[0] / self.width_mm

    def to_view(self, points_mm: np.ndarray, scale: float = 1.0) -> np.ndarray:
        """(n, 3): column, row (pixels times ``scale``) and distance behind the centre in mm."""
        view = (points_mm - self.centre_mm) @ self.axes.T
        factor = self.pixels_per_mm * scale
        half = np.asarray(self.size_px) * scale / 2.0
        return np.stack([half[0] + factor * view[:, 0], half[1] - factor * view[:, 1], -view[:, 2]], axis=1)


def render(meshes: list[Mesh], camera: Camera) -> np.ndarray:
    """The meshes shaded on nothing: (height, width, 4) float32 RGBA 0..1, alpha not premultiplied."""
    normal, depth, owner = _buffers(meshes, camera)
    covered = np.isfinite(depth)
    if not covered.any():
        return np.zeros((camera.size_px[1], camera.size_px[0], 4), np.float32)
    colours = np.array([mesh.colour for mesh in meshes], np.float32)[owner]
    rgb = _shaded(colours, normal, depth, covered, camera)
    return _reduced(np.dstack([rgb, covered.astype(np.float32)]))


def render_glass(mesh: Mesh, camera: Camera, strength: float = 0.5) -> np.ndarray:
    """A mesh as if of thin glass: seen only where the eye grazes it. RGBA as :func:`render`."""
    normal, depth, _ = _buffers([mesh], camera, supersampling=1)
    covered = np.isfinite(depth)
    facing = np.abs(normal[..., 2]) * covered
    edge = strength * np.where(covered, (1.0 - facing) ** 2.5 + 0.05, 0.0)
    edge = ndimage.gaussian_filter(edge.astype(np.float32), 1.0)
    return np.dstack([np.broadcast_to(np.float32(mesh.colour), (*edge.shape, 3)), edge])


def over(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """RGBA ``top`` laid over RGB ``bottom``; both 0..1."""
    alpha = top[..., 3:]
    return top[..., :3] * alpha + bottom * (1.0 - alpha)


def _buffers(
    meshes: list[Mesh], camera: Camera, supersampling: int = SUPERSAMPLING
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Normal (h, w, 3) in view axes, depth (h, w) in mm (inf where empty), index of the mesh (h, w)."""
    width, height = (n * supersampling for n in camera.size_px)
    depth = np.full(width * height, EMPTY, np.float32)
    normal = np.zeros((width * height, 3), np.float32)
    owner = np.zeros(width * height, np.int16)
    for number, mesh in enumerate(meshes):
        view = camera.to_view(mesh.points_mm, supersampling).astype(np.float32)
        turned = (mesh.normals @ camera.axes.T).astype(np.float32)
        # Surfaces are closed: what faces away is hidden, and is half the work. The rest of 0.2 keeps silhouettes whole.
        facing = turned[mesh.triangles, 2].mean(axis=1) > -0.2
        for corners, weights in _sampled(view, mesh.triangles[facing]):
            # One matrix product for all samples of all triangles: (samples, 3) @ (3, triangles * 3).
            place = weights @ view[corners].transpose(1, 0, 2).reshape(3, -1)
            place = place.reshape(-1, 3)
            column, row = place[:, 0].astype(np.int32), place[:, 1].astype(np.int32)
            seen = np.flatnonzero((column >= 0) & (column < width) & (row >= 0) & (row < height))
            pixel, far = row[seen] * width + column[seen], place[seen, 2]
            np.minimum.at(depth, pixel, far)
            nearest = far <= depth[pixel]
            sample, triangle = np.divmod(seen[nearest], len(corners))
            at = corners[triangle]
            normal[pixel[nearest]] = sum(weights[sample, c, None] * turned[at[:, c]] for c in range(3))
            owner[pixel[nearest]] = number
    length = np.sqrt(np.square(normal).sum(axis=1, keepdims=True))
    normal /= np.maximum(length, 1e-6)
    # At a silhouette a mean normal can point away by a little; turned round it is lit like its neighbours.
    normal *= np.where(normal[:, 2:] < 0, np.float32(-1), np.float32(1))
    return normal.reshape(height, width, 3), depth.reshape(height, width), owner.reshape(height, width)


def _sampled(view: np.ndarray, triangles: np.ndarray, most: int = 400_000) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Groups of triangles (k, 3) with barycentric weights (s, 3) dense enough that no pixel between stays empty."""
    corners = view[triangles][:, :, :2]
    edges = np.sqrt(np.square(corners - np.roll(corners, 1, axis=1)).sum(axis=2)).max(axis=1)
    steps = STEPS[np.minimum(np.searchsorted(STEPS, edges * 1.2), len(STEPS) - 1)]
    for step in np.unique(steps):
        i, j = np.meshgrid(np.arange(step + 1), np.arange(step + 1), indexing="ij")
        inside = i + j <= step
        a, b = i[inside] / step, j[inside] / step
        weights = np.stack([a, b, 1 - a - b], axis=1).astype(np.float32)
        chosen = triangles[steps == step]
        size = max(1, most // len(weights))
        for start in range(0, len(chosen), size):
            yield chosen[start : start + size], weights


def _shaded(
    colour: np.ndarray, normal: np.ndarray, depth: np.ndarray, covered: np.ndarray, camera: Camera
) -> np.ndarray:
    key, fill = _unit(-0.45, 0.55, 0.75), _unit(0.8, -0.1, 0.45)
    half = _unit(*(key + np.array([0.0, 0.0, 1.0])))
    diffuse = 0.30 + 0.72 * np.clip(normal @ key, 0, 1) + 0.22 * np.clip(normal @ fill, 0, 1)
    highlight = 0.42 * np.clip(normal @ half, 0, 1) ** 36
    rim = 0.30 * (1.0 - np.clip(normal[..., 2], 0, 1)) ** 3
    near, far = np.percentile(depth[covered], (1, 99))
    # Farther parts are dimmer, as in mist: without it front and back branches look alike.
    mist = 1.0 - 0.52 * np.clip((depth - near) / max(far - near, 1e-3), 0, 1)
    light = diffuse * _hollow(depth, covered, camera)
    rgb = colour * light[..., None] * (1.0 - 0.35 * rim[..., None]) + highlight[..., None]
    rgb *= np.where(covered, mist, 0.0)[..., None]
    return np.clip(rgb, 0, 1).astype(np.float32)


def _hollow(depth: np.ndarray, covered: np.ndarray, camera: Camera) -> np.ndarray:
    """Darkening, 1 = none, where something nearer lies beside the pixel: one branch crossing in front of another."""
    sigma = 1.6 * camera.pixels_per_mm * SUPERSAMPLING
    shrink = max(1, int(sigma // 4))
    filled = np.where(covered, depth, 0.0)[::shrink, ::shrink].astype(np.float32)
    weight = covered[::shrink, ::shrink].astype(np.float32)
    mean = ndimage.gaussian_filter(filled, sigma / shrink)
    share = ndimage.gaussian_filter(weight, sigma / shrink)
    smooth = np.where(share > 1e-3, mean / np.maximum(share, 1e-3), 0.0)
    smooth = np.kron(smooth, np.ones((shrink, shrink), np.float32))[: depth.shape[0], : depth.shape[1]]
    behind = np.where(covered, depth - smooth, 0.0)
    return 1.0 - 0.55 * np.clip(behind / 8.0, 0, 1)


def _reduced(rgba: np.ndarray) -> np.ndarray:
    """Mean over the supersampled pixels, colours weighted by alpha so that edges do not darken."""
    n = SUPERSAMPLING
    height, width = rgba.shape[0] // n, rgba.shape[1] // n
    blocks = rgba[: height * n, : width * n].reshape(height, n, width, n, 4)
    alpha = blocks[..., 3:]
    total = alpha.sum(axis=(1, 3))
    colour = (blocks[..., :3] * alpha).sum(axis=(1, 3)) / np.maximum(total, 1e-6)
    return np.concatenate([colour, total / n**2], axis=-1).astype(np.float32)


def _unit(x: float, y: float, z: float) -> np.ndarray:
    vector = np.array([x, y, z])
    return (vector / np.linalg.norm(vector)).astype(np.float32)
