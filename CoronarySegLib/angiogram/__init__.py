"""Coronary arteries on X-ray angiograms (2D). The path of a run is the order of the folders, as for a CT:
``reading``, ``networks`` and ``inference``, ``measurement``, ``writing``; beside it ``phantom`` and ``training``.
"""

from .image import AngiogramImage

__all__ = ["AngiogramImage"]
