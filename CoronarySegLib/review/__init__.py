"""Where a person should look: a result's suspicious places in the order of their worth, and views to judge them by."""

from .queue import MOST_SUSPECTS, find_suspects
from .suspects import Kind, ReviewCase, Suspect
from .uncertainty import uncertainty_of

__all__ = ["MOST_SUSPECTS", "Kind", "ReviewCase", "Suspect", "find_suspects", "uncertainty_of"]
