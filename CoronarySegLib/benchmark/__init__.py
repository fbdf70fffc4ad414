"""Published systems, their ablations and baselines side by side: trained and scored on one split of one data folder.

``entrants`` says who takes part, ``run`` trains and scores them one by one into a folder that can be resumed, ``cost``
counts weights and operations, ``table`` puts it all into one table in the papers' form.
"""
