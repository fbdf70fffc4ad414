"""A synthetic contrast heart CT with complete truth; see :func:`make_phantom`."""

from .phantom import Phantom, make_phantom, truth_labels
from .settings import PhantomSettings, centred_grid
from .tissues import Tissue
from .tree import Branch, CalciumDeposit, CoronaryTree, Lesion
from .writing import read_tree, write_phantom

__all__ = [
    "Branch",
    "CalciumDeposit",
    "CoronaryTree",
    "Lesion",
    "Phantom",
    "PhantomSettings",
    "Tissue",
    "centred_grid",
    "make_phantom",
    "read_tree",
    "truth_labels",
    "write_phantom",
]
