"""A model on angiograms: image in, probability and mask out."""

from .predict import AngiogramPrediction, AngiogramPredictor, predict_angiogram

__all__ = ["AngiogramPrediction", "AngiogramPredictor", "predict_angiogram"]
