"""A model of every system besides the two-step one, of networks whose answer is known in advance."""

from inference_samples import voxelwise_network

from CoronarySegLib.models import ModelCard, StageCard, save_model

BARS, NOTHING = (350, 3000), (2900, 3000)
MASK = (250, 3000)
"""Of an input that is 0 or 1: what lies above one half."""


def of_channel(channel, inputs, band):
    """A network that answers by the value of one of its inputs."""
    return voxelwise_network(inputs, [band], channel)


def a_stage(name, inputs=("ct",), *, spacing_mm=2.0, patch=32, **options):
    arguments = {"in_channels": len(inputs), "out_channels": 1, "channels": [2 + (len(inputs) == 2)], "bottleneck": 1}
    return StageCard(name, "ResUNet3D", arguments, inputs, ("lumen",), spacing_mm, (patch,) * 3, **options)


def a_model(path, system, *stages_and_networks):
    stages, networks = zip(*stages_and_networks, strict=True)
    card = ModelCard("by hand", "recommended", "0", "answers by HU", stages, "none", "none", system=system)
    return save_model(path, card, {s.name: n.state_dict() for s, n in zip(stages, networks, strict=True)})


def the_vote(path, *bands, coarse=BARS):
    first = a_stage("coarse", spacing_mm=None)
    fine = [a_stage(f"fine{size}", patch=size) for size in (16, 32, 64)]
    networks = [of_channel(0, 1, band) for band in bands]
    return a_model(path, "coarse_vote", (first, of_channel(0, 1, coarse)), *zip(fine, networks, strict=True))


def models(path, band=BARS):
    """A model of every system that finds what lies in a band of HU, each in a folder of its system's name."""
    native = {"spacing_mm": None, "native": True}
    bright = of_channel(0, 1, band)
    stages = {
        "patches": ((a_stage("patches"), bright),),
        "patches_level_set": ((a_stage("patches"), bright),),
        "vesselness": ((a_stage("vesselness", ("ct", "vesselness")), of_channel(0, 2, band)),),
        "slices": ((a_stage("slices", **native), bright),),
        "slices_refined": (
            (a_stage("slices", **native), bright),
            (a_stage("refine", ("ct", "initial"), **native), of_channel(1, 2, MASK)),
        ),
    }
    made = {system: a_model(path / system, system, *parts) for system, parts in stages.items()}
    return made | {"coarse_vote": the_vote(path / "coarse_vote", band, band, band, coarse=band)}


SYSTEMS = ("patches", "patches_level_set", "vesselness", "slices", "slices_refined", "coarse_vote")
