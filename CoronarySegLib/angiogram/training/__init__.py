"""Angiograms with their masks as patches for the library's training: ``cases`` finds them, ``patients`` splits them."""
