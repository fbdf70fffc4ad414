"""An angiogram onto the square a network works on, and its answer back."""

from .square import Square, onto_square

__all__ = ["Square", "onto_square"]
