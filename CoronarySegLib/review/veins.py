"""Branches that may be veins. No single sign proves one; several together make it worth a look.

A cardiac vein runs beside an artery in the same groove, carries less contrast in an arterial phase, grows wider away
from the place where it touches the artery (an artery tapers), hangs on by a thin neck, and the network is less sure of
it. Each sign is a number 0..1; the signs count as independent pieces of evidence (noisy or).
"""

from __future__ import annotations

import numpy as np

from .ground import Ground, label_of
from .suspects import Kind, Suspect, place_of

SHORTEST_MM = 6.0
"""Outside of its mother: a shorter branch shows no course."""
LEAST = 0.35
WEIGHTS = {
    "vein": 0.9, "contrast": 0.55, "widening": 0.6, "mother": 0.45, "beside": 0.45, "neck": 0.35, "unsure": 0.35,
}
SIGNS = {
    "vein": "the network rather sees a vein", "contrast": "its contrast is lower than that of the tree",
    "widening": "it grows wider away from its beginning", "mother": "it is wider than the vessel it hangs on",
    "beside": "it runs beside another vessel", "neck": "it hangs on by a thin neck",
    "unsure": "the network is less sure of it than of the tree",
}
MEASURABLE_MM = 0.6
"""Radius: the middle of a thinner vessel has no HU and no probability of its own in a voxel of half a millimetre."""
TWIG_MM = 8.0
"""A branch this short between an artery and two others is the place where a vein touches it, not a vessel."""
ROOT_SHARE = 0.3


def possible_veins(ground: Ground) -> list[Suspect]:
    """One entry a suspected branch; what hangs on a suspected branch is not listed again."""
    found: dict[tuple[str, int], Suspect] = {}
    for key in sorted(ground.case.trees):
        tree = ground.case.trees[key]
        usual = _usual(ground, key)
        for index in range(1, len(tree.branches)):
            signs = _signs(ground, key, index, usual)
            score = 1.0 - float(np.prod([1.0 - WEIGHTS[name] * value for name, value in signs.items()]))
            several = sum(value > 0.3 for value in signs.values()) >= 2
            # Of a pair that runs side by side the one without a name is the stranger.
            stranger = not tree.branches[index].name and signs.get("beside", 0.0) > 0.8
            alone = signs.get("vein", 0.0) > 0.4 or stranger
            if score < LEAST or not (several or alone):
                continue
            suspect = _suspect(ground, key, index, score, signs)
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


def _usual(ground: Ground, key: str) -> tuple[float, float]:
    """HU and probability in the middle of the tree's larger vessels near their root, NaN where there is no image."""
    points = ground.points
    rows = np.flatnonzero(points.system == points.keys.index(key))
    wide = rows[points.expected_mm[rows] >= np.quantile(points.expected_mm[rows], 1.0 - ROOT_SHARE)]
    places = points.points_lps_mm[wide]
    return tuple(
        float(np.median(ground.along(volume, places))) for volume in (ground.case.ct, ground.case.probability)
    )


def _signs(ground: Ground, key: str, index: int, usual: tuple[float, float]) -> dict[str, float]:
    """Every sign that can be judged on a branch, 0 (an artery's) to 1 (a vein's)."""
    tree = ground.case.trees[key]
    branch, mother = tree.branches[index], tree.branches[tree.branches[index].parent]
    inside_mother = float(np.nan_to_num(mother.radius_mm[-1]))
    rows = ground.points.rows(key, index)
    arc = ground.points.arc_mm[rows]
    own = rows[arc > inside_mother]
    if branch.length_mm - inside_mother < SHORTEST_MM or len(own) < 8:
        return {}
    radius, places = ground.points.radius_mm[own], ground.points.points_lps_mm[own]
    signs = {
        "beside": _share_beside(ground, own, key, index), "mother": _mother(tree, index, radius),
        "widening": _widening(radius, ground.points.arc_mm[own]),
    }
    body = float(np.median(radius))
    neck = float(radius[ground.points.arc_mm[own] - inside_mother < 4.0].min(initial=body))
    signs["neck"] = float(np.clip((0.7 - neck / max(body, 0.1)) / 0.3, 0.0, 1.0)) if body > MEASURABLE_MM else 0.0
    wide = radius > MEASURABLE_MM
    if wide.sum() >= 6:
        usual_hu, usual_p = usual
        # Fat is at -100 HU: contrast is what lies above.
        contrast = (np.median(ground.along(ground.case.ct, places[wide])) + 100.0) / (usual_hu + 100.0)
        sure = np.median(ground.along(ground.case.probability, places[wide])) - usual_p
        signs["contrast"] = float(np.nan_to_num(np.clip((0.88 - contrast) / 0.25, 0.0, 1.0)))
        signs["unsure"] = float(np.nan_to_num(np.clip((-sure - 0.08) / 0.3, 0.0, 1.0)))
    if ground.case.vein is not None:
        signs["vein"] = float(np.clip(np.mean(ground.along(ground.case.vein, places)) / 0.4, 0.0, 1.0))
    return signs


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


def _suspect(ground: Ground, key: str, index: int, score: float, signs: dict[str, float]) -> Suspect:
    branch = ground.case.trees[key].branches[index]
    vessel = label_of(ground.case, key, index)
    strongest = sorted(signs, key=lambda name: -WEIGHTS[name] * signs[name])
    said = [SIGNS[name] for name in strongest[:3] if signs[name] > 0.2]
    middle = int(np.searchsorted(branch.arc_mm, 0.4 * branch.length_mm))
    return Suspect(
        Kind.VEIN, place_of(branch.points_lps_mm[middle]), min(score, 0.97),
        f"{vessel[0].upper()}{vessel[1:]} may be a vein: {', '.join(said)}. Follow it to its end and remove the branch "
        "if it runs into the coronary sinus.", key, index, vessel,
    )
