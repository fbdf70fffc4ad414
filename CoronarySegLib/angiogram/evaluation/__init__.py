"""Figures between a mask and its truth on an angiogram."""

from .scores import AngiogramScores, score_mask

__all__ = ["AngiogramScores", "score_mask"]
