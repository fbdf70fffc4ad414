"""What an encoder learned in one network starts another's."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from CoronarySegLib.angiogram.networks.inception_resnet_v2 import InceptionResNetV2, load_published
from CoronarySegLib.benchmark import transfer
from CoronarySegLib.benchmark.transfer import ENCODER, pretrained_encoder, save_encoder
from CoronarySegLib.errors import TrainingError


def trained(monkeypatch, state: dict[str, torch.Tensor]) -> None:
    monkeypatch.setattr(transfer, "read_weights", lambda run, which: SimpleNamespace(state_dict=state))


@pytest.mark.parametrize("prefix", ["network.encoder.", "encoder."], ids=["baseline", "U-Net 3+"])
def test_a_networks_encoder_is_taken_out_and_starts_another(monkeypatch, tmp_path, prefix):
    torch.manual_seed(1)
    encoder = InceptionResNetV2()
    state = {f"{prefix}{name}": values for name, values in encoder.state_dict().items()}
    trained(monkeypatch, {**state, "network.decoder.weight": torch.zeros(3)})
    path = save_encoder(tmp_path, tmp_path / ENCODER)

    other = InceptionResNetV2()
    load_published(other, path)
    assert all(torch.equal(values, other.state_dict()[name]) for name, values in encoder.state_dict().items())


def test_a_network_without_encoder_is_refused_and_nothing_written(monkeypatch, tmp_path):
    trained(monkeypatch, {"level1.weight": torch.zeros(3)})
    with pytest.raises(TrainingError, match="no encoder"):
        save_encoder(tmp_path, tmp_path / ENCODER)
    assert not list(tmp_path.iterdir())


def test_what_is_learned_is_not_learned_again(tmp_path):
    (tmp_path / ENCODER).write_bytes(b"weights")
    assert pretrained_encoder(tmp_path / "nowhere", tmp_path, {}) == tmp_path / ENCODER
