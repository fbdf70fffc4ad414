import json
from dataclasses import FrozenInstanceError, replace

import pytest

from CoronarySegLib.errors import ModelError
from CoronarySegLib.models import ModelCard


def test_a_card_survives_the_way_through_json(a_card):
    assert ModelCard.of_json(a_card.to_json()) == a_card


def test_a_card_says_that_it_is_no_medical_device(a_card):
    text = a_card.to_json()
    assert "not a medical device" in text
    assert "synthetic anatomy only" in text


def test_a_card_cannot_be_changed(a_card):
    with pytest.raises(FrozenInstanceError):
        a_card.name = "other"


def changed(card, path, value):
    data = json.loads(card.to_json())
    target = data
    for key in path[:-1]:
        target = target[key]
    if value is None:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("stages", 0, "patch_zyx"), [96, 96], "patch_zyx"),
        (("stages", 0, "patch_zyx"), [96, 96, "a"], r"stages\[0\].patch_zyx\[2\] must be a whole number"),
        (("stages", 0, "spacing_mm"), True, r"stages\[0\].spacing_mm must be a number"),
        (("stages", 0, "spacing_mm"), -1, "spacing_mm must be positive"),
        (("stages", 0, "hu_window"), [100, 100], "hu_window"),
        (("stages", 0, "colour"), 1, r"unknown entry stages\[0\].colour"),
        (("stages", 0, "network"), None, r"missing entry stages\[0\].network"),
        (("stages", 0, "weights"), "../secret.safetensors", "plain file name"),
        (("stages", 0, "mirror_axes"), [3], "mirror_axes"),
        (("stages",), [], "at least one stage"),
        (("figures", "dice"), "high", "figures.dice must be a number"),
        (("profile",), "fast", "known are recommended, paper"),
        (("licence",), 3, "licence must be a text"),
        (("format",), 2, "reads format 1"),
        (("training_data",), None, "missing entry training_data"),
    ],
)
def test_a_wrong_entry_is_named_with_its_place(a_card, path, value, named):
    with pytest.raises(ModelError, match=named):
        ModelCard.of_json(changed(a_card, path, value))


@pytest.mark.parametrize("text", ["", "{", "[]", '"card"'])
def test_what_is_no_card_at_all_is_a_model_error(text):
    with pytest.raises(ModelError, match=r"my\.json"):
        ModelCard.of_json(text, "my.json")


def test_an_unknown_stage_lists_the_stages_there_are(a_card):
    with pytest.raises(ModelError, match="it has: whole"):
        a_card.stage("vessels")


def test_two_stages_of_one_name_are_refused(a_card):
    with pytest.raises(ModelError, match="same name"):
        replace(a_card, stages=a_card.stages * 2)


def test_an_output_is_found_by_name_and_a_missing_one_is_named(a_card):
    assert a_card.stages[0].output("lumen") == 0
    with pytest.raises(ModelError, match="predicts lumen but not 'vein'"):
        a_card.stages[0].output("vein")


def test_a_card_that_names_no_system_means_its_profiles_own(a_card):
    assert (a_card.system, replace(a_card, profile="recommended", system="").system) == ("whole", "two_step")


def test_system_deviations_and_grid_of_a_stage_survive_the_file(a_card):
    stage = replace(a_card.stages[0], name="slices", native=True, normalisation="minmax", sharpen=True)
    card = replace(a_card, system="slices", deviations=("batch is 1 instead of 4.",), stages=(stage,))
    assert ModelCard.of_json(card.to_json()) == card


@pytest.mark.parametrize(("change", "named"), [
    ({"system": "two_stage"}, "known are two_step"), ({"deviations": [3]}, r"deviations\[0\] must be a text"),
])
def test_a_system_or_deviation_that_is_none_is_named(a_card, change, named):
    with pytest.raises(ModelError, match=named):
        ModelCard.of_json(json.dumps({**json.loads(a_card.to_json()), **change}))


@pytest.mark.parametrize(("change", "named"), [
    ({"native": 1}, "native must be true or false"), ({"normalisation": "z"}, "window, minmax"),
    ({"native": True, "spacing_mm": 0.5}, "no spacing_mm of its own"),
])
def test_a_grid_that_makes_no_sense_is_named(a_card, change, named):
    values = json.loads(a_card.to_json())
    values["stages"][0].update(change)
    with pytest.raises(ModelError, match=named):
        ModelCard.of_json(json.dumps(values))
