"""Published systems, their ablations and baselines side by side: trained and scored on one split of one data folder.

``entrants`` says who takes part, ``run`` trains them (``budget``: equally long) and ``scoring`` scores them one by one
into a folder that can be resumed; ``cost`` and ``memory`` say what they need, ``table`` puts it all into one table in
the papers' form and ``claims`` says which of the papers' claims it bears out.
"""
