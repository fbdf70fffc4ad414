"""Coronary arteries out of a cardiac CT: reading, networks, patch inference, post-processing and reconstruction.

The library knows no Slicer, Qt or display. See ``Docs/architecture.md`` for the path a CT takes through the folders.
"""

__version__ = "0.1.0"
