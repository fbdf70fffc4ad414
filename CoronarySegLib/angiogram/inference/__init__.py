"""A model on angiograms: image in, probability and mask out."""

from .engine import device_for
from .predict import AngiogramPrediction, AngiogramPredictor, predict_angiogram

__all__ = ["AngiogramPrediction", "AngiogramPredictor", "device_for", "predict_angiogram"]
