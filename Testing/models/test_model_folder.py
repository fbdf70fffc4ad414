import json
from dataclasses import replace

import pytest
import torch

from CoronarySegLib.errors import ModelError
from CoronarySegLib.models import folder, load_stage, open_model, save_model


def test_float32_weights_come_back_exactly(tmp_path, a_card, a_network):
    save_model(tmp_path, a_card, {"whole": a_network.state_dict()}, precision="float32")
    loaded = load_stage(open_model(tmp_path), "whole").state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in a_network.state_dict().items())


def test_float16_weights_give_nearly_the_same_output(a_folder, a_network):
    image = torch.randn(1, 1, 8, 8, 8)
    torch.testing.assert_close(load_stage(a_folder, "whole")(image), a_network(image), atol=0.02, rtol=0)


def test_float16_keeps_the_norm_statistics_in_float32(tmp_path, a_card, a_network):
    a_network.bottleneck.norm1.running_var.fill_(1e6)
    folder = save_model(tmp_path, a_card, {"whole": a_network.state_dict()})
    assert load_stage(folder, "whole").bottleneck.norm1.running_var.max() == 1e6


def test_a_loaded_stage_is_in_eval_mode_without_gradients(a_folder):
    network = load_stage(a_folder, "whole")
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())


def test_saving_writes_the_card_with_checksums(a_folder):
    card = json.loads((a_folder.path / "model.json").read_text())
    assert len(card["stages"][0]["sha256"]) == 64
    assert open_model(a_folder.path) == a_folder


def test_a_changed_byte_is_found_by_the_checksum(a_folder):
    path = a_folder.weights_path("whole")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"checksum differs.*Copy the model folder again"):
        open_model(a_folder.path)


def test_missing_weights_are_named(a_folder):
    a_folder.weights_path("whole").unlink()
    with pytest.raises(ModelError, match=r"weights of stage 'whole' are missing"):
        open_model(a_folder.path)


def test_a_folder_without_a_card_is_no_model_folder(tmp_path):
    with pytest.raises(ModelError, match=r"no model\.json"):
        open_model(tmp_path)


def test_weights_of_another_width_do_not_fit(tmp_path, a_card, a_network):
    stage = a_card.stages[0]
    wide = replace(stage, arguments={**stage.arguments, "bottleneck": 8})
    folder = save_model(tmp_path, a_card.with_stage(wide), {"whole": a_network.state_dict()})
    with pytest.raises(ModelError, match=r"does not fit the network ResUNet3D.*bottleneck"):
        load_stage(folder, "whole")


def test_channel_names_that_do_not_match_the_network_are_refused(tmp_path, a_card, a_network):
    two = replace(a_card.stages[0], inputs=("ct", "left_prior"))
    folder = save_model(tmp_path, a_card.with_stage(two), {"whole": a_network.state_dict()})
    with pytest.raises(ModelError, match="in_channels=1"):
        load_stage(folder, "whole")


def test_a_file_that_is_no_safetensors_is_a_model_error(a_folder):
    a_folder.weights_path("whole").write_bytes(b"not weights")
    with pytest.raises(ModelError, match="safetensors"):
        load_stage(a_folder, "whole")


def test_weights_for_other_stages_than_the_card_has_are_refused(tmp_path, a_card, a_network):
    with pytest.raises(ModelError, match="every stage of the card"):
        save_model(tmp_path, a_card, {"vessels": a_network.state_dict()})


def test_weights_that_are_not_finite_are_not_saved(tmp_path, a_card, a_network):
    state = a_network.state_dict()
    state["head.weight"] = state["head.weight"] * float("nan")
    with pytest.raises(ModelError, match=r"head\.weight holds values that are not finite"):
        save_model(tmp_path, a_card, {"whole": state})


def test_an_interrupted_save_leaves_no_folder_that_opens(a_folder, a_card, a_network):
    state = {key: value * float("inf") for key, value in a_network.state_dict().items()}
    with pytest.raises(ModelError, match="not finite"):
        save_model(a_folder.path, a_card, {"whole": state})
    with pytest.raises(ModelError, match=r"no model\.json"):
        open_model(a_folder.path)


def test_an_unknown_precision_is_refused(tmp_path, a_card, a_network):
    with pytest.raises(ModelError, match="float16 or float32"):
        save_model(tmp_path, a_card, {"whole": a_network.state_dict()}, precision="int8")


def test_a_folder_that_cannot_be_written_is_named(tmp_path, a_card, a_network):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="could not be saved"):
        save_model(tmp_path / "file" / "model", a_card, {"whole": a_network.state_dict()})


def test_a_tensor_known_by_two_names_is_written_once_and_comes_back_by_both(tmp_path, a_card, a_network, monkeypatch):
    monkeypatch.setattr(folder, "SMALLEST_COPY", 100)
    state = dict(a_network.state_dict())
    largest = max(state, key=lambda key: state[key].numel())
    alone = save_model(tmp_path / "alone", a_card, {"whole": state}).weights_path("whole")
    both = {**state, "again.weight": state[largest]}
    path = save_model(tmp_path / "both", a_card, {"whole": both}).weights_path("whole")
    assert path.stat().st_size < alone.stat().st_size + state[largest].numel()
    tensors = folder.read_tensors(path)
    assert torch.equal(tensors["again.weight"], tensors[largest])
    assert set(tensors) == set(both)
