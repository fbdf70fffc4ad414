"""Branches that may be veins. No single sign proves one; several together make it worth a look.

A cardiac vein runs beside an artery in the same groove, carries less contrast in an arterial phase, grows wider away
from the place where it touches the artery (an artery tapers), hangs on by a thin neck, and the network is less sure of
it. Each sign is a number 0..1; the signs count as independent pieces of evidence (noisy or).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from .ground import Ground, label_of
from .suspects import Kind, Suspect, place_of

SHORTEST_MM = 6.0
"""Outside of its mother: a shorter branch shows no course."""
LEAST = 0.35
WEIGHTS = {
    "vein": 0.9, "contrast": 0.7, "widening": 0.6, "mother": 0.45, "beside": 0.4, "neck": 0.35, "unsure": 0.5,
}
SIGNS = {
    "vein": "the network rather sees a vein", "contrast": "its contrast is lower than that of the tree",
    "widening": "it grows wider away from its beginning", "mother": "it is wider than the vessel it hangs on",
    "beside": "it runs beside another vessel", "neck": "it hangs on by a thin neck",
    "unsure": "the network is less sure of it than of the tree",
}
MEASURABLE_MM = 0.6
"""Radius: a neck in a thinner vessel is a matter of voxels."""
SEEN_MM = 0.4
"""Radius: the middle of a thinner vessel has no HU and no probability of its own in a voxel of half a millimetre."""
TWIG_MM = 8.0
"""A branch this short between an artery and two others is the place where a vein touches it, not a vessel."""
AS_WIDE = 1.2
"""Vessels whose radii differ by less than this factor lose as much to the voxels around them."""
OVER_MM = 10.0
USUAL_QUANTILE, LEAST_POINTS = 0.6, 20
"""A little above the middle: some of the points may be those of veins."""


def possible_veins(ground: Ground) -> list[Suspect]:
    """One entry a suspected branch; what hangs on a suspected branch is not listed again."""
    found: dict[tuple[str, int], Suspect] = {}
    usual = _usual(ground)
    for key in sorted(ground.case.trees):
        tree = ground.case.trees[key]
        for index in range(1, len(tree.branches)):
            signs, at = _signs(ground, key, index, usual)
            score = 1.0 - float(np.prod([1.0 - WEIGHTS[name] * value for name, value in signs.items()]))
            several = sum(value > 0.3 for value in signs.values()) >= 2
            # Of a pair that runs side by side the one without a name is the stranger.
            stranger = not tree.branches[index].name and signs.get("beside", 0.0) > 0.8
            alone = signs.get("vein", 0.0) > 0.4 or signs.get("contrast", 0.0) > 0.6 or stranger
            if score < LEAST or not (several or alone):
                continue
            suspect = _suspect(ground, key, index, at, score, signs)
            above = _suspected_above(tree, index, key, found)
            if above is None:
                found[key, index] = suspect
            elif found[above].score < suspect.score:
                found[above] = suspect
    return list(found.values())


def _suspected_above(tree, index: int, key: str, found: dict) -> tuple[str, int] | None:
    """The entry that a branch belongs to: of its mother, or of a sister on the same short twig."""
    mother = tree.branches[index].parent
    if (key, mother) in found:
        return key, mother
    if mother > 0 and tree.branches[mother].length_mm < TWIG_MM:
        return next(((key, sister) for sister in tree.children[mother] if (key, sister) in found), None)
    return None


@dataclass(frozen=True)
class _Usual:
    """What is usual in the middle of a vessel of a radius: HU and probability at ``radius_mm`` (n,), NaN without image.

    Thin vessels lose both to the voxels around them; a vein is what is dimmer than arteries as wide as itself.
    """

    radius_mm: np.ndarray
    hu: np.ndarray
    probability: np.ndarray

    def at(self, radius_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.interp(radius_mm, self.radius_mm, self.hu), np.interp(radius_mm, self.radius_mm, self.probability)


def _usual(ground: Ground) -> _Usual:
    points = ground.points
    seen = points.radius_mm > SEEN_MM
    radius, places = points.radius_mm[seen], points.points_lps_mm[seen]
    grid = np.arange(SEEN_MM, 3.0, 0.1)
    as_wide = [np.abs(np.log(radius / one)) < np.log(AS_WIDE) for one in grid]
    curves = []
    for volume in (ground.case.ct, ground.case.probability):
        values = ground.along(volume, places)
        known = [(one, np.quantile(values[rows], USUAL_QUANTILE)) for one, rows in zip(grid, as_wide, strict=True)
                 if np.count_nonzero(rows) >= LEAST_POINTS]
        # Nothing gets dimmer by being wider: where only veins are as wide as that, arteries that are thinner count.
        curve = np.interp(grid, *np.array(known).T) if known else np.full(len(grid), np.nan)
        curves.append(np.maximum.accumulate(curve))
    return _Usual(grid, *curves)


def _signs(ground: Ground, key: str, index: int, usual: _Usual) -> tuple[dict[str, float], int]:
    """Every sign that can be judged on a branch, 0 (an artery's) to 1 (a vein's), and the point where it looks most
    like a vein."""
    tree = ground.case.trees[key]
    branch, mother = tree.branches[index], tree.branches[tree.branches[index].parent]
    inside_mother = float(np.nan_to_num(mother.radius_mm[-1]))
    rows = ground.points.rows(key, index)
    arc = ground.points.arc_mm[rows]
    own = rows[arc > inside_mother]
    if branch.length_mm - inside_mother < SHORTEST_MM or len(own) < 8:
        return {}, 0
    radius, places = ground.points.radius_mm[own], ground.points.points_lps_mm[own]
    signs = {
        "beside": _share_beside(ground, own, key, index), "mother": _mother(tree, index, radius),
        "widening": _widening(radius, ground.points.arc_mm[own]),
    }
    body = float(np.median(radius))
    neck = float(radius[ground.points.arc_mm[own] - inside_mother < 4.0].min(initial=body))
    signs["neck"] = float(np.clip((0.7 - neck / max(body, 0.1)) / 0.3, 0.0, 1.0)) if body > MEASURABLE_MM else 0.0
    dimness, at = _dimness(ground, own, usual)
    signs |= dimness
    if ground.case.vein is not None:
        signs["vein"] = float(np.clip(np.mean(ground.along(ground.case.vein, places)) / 0.4, 0.0, 1.0))
    return signs, int(np.flatnonzero(rows == own[at])[0])


def _dimness(ground: Ground, own: np.ndarray, usual: _Usual) -> tuple[dict[str, float], int]:
    """How much less contrast and probability than arteries as wide as it a branch has where it has least of them, for
    a vein may begin as the end of an artery; and which of ``own`` that place is."""
    points = ground.points
    radius, places = points.radius_mm[own], points.points_lps_mm[own]
    seen = radius > SEEN_MM
    middle = int(0.4 * len(own))
    if seen.sum() < 6:
        return {}, middle
    usual_hu, usual_p = usual.at(radius)
    step = (points.arc_mm[own[-1]] - points.arc_mm[own[0]]) / (len(own) - 1)
    over = max(3, round(OVER_MM / max(step, 1e-3)))
    share = uniform_filter1d(seen.astype(float), over, mode="constant")
    signs, evidence = {}, np.zeros(len(own))
    # Fat is at -100 HU: contrast is what lies above.
    for name, lack, least, most in (
        ("contrast", 1.0 - (ground.along(ground.case.ct, places) + 100.0) / (usual_hu + 100.0), 0.07, 0.3),
        ("unsure", usual_p - ground.along(ground.case.probability, places), 0.07, 0.25),
    ):
        if np.isfinite(lack).all():
            smooth = uniform_filter1d(np.where(seen, lack, 0.0), over, mode="constant") / np.maximum(share, 1e-6)
            sign = np.where(share > 0.3, np.maximum((smooth - least) / (most - least), 0.0), 0.0)
            signs[name] = min(float(sign.max()), 1.0)
            evidence += WEIGHTS[name] * sign
    return signs, int(np.argmax(evidence)) if evidence.any() else middle


def _widening(radius: np.ndarray, arc: np.ndarray) -> float:
    length = arc[-1] - arc[0]
    if length < 10.0:
        return 0.0
    first = np.median(radius[arc - arc[0] < 0.35 * length])
    last = np.median(radius[(arc - arc[0] > 0.6 * length) & (arc < arc[-1] - 1.5)])
    return float(np.clip((last / max(first, 0.3) - 1.1) / 0.5, 0.0, 1.0))


def _mother(tree, index: int, radius: np.ndarray) -> float:
    """How much wider than the vessel it hangs on, taken behind the junction, where that one goes on."""
    branch = tree.branches[index]
    sisters = [tree.branches[one] for one in tree.children[branch.parent] if one != index]
    beside = max((float(np.nanmedian(one.radius_mm)) for one in sisters), default=0.0)
    above = float(np.nanmedian(tree.branches[branch.parent].radius_mm))
    return float(np.clip((np.median(radius) / max(above, beside, 0.3) - 1.15) / 0.4, 0.0, 1.0))


def _share_beside(ground: Ground, own: np.ndarray, key: str, index: int) -> float:
    """Share of a branch's length that runs along another branch, a few millimetres away, in the same direction."""
    points = ground.points
    number = points.keys.index(key)
    family = {index, *ground.case.trees[key].subtree(index)}
    away = points.arc_mm[own] > points.arc_mm[own[0]] + 4.0
    beside = np.zeros(len(own), bool)
    for place in np.flatnonzero(away):
        row = own[place]
        reach = points.radius_mm[row] + 4.5
        near = [
            one for one in points.search.query_ball_point(points.points_lps_mm[row], reach)
            if points.system[one] != number or points.branch[one] not in family
        ]
        if near:
            beside[place] = bool((np.abs(points.tangents[near] @ points.tangents[row]) > 0.8).any())
    return float(np.clip(beside[away].mean() / 0.5, 0.0, 1.0)) if away.sum() > 5 else 0.0


def _suspect(ground: Ground, key: str, index: int, at: int, score: float, signs: dict[str, float]) -> Suspect:
    branch = ground.case.trees[key].branches[index]
    vessel = label_of(ground.case, key, index)
    strongest = sorted(signs, key=lambda name: -WEIGHTS[name] * signs[name])
    said = [SIGNS[name] for name in strongest[:3] if signs[name] > 0.2]
    return Suspect(
        Kind.VEIN, place_of(branch.points_lps_mm[at]), min(score, 0.97),
        f"{vessel[0].upper()}{vessel[1:]} may be a vein: {', '.join(said)}. Follow it to its end and remove the branch "
        "if it runs into the coronary sinus.", key, index, vessel,
    )
